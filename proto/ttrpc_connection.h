/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two halves of the ttrpc server share, and its tests: connections
 * (ttrpc_server.c) and the calls on them (ttrpc_call.c).
 */
#pragma once

#include "proto/ttrpc_reader.h"
#include "proto/ttrpc_server.h"

/* Of one connection. */
enum {
	TTRPC_CALLS_MAX = 4096,
	TTRPC_CALLS_MEMORY_MAX = 16 << 20, /* what the requests of its calls may take */
	TTRPC_BACKLOG_PAUSE = 1 << 20,	   /* unread answers; above it nothing more is read */
	TTRPC_BACKLOG_MAX = 16 << 20,	   /* above it the connection ends */
};
enum { TTRPC_CONNECTIONS_MAX = 2048 };

struct ttrpc_connection {
	struct loop_watch watch;
	struct ttrpc_server *server;
	struct ttrpc_connection *next, **place;
	struct ttrpc_reader reader;
	struct str rest; /* bytes that came before reading was paused, to be read first */
	struct str out;	 /* answers; the first `sent` bytes are gone */
	size_t sent;
	struct ttrpc_call *calls;
	size_t n_calls, calls_memory;
	uint32_t last_stream;
	bool ended;  /* the peer sends nothing more, but may still read */
	bool broken; /* nothing can be sent either; about to be closed by the loop */
};

/* What a call from within has instead of a connection. */
struct ttrpc_local {
	ttrpc_local_done *done;
	void *data;
	const ProtobufCMessageDescriptor *output;
	/* The answer, which is handed over by the loop. */
	enum ttrpc_code code;
	struct str text, response; /* of a failure; the packed message */
};

struct ttrpc_call {
	struct ttrpc_server *server;
	struct ttrpc_connection *connection; /* NULL: gone, or local */
	struct ttrpc_local *local;
	struct ttrpc_call *next, **place; /* of the connection, or of the server's orphans */
	Ttrpc__Request *request;	  /* NULL when it had no metadata */
	ProtobufCMessage *input;
	size_t memory;
	uint32_t stream;
	bool invoking;	/* its handler is running: freed afterwards */
	bool finished;	/* answered or cancelled */
	bool timed_out; /* the caller has got its DEADLINE_EXCEEDED */
	struct loop_timer deadline;
	void (*cancel)(void *data);
	void *cancel_data;
};

struct ttrpc_server {
	struct loop *loop;
	struct loop_watch listener; /* its descriptor is -1 once listening has stopped */
	struct loop_timer retry;    /* set while accept fails for lack of descriptors or memory */
	ProtobufCService *const *services;
	struct ttrpc_connection *connections;
	struct ttrpc_call *orphans; /* whose connection is gone */
	size_t n_connections, n_calls, n_silent;
	bool failing; /* accept has failed, which was logged */
};

/* Serves a connected, non-blocking socket. */
int ttrpc_connection_new(struct ttrpc_server *server, int take_fd, struct error *err);

/* Queues an answer and sends what the socket takes. Never frees the connection. */
void ttrpc_connection_answer(struct ttrpc_connection *connection, uint32_t stream,
			     const ProtobufCMessage *response);
void ttrpc_connection_fail(struct ttrpc_connection *connection, uint32_t stream,
			   enum ttrpc_code code, const char *text);

/* To be called when a call of the connection has gone: the last one may end it. */
void ttrpc_connection_settle(struct ttrpc_connection *connection);

/* Acts on a frame: what it asks for is called, or refused. */
void ttrpc_call_receive(struct ttrpc_connection *connection, enum ttrpc_read kind,
			const uint8_t *data);

/* The connection of the calls ends: those that only wait are cancelled, the others go on. */
void ttrpc_call_leave_all(struct ttrpc_connection *connection);

/* The server ends: cancels what can be, and frees. */
void ttrpc_call_drop_orphans(struct ttrpc_server *server);
