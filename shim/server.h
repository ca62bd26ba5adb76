/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The long-lived process: serves the task API on the listening socket that it
 * was started with, until Shutdown without containers, or SIGTERM or SIGINT.
 */
#pragma once

#include "base/error.h"
#include "shim/flags.h"

/*
 * The listening socket is descriptor 3. Logs to the bundle's `log` FIFO. Returns 0 after a clean
 * end: all answers written, events sent (at most 3 s), the socket's file removed.
 */
int server_run(const struct shim_flags *flags, struct error *err);
