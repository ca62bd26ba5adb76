/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal's side of an attached connection: run in the foreground,
 * start -a, attach, exec. Copies, forwards signals and window sizes, knows the
 * detach keys, and puts the terminal back whatever happens.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

#define SESSION_DETACH_KEYS "ctrl-p,ctrl-q"

struct session {
	int socket;	 /* connected; ATTACH or EXEC was sent. Borrowed */
	bool is_started; /* STARTED was received already */
	bool tty;	 /* of the container: ours becomes raw if it is one */
	bool wants_input;
	bool sig_proxy;		 /* without a terminal: signals go to the container's process */
	const char *detach_keys; /* "ctrl-p,ctrl-q"; "" for none; NULL: SESSION_DETACH_KEYS */
};

enum session_end { SESSION_EXITED, SESSION_DETACHED };

/*
 * Until the process has ended or the user detaches. *ret_exit_code: the
 * process's, or that of FAILED (then -1 with err). A supervisor that dies: -1,
 * 125, and what to do.
 *
 * A signal that is not forwarded ends us as it would without a session, the
 * terminal put back first; so does, as SIGPIPE, an output that nobody reads any
 * more. The container goes on without us then.
 */
int session_run(const struct session *session, enum session_end *ret_end, int *ret_exit_code,
		struct error *err);

/*
 * From now on signals that session_run() would forward wait for it: so that
 * none of them ends us while the container is made and started.
 */
void session_hold_signals(void);

/* Is standard input a terminal? */
bool session_has_terminal(void);

/* Our terminal's size, for ATTACH and EXEC; zeroes where there is none. */
struct stream_size;
void session_terminal_size(struct stream_size *ret);

/* Checks "ctrl-p,ctrl-q": into at most 16 bytes; the number of them, -1 with err. */
int session_read_detach_keys(const char *text, char keys[16], struct error *err);
