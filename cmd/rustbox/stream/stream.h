/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a supervisor and its clients say to each other besides the task API:
 * attaching, exec, stop, changes of the record. Packets on SOCK_SEQPACKET,
 * <run>/<id>/stream.sock (0600, peer credentials checked), or the socket that
 * the supervisor was started with: one byte of type, then the payload; numbers
 * in host byte order.
 *
 * A connection begins with one of the first group and is about that until it
 * closes. Closing it is always safe: it detaches.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "oci/json.h"

enum stream_type {
	/* client to supervisor, first */
	STREAM_ATTACH = 1, /* struct stream_attach: to the container's own process */
	STREAM_EXEC,	   /* JSON, stream_exec_type: one more process */
	STREAM_STOP,	   /* struct stream_stop; answered by DONE or FAILED when it has ended */
	STREAM_KILL,	   /* struct stream_kill; DONE or FAILED */
	STREAM_CHANGE,	   /* JSON, stream_change_type; DONE or FAILED */
	STREAM_WAIT,	   /* nothing; answered by EXITED, when it has ended for good */
	STREAM_RESTART,	   /* struct stream_stop: stop, then start again; DONE or FAILED */
	STREAM_HEALTH, /* nothing: the health check runs now. DONE: healthy; FAILED has its output
			*/
	STREAM_CHECKPOINT, /* JSON, stream_checkpoint_type; DONE when it is complete and, unless the
			      container goes on, that has ended for good; or FAILED */

	/* client to supervisor, later (ATTACH, EXEC) */
	STREAM_INPUT =
		32,	  /* bytes, at most STREAM_BYTES_MAX; the next one only after INPUT_TAKEN */
	STREAM_INPUT_END, /* end of file; after INPUT_TAKEN as well. A terminal has none */
	STREAM_RESIZE,	  /* struct stream_size */
	STREAM_SIGNAL,	  /* struct stream_kill: to the process */

	/* supervisor to client */
	STREAM_STARTED = 64, /* uint32_t: pid on the host. The first answer to EXEC; to ATTACH, when
				there is a process (again, after a restart) */
	STREAM_FAILED, /* struct stream_failed and its text: instead of anything else; behind all
			  output instead of the last EXITED */
	STREAM_DONE,
	STREAM_OUT, /* bytes of standard output (of everything, with a terminal) */
	STREAM_ERR, /* bytes of standard error */
	STREAM_GAP, /* uint64_t: so many bytes this client misses: rotated away before it took them,
			or not to be read */
	STREAM_INPUT_TAKEN,
	STREAM_EXITED, /* struct stream_exited: behind all output; then the connection closes */
};

enum { STREAM_BYTES_MAX = 32 * 1024, STREAM_PACKET_MAX = 128 * 1024 };

enum stream_input_end {
	STREAM_INPUT_STAYS,
	STREAM_INPUT_ENDS_WITH_CLIENT, /* the container's stdin ends by INPUT_END, and when this
					  client goes (run -i) */
	STREAM_INPUT_ENDS_WHEN_TOLD,   /* by INPUT_END only */
	STREAM_ALL_ENDS_WITH_CLIENT,   /* the same; and the container is killed when this client
					  goes, and stopped by a signal of it that asks programs
					  to end (sandbox) */
};

enum stream_from {
	STREAM_FROM_NOW,
	STREAM_FROM_START,  /* of the container's present run (run, start -a) */
	STREAM_FROM_RECENT, /* with a terminal the last 16 KiB: about a screen; else as FROM_NOW */
};

struct stream_size {
	uint16_t columns, rows; /* 0: not known */
};
struct stream_attach {
	uint8_t from;	      /* enum stream_from */
	uint8_t wants_output; /* else only STARTED and EXITED come (run -d: closes after STARTED) */
	uint8_t wants_input;  /* INPUT may follow; several clients' inputs are mixed */
	uint8_t ends_input;   /* enum stream_input_end */
	struct stream_size size;
};
struct stream_stop {
	int32_t timeout_ms; /* until SIGKILL; -1: never; STREAM_TIMEOUT_OF_RECORD */
	int32_t signal;	    /* 0: of the record */
};
enum { STREAM_TIMEOUT_OF_RECORD = -2 };
struct stream_kill {
	int32_t signal;
	uint32_t all; /* to all processes of the container */
};
struct stream_failed {
	uint32_t exit_code; /* what a command ends with: 125, 126, 127 */
};
struct stream_exited {
	int32_t exit_code, signal;
	uint8_t oom_killed;
	uint8_t will_restart; /* EXITED is not the end for this attached client: STARTED follows */
	char ended_by[16];    /* "timeout", …, NUL-terminated, or "" */
};

/* EXEC. The process begins as the container's own (config.json), changed by what is given here. */
struct stream_exec {
	char **args, **env; /* env: NAME=VALUE, added to the container's */
	size_t n_args, n_env;
	char *user, *workdir;
	bool tty, interactive, detach, privileged, kill_on_detach;
	uint16_t columns, rows;
};
extern const struct json_type stream_exec_type;

/* CHANGE: what of the record is new; absent members stay. */
struct stream_change {
	char *name;
	char *restart; /* "on-failure:3" */
	/* All of them, the old ones that stay among them. */
	bool sets_env, sets_ports;
	char **env;
	char **ports; /* "[IP:]HOST_PORT:PORT/PROTOCOL"; answered when they are reachable */
	size_t n_env, n_ports;
};
extern const struct json_type stream_change_type;

/* CHECKPOINT: it is written to the folder `part`, which then gets the name `path`. */
struct stream_checkpoint {
	char *part, *path;
	bool leave_running, tcp_established, file_locks;
};
extern const struct json_type stream_checkpoint_type;

/* ---- sending and receiving ---- */

/* One packet. 0; -1 with errno (EAGAIN on a non-blocking socket that is full) and no message. */
int stream_send(int socket, enum stream_type type, const void *payload, size_t size);
/* The text is cut to what fits. */
int stream_send_failed(int socket, uint32_t exit_code, const char *text);

/*
 * One packet: its type, *ret_size bytes of payload in the buffer (of
 * STREAM_PACKET_MAX bytes, of any alignment), which is NUL-terminated behind
 * them. 0 at the end of the connection, -1 with errno. An unknown type, or a
 * payload too short or too long for its type: EBADMSG. Descriptors that come
 * along are closed.
 */
int stream_receive(int socket, char *buffer, size_t *ret_size);

/* Connects to the supervisor's socket; blocking. ENOENT, ECONNREFUSED: there is none. */
int stream_connect(const char *path, struct error *err);
