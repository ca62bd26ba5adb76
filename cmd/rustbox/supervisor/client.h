/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the client_*.c: one connection, and what it is owed. */
#pragma once

#include "cmd/rustbox/log/log_reader.h"
#include "cmd/rustbox/supervisor/exec.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"

/* What one that is not attached waits for. */
enum client_waits {
	CLIENT_WAITS_NOTHING,
	CLIENT_WAITS_CALL,    /* of the task service */
	CLIENT_WAITS_END,     /* DONE */
	CLIENT_WAITS_EXIT,    /* EXITED */
	CLIENT_WAITS_RESTART, /* DONE when it runs again */
	CLIENT_WAITS_HEALTH,
};

/*
 * A socket that is full takes no answers, either: they are owed then, one of
 * each kind, and sent in this order: STARTED, INPUT_TAKEN, output, EXITED (or
 * FAILED, of a start that was the last one).
 */
struct client {
	struct supervisor *s;
	struct client *next, **place;
	struct loop_watch watch;
	unsigned int calls; /* that know us: freed after the last one */
	enum client_waits waits;
	bool has_spoken, is_closed, is_blocked, is_done;
	bool owes_started, owes_taken, owes_exited;
	pid_t pid;
	struct stream_exited exited;

	/* attached (client_attach.c) */
	bool is_attached, has_input, has_ended_input;
	uint16_t told_run; /* the last one of which STARTED was sent: its output may follow */
	struct stream_attach attach;
	struct log_reader *reader;
	uint64_t seen;		      /* bytes of the log that came before, without a reader */
	struct log_chunk chunk;	      /* its next, when size is not 0 */
	bool has_all;		      /* that is in the log */
	struct client_replay *replay; /* a terminal's recent output comes; or NULL */
	uint64_t gap;

	/* with a process of its own (client_exec.c) */
	struct exec *exec;
	char *held; /* of STREAMS_READ_SIZE: output that the socket did not take */
	size_t n_held;
	enum log_stream held_stream;
};

enum client_output { CLIENT_OUTPUT_SENT, CLIENT_OUTPUT_NONE, CLIENT_OUTPUT_BLOCKED };

/* The connection ends, now; the memory stays for the callers, see there. */
void client_close(struct client *c);
/* One of `calls` less. */
void client_release(struct client *c);
/* Takes a packet, which may close. */
void client_receive(struct client *c);
/* Is told of room, when blocked. */
void client_watch(struct client *c);

/* DONE or FAILED, and the end. */
void client_answer(struct client *c, const char *failure);
void client_fail(struct client *c, int exit_code, const char *text);

/* False when the socket is full: it is watched for room. */
bool client_send(struct client *c, enum stream_type type, const void *payload, size_t size);
/* Sends what is owed, as far as the socket takes it. May close. */
void client_pump(struct client *c);
/* For calls whose answer nobody waits for; data is the client. */
ttrpc_local_done client_call_done;

void client_attach_begin(struct client *c, const char *payload);
void client_attach_leave(struct client *c);
enum client_output client_attach_send(struct client *c);
bool client_attach_lacks_output(struct client *c);
/* There is output. */
void client_attach_wake(struct client *c);

void client_checkpoint_begin(struct client *c, const char *json, size_t size);

void client_exec_begin(struct client *c, const char *json, size_t size);
void client_exec_leave(struct client *c);
enum client_output client_exec_send(struct client *c);
