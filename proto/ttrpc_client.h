/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ttrpc's other side. The blocking client is for programs that ask one thing
 * at a time; the queued one belongs to an event loop and never blocks.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"
#include "proto/ttrpc_frame.h"

/*
 * Connects to a unix stream socket ("unix://" in front is taken off; paths too
 * long for an address go through /proc/self/fd). A descriptor, close-on-exec,
 * non-blocking if asked for; -1 with err.
 */
int ttrpc_connect(const char *address, bool nonblocking, struct error *err);

/* ---- one call at a time ---- */

struct ttrpc_client {
	int fd;		      /* owned; -1: not connected */
	uint32_t next_stream; /* odd, starts at 1 */
};

/*
 * Calls and waits, at most timeout_ms (-1: without end), for the answer, which
 * the caller frees with protobuf_c_message_free_unpacked(). NULL with err:
 * err->code is the errno of what failed (ETIMEDOUT; ECONNRESET when the server
 * went away), or 0 when the server answered with a failure, whose code is then
 * *ret_status and whose text is the message.
 */
ProtobufCMessage *ttrpc_client_call(struct ttrpc_client *client, const char *service,
				    const char *method, const ProtobufCMessage *request,
				    const ProtobufCMessageDescriptor *response, int timeout_ms,
				    enum ttrpc_code *ret_status, struct error *err);
void ttrpc_client_close(struct ttrpc_client *client);

/* ---- on a loop: one frame at a time, in order ---- */

enum ttrpc_sent {
	TTRPC_SENT,    /* answered with success */
	TTRPC_REFUSED, /* answered with a failure (`text` says which): sending again is no use */
	TTRPC_LOST,    /* no connection, or it ended before the answer */
};

struct ttrpc_sender;

/* Connects when there is something to send. NULL with err. */
struct ttrpc_sender *ttrpc_sender_new(struct loop *loop, const char *address, struct error *err);

/*
 * Sends one request (the payload is packed at once) and calls `done` once,
 * from the loop or from within this call. Nothing else may be sent until then.
 * An answer that takes longer than timeout_ms counts as lost and closes the
 * connection.
 */
void ttrpc_sender_send(struct ttrpc_sender *sender, const char *service, const char *method,
		       const ProtobufCMessage *request, const char *metadata_key,
		       const char *metadata_value, int timeout_ms,
		       void (*done)(void *data, enum ttrpc_sent result, const char *text),
		       void *data);
void ttrpc_sender_free(struct ttrpc_sender *sender);
