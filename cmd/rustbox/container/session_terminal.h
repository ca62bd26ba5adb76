/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own standard streams in a session: never blocking, though others may
 * have them open, too; and the terminal's raw mode.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

#include "base/error.h"

struct session_stream {
	int fd;		/* to poll and to use */
	int own;	/* the same when it was opened again, else -1 */
	bool is_socket; /* asked not to block with each call */
};

struct session_terminal {
	struct session_stream in, out, err;
	bool raw; /* `before` is to be put back */
	struct termios before;
};

/* Cannot fail: what cannot be opened again is used as it is. */
void session_terminal_open(struct session_terminal *terminal);

/* Puts the terminal back, too. */
void session_terminal_close(struct session_terminal *terminal);
#define cleanup_session_terminal __attribute__((cleanup(session_terminal_close)))

/* Where standard input is a terminal; again after somebody else has changed it. */
int session_terminal_set_raw(struct session_terminal *terminal, struct error *err);
void session_terminal_restore(struct session_terminal *terminal);

/* As read(2) and write(2); EAGAIN where they would block. */
ssize_t session_stream_read(const struct session_stream *stream, void *data, size_t size);
ssize_t session_stream_write(const struct session_stream *stream, const void *data, size_t size);
