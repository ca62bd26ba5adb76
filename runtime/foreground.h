/* SPDX-License-Identifier: Apache-2.0 */
/* run and restore in the foreground: the caller waits for the container's end. */
#pragma once

#include <stdbool.h>

#include "runtime/lifecycle.h"

/*
 * Relays terminal and signals until the end of init, whose exit code is
 * *ret_exit_code. starts: it is created, and START is sent when all is relayed.
 */
int foreground_attend(struct lifecycle *container, bool starts, int *ret_exit_code,
		      struct error *err);
