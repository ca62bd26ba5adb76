/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The foreground part of run and exec: waits for the payload, and meanwhile
 * hands signals on to it and copies between our terminal and its own.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct relay {
	sigset_t old_mask;	 /* before relay_begin() */
	bool raw;		 /* our terminal's settings were changed */
	char saved_settings[64]; /* struct termios */
};

/*
 * Blocks all signals, so that none gets lost between the payload's birth and
 * relay_run(); children put their masks right themselves.
 */
int relay_begin(struct relay *relay, struct error *err);

/*
 * Before the payload runs, so that already its first byte finds it so: gives
 * the payload's terminal the size of ours, if we have one, and leaves the ends
 * of its lines as they are. A terminal of ours adds the carriage returns
 * itself; a file or pipe wants none.
 */
void relay_adopt_terminal(int master);

/*
 * Waits for the end of our child `pid` (pidfd) and returns its exit code as a
 * shell would (128 + signal). master: the payload's terminal or -1. Other
 * children that end meanwhile are reaped. What the payload wrote to its
 * terminal before its end is copied to the last byte.
 */
int relay_run(struct relay *relay, pid_t pid, int pidfd, int master, int *ret_exit_code,
	      struct error *err);

/* Puts terminal settings and signal mask back; callable without relay_run(). */
void relay_end(struct relay *relay);
