/* SPDX-License-Identifier: Apache-2.0 */
/* What run, start, attach and exec share: their options, and the session with its last words. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/session.h"
#include "cmd/rustbox/stream/stream.h"

#define DETACH_KEYS_ROW(s)                                                                         \
	{                                                                                          \
		"detach-keys", 0, "KEYS",                                                          \
			"what detaches from a terminal: keys such as a or ctrl-a with commas "     \
			"between them, \"\" for none",                                             \
			OPTION_AT(s, detach_keys), .fallback = SESSION_DETACH_KEYS                 \
	}
#define SIG_PROXY_ROW(s)                                                                           \
	{                                                                                          \
		"sig-proxy", 0, NULL,                                                              \
			"signals go to the process, unless it has a terminal; with =false they "   \
			"are for rustbox alone",                                                   \
			OPTION_AT(s, sig_proxy), .fallback = "true"                                \
	}

/* Before anything is made, so that a mistake leaves nothing behind. */
int foreground_check(const char *detach_keys, struct error *err);

/* Until the end. `name` is what the user can attach to again; NULL for an exec. */
int foreground_run(const struct session *session, const char *name, int *ret_exit_code,
		   struct error *err);

/* What ATTACH says when everything is wanted: run, start --attach. */
struct stream_attach foreground_attach(enum stream_from from, bool wants_input, bool ends_input);

/* "--time", "--signal" of stop and restart. */
struct stop_options {
	struct option_int timeout;
	const char *signal;
};
#define STOP_ROWS                                                                                  \
	{ "time",                                                                                  \
	  't',                                                                                     \
	  "SECONDS",                                                                               \
	  "how long it may take until SIGKILL; -1: without end (default: what --stop-timeout "     \
	  "said, or 10)",                                                                          \
	  OPTION_AT(stop_options, timeout),                                                        \
	  .min = -1,                                                                               \
	  .max = 2000000 },                                                                        \
		{ "timeout",                                                                       \
		  0,                                                                               \
		  "SECONDS",                                                                       \
		  "the same",                                                                      \
		  OPTION_AT(stop_options, timeout),                                                \
		  .min = -1,                                                                       \
		  .max = 2000000,                                                                  \
		  .hidden = true },                                                                \
	{                                                                                          \
		"signal", 's', "SIGNAL",                                                           \
			"what asks it to end (default: what --stop-signal or the image said, or "  \
			"SIGTERM)",                                                                \
			OPTION_AT(stop_options, signal)                                            \
	}
int stop_options_read(const struct stop_options *options, struct stream_stop *ret,
		      struct error *err);
