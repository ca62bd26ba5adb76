/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What callers of create, run and exec get besides an exit code: the pid file,
 * the pidfd, the terminal.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "runtime/container.h"

/* Terminal, console socket and detaching must fit together. */
int report_check_console(const struct container_io *io, bool terminal, struct error *err);

/*
 * Where the terminal's master goes: *ret_theirs for the container's process;
 * *ret_ours is the end to receive from when the terminal is for ourselves (no
 * console socket was given), else -1.
 */
int report_open_console(const struct container_io *io, int *ret_theirs, int *ret_ours,
			struct error *err);

/* Writes the pid file (at once or not at all) and sends the pidfd, where asked for. */
int report_process(const struct container_io *io, pid_t pid, int pidfd, struct error *err);

/* Sends the pidfd to where an annotation wants it. */
int report_receiver(const struct spec *spec, int pidfd, struct error *err);
