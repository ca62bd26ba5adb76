/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations of containers.h share: locked records, and questions to supervisors. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "cmd/rustbox/store/store.h"
#include "cmd/rustbox/stream/stream.h"

/* A supervisor serves clients that do not read for 10 s after the end; and some more. */
enum { CONTAINER_END_MS = 20000 };

/*
 * Finds the container, takes its operation lock (waiting for it), and reads its
 * record after that: what it says stays true until *ret_lock is closed, but for
 * a live container, which may end.
 */
int container_hold(struct store *store, const char *name, struct arena *arena, struct record **ret,
		   int *ret_lock, struct error *err);

/*
 * A connection to the supervisor of a live container. -1: container_is_gone(err)
 * tells whether that is because it has ended.
 */
int container_connect_stream(const struct store *store, const struct record *record,
			     struct error *err);

/* One packet, and the answer: DONE or FAILED. -1 as above; also when it ends without one. */
int container_ask(const struct store *store, const struct record *record, enum stream_type type,
		  const void *payload, size_t size, struct error *err);
bool container_is_gone(const struct error *err);

/* What begins a conversation: ATTACH or EXEC; until STARTED, or -1 with what to exit with. */
int container_begin(int socket, enum stream_type type, const void *payload, size_t size,
		    struct error *err);

/* A call of the task API of its supervisor that answers nothing but success. */
int container_call_task(const struct store *store, const struct record *record, const char *method,
			const ProtobufCMessage *request, struct error *err);

/* FAILED as an error; err->code is the exit code. Always -1. */
int container_read_failure(const char *payload, struct error *err);

/*
 * After container_is_gone(): waits until the supervisor has ended, and has the
 * record put right. The operation lock must not be held. ENOENT when the
 * container was removed with it.
 */
int container_settle(struct store *store, const char *id, struct arena *arena, struct record **ret,
		     struct error *err);

/* "container web is Exited": what is wrong with it. Always -1 with EBUSY; hint with what to do. */
int container_is_wrong(const struct record *record, struct error *err);

/*
 * Under the operation lock, without a supervisor: what the last one may have
 * left when it was killed before the record said that it is live. Mostly there
 * is nothing, which costs next to nothing.
 */
int container_sweep(struct store *store, const struct record *record, struct error *err);
