/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ttrpc server on an event loop: many connections, many calls at a time on
 * each, answers in any order. Handlers never block: each either answers at
 * once or keeps its call and answers later.
 *
 * The dispatcher is protobuf-c's: a handler is a member of a generated service
 * struct, and gets (service, input, closure, closure_data). It answers by
 * closure(&response, closure_data), or, since closure_data is the call, by
 * ttrpc_fail(closure_data, …). `input` lives until then.
 *
 * Every call that reached a handler is answered exactly once, also when its
 * connection is gone (the answer is dropped) or its time is over (the caller
 * has got DEADLINE_EXCEEDED): what changes a state finishes its work. Only
 * calls that wait for nothing but their caller use ttrpc_on_cancel().
 *
 * Frames of any content are survived: see the status codes in ttrpc_server.c.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"
#include "proto/ttrpc_frame.h"

struct ttrpc_server;
struct ttrpc_call;

/*
 * Serves the services (borrowed; the list ends with NULL) on take_listener, a
 * listening stream socket. Peers whose user or group is not ours are closed
 * (SO_PEERCRED). NULL with err.
 */
struct ttrpc_server *ttrpc_server_new(struct loop *loop, int take_listener,
				      ProtobufCService *const *services, struct error *err);

/* No new connections from now on; the present ones go on. */
void ttrpc_server_stop_listening(struct ttrpc_server *server);

/* True when no answer is waiting to be written to any connection. */
bool ttrpc_server_is_flushed(const struct ttrpc_server *server);

/* How many connections are open; how many calls wait for an answer. */
size_t ttrpc_server_connections(const struct ttrpc_server *server);
size_t ttrpc_server_calls(const struct ttrpc_server *server);

/* How many connections have ended without a request: somebody looked whether we are here. */
size_t ttrpc_server_silent(const struct ttrpc_server *server);

/* Closes everything; calls without an answer are cancelled and freed. */
void ttrpc_server_free(struct ttrpc_server *server);

/* Answers with a failure; closure_data is the handler's. The call is gone after that. */
void ttrpc_fail(void *closure_data, enum ttrpc_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * For calls that only wait: when the connection ends, or the call's time-out
 * has passed, `cancel` is called once instead of anything else, after which
 * the call is gone and must not be answered. data is the caller's.
 */
void ttrpc_on_cancel(void *closure_data, void (*cancel)(void *data), void *data);

/*
 * The answer to a call from within: code TTRPC_OK and the response, which is
 * gone afterwards, or another code and its text.
 */
typedef void ttrpc_local_done(void *data, enum ttrpc_code code, const char *text,
			      const ProtobufCMessage *response);

/*
 * Calls a method from within this program, as if a client had; the handler sees
 * no difference. The input is copied. `done` is called once, from the loop,
 * never from within this call; not at all when the server is freed before. -1
 * with err where the call could not be made.
 */
int ttrpc_call_local(struct ttrpc_server *server, ProtobufCService *service, const char *method,
		     const ProtobufCMessage *input, ttrpc_local_done *done, void *data,
		     struct error *err);

/* The value of a metadata key of the request, or NULL. */
const char *ttrpc_metadata(const void *closure_data, const char *key);
