/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that belongs to one running container: makes it by
 * rustbox-runtime (through the shim's task service, in this process), copies
 * its streams, writes its logs, serves attach and exec, restarts, watches its
 * health and its limits, and cleans up; it ends with the container. It needs
 * nobody: whoever has started it may be gone.
 */
#pragma once

#include "base/error.h"
#include "cmd/rustbox/store/store.h"

/*
 * A supervisor that gets ready: it holds the supervisor lock, makes its sockets
 * in the container's run folder, and looks at nothing else of the container before
 * its starter speaks, who may still be making it. It ends when he ends without a
 * word, and the lock is free then.
 */
struct supervisor_start {
	int socket;
};
#define SUPERVISOR_START_NONE                                                                      \
	{                                                                                          \
		.socket = -1                                                                       \
	}

/*
 * Starts a supervisor for a container that has none; the caller holds the
 * operation lock. checkpoint: the absolute path of what its first run is
 * restored from, or NULL.
 */
int supervisor_launch(const struct store *store, const char *id, const char *checkpoint,
		      struct supervisor_start *ret, struct error *err);

/*
 * A connection to it (stream/stream.h) on which nothing was sent yet: the caller
 * begins with STREAM_ATTACH and gets STARTED or FAILED.
 */
int supervisor_take(struct supervisor_start *start);

/*
 * It is not wanted, if there is one. Whoever removes the container waits for
 * its end first: store_wait_unsupervised().
 */
void supervisor_cancel(struct supervisor_start *start);

/*
 * The hidden command `supervise ID [CHECKPOINT]`: descriptor 3 is that connection, 4 holds
 * the supervisor lock. Returns at the end.
 */
int supervisor_run(const struct store *store, const char *id, const char *checkpoint,
		   struct error *err);
