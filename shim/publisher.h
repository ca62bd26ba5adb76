/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events to containerd, in the order in which they were published: one at a
 * time (5 s at most), and kept while containerd is away. One that was not taken
 * is tried again at once, as a restarted containerd needs a new connection,
 * then each second; when it is a minute old it is dropped (and logged). One
 * that is refused is dropped at once.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/loop.h"
#include "proto/ttrpc_client.h"
#include "shim/reaper.h"

struct publisher_config {
	const char *namespace;
	const char *ttrpc_address; /* TTRPC_ADDRESS; NULL or "": by publish_binary */
	const char
		*publish_binary;  /* containerd's program; NULL: without both, events go nowhere */
	const char *grpc_address; /* for publish_binary */
	/* Within this program instead of containerd: is called at once, from publisher_send(). */
	void (*sink)(void *data, const char *topic, const ProtobufCMessage *event);
	void *sink_data;
	/* For how long an event may be under way, until it is tried again, and is kept; 0: as
	 * above. */
	int timeout_ms, retry_ms, keep_ms;
};

/* Texts are copied. NULL with err. */
struct publisher;
struct publisher *publisher_new(struct loop *loop, struct reaper *reaper,
				const struct publisher_config *config, struct error *err);

/*
 * topic: "/tasks/exit". The event is packed at once; its type's name is that of
 * the message. Out of memory: the event is lost, and logged.
 */
void publisher_send(struct publisher *publisher, const char *topic, const ProtobufCMessage *event);

/* Calls `empty` once, from the loop or within: when all is sent, or after timeout_ms. */
void publisher_when_empty(struct publisher *publisher, int timeout_ms, void (*empty)(void *data),
			  void *data);
void publisher_free(struct publisher *publisher);
