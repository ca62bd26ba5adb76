/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's files from outside, whether it runs or not, as its processes
 * see them: with its volumes, and nothing else of the host. Use the root only through
 * base/path.h: what is in there may be changing, and means us harm.
 */
#pragma once

#include <sys/types.h>

#include "cmd/rustbox/image/ownership.h"
#include "cmd/rustbox/store/store.h"

struct container_files {
	int root; /* O_PATH */
	/* Whoever keeps the mounts of one that does not run; it ends when we close this. */
	int keeper;
	pid_t keeper_pid;
	struct ownership owner; /* of its user namespace; in the arena */
};
#define CONTAINER_FILES_NONE                                                                       \
	{                                                                                          \
		.root = -1, .keeper = -1                                                           \
	}

enum container_files_view {
	CONTAINER_FILES_ALL,  /* with volumes and what else is mounted */
	CONTAINER_FILES_ROOT, /* the root file system alone, read-only use */
};

/*
 * The caller holds the operation lock (container_hold()), and goes on holding
 * it. A running one is looked into through /proc/<pid>/root, after its
 * supervisor has said that the process is still the container's; of another
 * one a child mounts the root in a mount namespace of its own.
 */
int container_files_open(struct store *store, const struct record *record,
			 enum container_files_view view, struct arena *arena,
			 struct container_files *ret, struct error *err);
void container_files_close(struct container_files *files);
#define cleanup_container_files __attribute__((cleanup(container_files_close)))

/* Which ids its files have on disk. In the arena. */
int container_files_owner(struct store *store, const struct record *record, struct arena *arena,
			  struct ownership *ret, struct error *err);
