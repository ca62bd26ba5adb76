/* SPDX-License-Identifier: Apache-2.0 */
/* The socket over which a runtime hands out a terminal's master. */
#pragma once

#include "base/error.h"

struct console {
	int listener;  /* -1: there is none */
	int directory; /* where the socket lies */
	char name[24]; /* below it; unlike those of the other terminals that are being made */
};

/*
 * Makes it in the directory, for the owner alone. The directory's path may be
 * longer than a socket's address. On failure nothing is left.
 */
int console_listen(struct console *console, int directory, struct error *err);

/*
 * Takes the master that was sent before: a non-blocking terminal. Does not
 * wait; -1 with err where none came.
 */
int console_receive(const struct console *console, struct error *err);

/* Removes the socket. Repeatable. */
void console_done(struct console *console);
