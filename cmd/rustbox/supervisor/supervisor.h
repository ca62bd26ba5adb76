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
 * Starts a supervisor for a container that has none; the caller holds the
 * operation lock. *ret_socket: a connection (stream/stream.h) on which nothing
 * was sent yet: the caller begins with STREAM_ATTACH and gets STARTED or FAILED.
 * checkpoint: the absolute path of what its first run is restored from, or NULL.
 * Returns when the supervisor has the supervisor lock.
 */
int supervisor_launch(const struct store *store, const struct record *record,
		      const char *checkpoint, int *ret_socket, struct error *err);

/*
 * The hidden command `supervise ID [CHECKPOINT]`: descriptor 3 is that connection, 4 holds
 * the supervisor lock. Goes on in a child of its own session, the caller's
 * process ends with success at once; returns there at the end.
 */
int supervisor_run(const struct store *store, const char *id, const char *checkpoint,
		   struct error *err);
