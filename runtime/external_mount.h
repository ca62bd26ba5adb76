/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's mounts whose files are not the container's own (binds of the
 * host's files, device nodes, cgroups, masks) across a checkpoint: which of
 * those that a process has are they, by what names does CRIU save them, and
 * where does it find them at a restore (SECURITY.md S18).
 *
 * The names are the destination in config.json ("rustbox-mount-0-%2Fetc%2Fhosts",
 * with how many lie under it there, and with "/path" behind it for a mount below
 * a recursive bind's source), never a text of the container's. A mount is told
 * by the identity of its files first and by its place second, since the container
 * may have renamed the folders above it. At a restore all sources are opened by
 * descriptor, with the flags of config.json, and laid out in a mount namespace
 * for CRIU alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "runtime/cgroup.h"
#include "runtime/mount.h"

/* Something of the host that may be mounted in the container. */
struct external_source {
	const char *name;
	const char *destination; /* NULL: at any place */
	int fd;			 /* of a detached tree */
	bool recursive, is_directory, has_own_flags;
	unsigned long flags; /* ST_…: what it must not be mounted without */
	dev_t device;
	ino_t inode;
};

struct external_mounts {
	struct mount_plan plan;
	struct external_source *sources;
	size_t n_sources;
	int *opened; /* device nodes, cgroups */
	size_t n_opened;
};
#define EXTERNAL_MOUNTS_EMPTY                                                                      \
	{                                                                                          \
		.plan = MOUNT_PLAN_EMPTY                                                           \
	}
void external_mounts_done(struct external_mounts *mounts);
#define cleanup_external_mounts __attribute__((cleanup(external_mounts_done)))

/* Opens all that config.json names; the bundle must be the current folder. */
int external_mounts_prepare(const struct spec *spec, const struct cgroup *cgroup,
			    struct arena *arena, struct external_mounts *mounts, struct error *err);

/* A mount of a process, and what it is saved as. */
struct external_mount {
	char *point; /* in the container */
	char *name;  /* NULL: a mount of the container's own */
	uint64_t id; /* as in /proc/PID/mountinfo */
};

/*
 * The mounts that a process sees, in the arena. One that lacks a flag of what
 * config.json says of its source (as read-only) is an error.
 */
int external_mounts_look(const struct external_mounts *mounts, int procfs, pid_t pid,
			 struct arena *arena, struct external_mount **ret, size_t *ret_count,
			 struct error *err);

/* The part of `point` below `folder` ("" at it, else without the slash), or NULL. */
const char *external_mounts_below(const char *point, const char *folder);

/* Where external_mounts_lay_out() puts the root and the mounts[i] that have a name. */
#define EXTERNAL_MOUNTS_ROOT "/tmp/root"
enum { EXTERNAL_MOUNTS_PATH_SIZE = 32 };
void external_mounts_path(size_t i, char path[EXTERNAL_MOUNTS_PATH_SIZE]);

/* True for a mount that has a name, and is the first of that one. */
bool external_mounts_is_first(const struct external_mount *mounts, size_t i);

/* Makes the targets of config.json in the root where they are missing, as create does. */
int external_mounts_make_targets(const struct external_mounts *mounts, struct error *err);

/*
 * In a child that becomes CRIU: a mount namespace of its own, which ends with
 * it and from which nothing reaches the host.
 */
int external_mounts_unshare(struct error *err);

/* A file of the host that CRIU has to find, and where: a path directly below /tmp. */
struct external_file {
	const char *path, *place;
};
enum { EXTERNAL_FILES = 2 };

/*
 * Then: /tmp, where CRIU works too, becomes a file system of its own that has
 * the container's root, a mount for each name, and the EXTERNAL_FILES files (a
 * path of NULL is left out). A name that config.json does not give is an error.
 */
int external_mounts_lay_out(struct external_mounts *mounts, const struct external_mount *wanted,
			    size_t count, const struct external_file *files, struct error *err);
