/* SPDX-License-Identifier: Apache-2.0 */
/* Which signals a session takes, and what becomes of each. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum session_signal {
	SESSION_SIGNAL_FORWARD, /* to the container's process */
	SESSION_SIGNAL_RESIZE,	/* our terminal has another size */
	SESSION_SIGNAL_RESUME,	/* we were stopped, and the terminal may have changed */
	SESSION_SIGNAL_DIE,	/* ends us */
};

/*
 * A signalfd of them, which are blocked from now on: not those that were
 * ignored when we began, nor those by which the shell stops us (they are
 * forwarded, though, without a terminal).
 */
int session_signals_open(bool tty, bool proxies, struct error *err);

/* The next one: its number, 0: none. */
int session_signals_take(int fd);
enum session_signal session_signals_judge(int signal, bool tty, bool proxies);

/* Ends us by this signal, as if it had not been caught. Returns if that is not possible. */
void session_signals_die(int signal);
