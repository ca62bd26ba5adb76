/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard streams of one process of a container: pipes or a terminal on
 * its side; FIFOs, a file or a logging program on the other; and the copying
 * between them. Nothing blocks; memory per stream is bounded: a reader that
 * does not read stops the process, as a full pipe would.
 *
 *	stdio_new()           before the runtime's create or exec
 *	stdio_child_fds(), stdio_console_path()    given to it
 *	stdio_attach()        when it has succeeded
 *	stdio_process_ended() when the process was reaped
 *	stdio_when_drained()  before it is deleted
 *	stdio_free()
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/loop.h"
#include "shim/reaper.h"

struct stdio;

/*
 * Instead of FIFOs: the streams are handed over to this program. Who takes them
 * copies, and says when there is no more to come. The callbacks come from the
 * loop or from within calls of this file; texts of the config are not used.
 */
struct stdio_local {
	bool wants_input, wants_output; /* false: /dev/null. A terminal has both always */
	/*
	 * From stdio_attach(): our ends, non-blocking, taken over; -1: there is
	 * none. With a terminal `in` and `out` are its master, twice. The
	 * process has not been started, or (an exec) runs already.
	 */
	void (*attached)(void *data, struct stdio *stdio, int take_in, int take_out, int take_err);
	/* CloseIO. */
	void (*input_closed)(void *data);
	/* A terminal has no writer any more, what it holds excepted. */
	void (*process_ended)(void *data);
	/* Nobody waits any longer, `stdio` is gone: the ends are to be closed. */
	void (*closed)(void *data);
	void *data;
};

struct stdio_config {
	const char *id; /* of the container, or the exec */
	const char *namespace;
	/*
	 * As in the request, NULL or "" for none: the path of a FIFO or of a
	 * file, or a URI in `out`: fifo://, file://, binary://, binary-v2://.
	 */
	const char *in, *out, *err;
	bool terminal;
	uid_t uid; /* owner of the pipes */
	gid_t gid;
	int directory; /* opened folder, for the console's socket; borrowed during stdio_new() */
	const struct stdio_local *local; /* NULL: by in, out and err. Copied */
};

/*
 * Checks the config, makes the process's side and, for binary://, starts the
 * logger. FIFOs for output wait for their clients (at most 5 s): what a process
 * writes before its client has come would be lost if it ended, too. `ready` is called once: from
 * the loop, or from within this call where there is nothing to wait for; failure is NULL or why the
 * logger did not get ready. NULL with err: err->code EINVAL for a config that makes no sense (then
 * `ready` is not called).
 */
struct stdio *stdio_new(struct loop *loop, struct reaper *reaper, const struct stdio_config *config,
			void (*ready)(void *data, const char *failure), void *data,
			struct error *err);

/* Three descriptors for the runtime's 0, 1 and 2, borrowed; -1: /dev/null. */
const int *stdio_child_fds(const struct stdio *stdio);

/*
 * With a terminal: the name, in config.directory, of the socket where the
 * runtime's --console-socket is to send the terminal's master. NULL without.
 */
const char *stdio_console_name(const struct stdio *stdio);

/*
 * Closes our copies of the process's side, takes the terminal's master (which
 * the runtime has sent before it ended), opens the FIFOs and starts to copy.
 * A missing FIFO, or no master, is an error; the caller then ends the process.
 */
int stdio_attach(struct stdio *stdio, struct error *err);

/* CloseIO: end of file for the process as soon as all clients have closed. Any time, repeatable. */
void stdio_close_input(struct stdio *stdio);

/* Of the terminal, in characters; nothing happens without one. Before attach it is remembered. */
int stdio_resize(struct stdio *stdio, uint32_t columns, uint32_t rows, struct error *err);

/* The terminal has no writer any more once what it holds was read. */
void stdio_process_ended(struct stdio *stdio);

/*
 * Calls `drained` once, from the loop or from within: when all output has gone
 * where it belongs and the clients have got end of file and read up to
 * it, or have gone, or after timeout_ms, whatever comes first. Then the ends are closed and the
 * logger is ended.
 */
void stdio_when_drained(struct stdio *stdio, int timeout_ms, void (*drained)(void *data),
			void *data);

/*
 * Calls `read` once: when what has been written so far has been taken by the
 * client, or there is no client, or after timeout_ms; at the latest from
 * stdio_free(). Closes nothing. While another one waits it is called at once.
 */
void stdio_when_read(struct stdio *stdio, int timeout_ms, void (*read)(void *data), void *data);

/* Of local streams: all output was read, and its ends are closed. */
void stdio_local_drained(struct stdio *stdio);

/* Closes everything; `ready` and `drained` are not called any more. */
void stdio_free(struct stdio *stdio);
