/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal's side of an attached connection: run in the foreground,
 * start -a, attach, exec. Copies, forwards signals and window sizes, knows the
 * detach keys, and puts the terminal back whatever happens.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct session {
	int socket;	 /* connected; ATTACH or EXEC was sent. Borrowed */
	bool is_started; /* STARTED was received already */
	bool tty;	 /* of the container: ours becomes raw if it is one */
	bool wants_input;
	bool sig_proxy;
	const char *detach_keys; /* "ctrl-p,ctrl-q"; "" for none */
};

enum session_end { SESSION_EXITED, SESSION_DETACHED };

/*
 * Until the process has ended or the user detaches. *ret_exit_code: the
 * process's, or that of FAILED (then -1 with err). A supervisor that dies: -1,
 * 125, and what to do.
 */
int session_run(const struct session *session, enum session_end *ret_end, int *ret_exit_code,
		struct error *err);

/* Checks "ctrl-p,ctrl-q": into at most 16 bytes; the number of them, -1 with err. */
int session_read_detach_keys(const char *text, char keys[16], struct error *err);
