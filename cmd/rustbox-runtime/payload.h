/* SPDX-License-Identifier: Apache-2.0 */
/* What create, run and exec have in common: the streams and descriptors of a payload. */
#pragma once

#include "cmd/rustbox-runtime/command.h"

/* Embedded in the commands' structs as `payload`. */
struct payload_options {
	const char *console_socket, *pid_file, *pidfd_socket;
	struct option_uint preserve_fds;
	bool detach;
};

enum { PRESERVE_FDS_MAX = 1 << 20 };

#define PAYLOAD_ROWS(s)                                                                            \
	{ "console-socket",                                                                        \
	  0,                                                                                       \
	  "SOCKET",                                                                                \
	  "send the terminal's master to this unix socket",                                        \
	  OPTION_AT(s, payload.console_socket),                                                    \
	  .path = OPTION_FILE },                                                                   \
		{ "pid-file",                                                                      \
		  0,                                                                               \
		  "FILE",                                                                          \
		  "write the process id to this file",                                             \
		  OPTION_AT(s, payload.pid_file),                                                  \
		  .path = OPTION_FILE },                                                           \
		{ "pidfd-socket",                                                                  \
		  0,                                                                               \
		  "SOCKET",                                                                        \
		  "send a pidfd of the process to this unix socket",                               \
		  OPTION_AT(s, payload.pidfd_socket),                                              \
		  .path = OPTION_FILE },                                                           \
	{                                                                                          \
		"preserve-fds", 0, "N",                                                            \
			"give the process N more descriptors: 3 and on, behind those of "          \
			"$LISTEN_FDS",                                                             \
			OPTION_AT(s, payload.preserve_fds), .max = PRESERVE_FDS_MAX                \
	}

#define DETACH_ROW(s)                                                                              \
	{                                                                                          \
		"detach", 'd', NULL, "do not wait for the process", OPTION_AT(s, payload.detach)   \
	}

/*
 * Fills *ret. The descriptors that are not for the payload become
 * close-on-exec; one that should be given to it and is not open is an error.
 */
int payload_io(const struct payload_options *options, const struct invocation *call,
	       struct container_io *ret, struct error *err);

/* How many descriptors sd_listen_fds(3) promises to this process. */
unsigned int payload_listen_fds(const char *listen_pid, const char *listen_fds, long own_pid);
