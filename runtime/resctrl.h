/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.intelRdt: shares of caches and of memory bandwidth, by the kernel's file
 * system resctrl, see Documentation/filesystems/resctrl.rst. A class is a folder
 * of it, with a file of limits (schemata) and one of its processes (tasks); a
 * monitoring group is a folder below a class.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"

struct resctrl {
	int root;				/* the file system's */
	int (*make)(int dir, const char *path); /* of a folder: 0, or -1 with errno; for tests */
};

/* Finds it among the mounts. *ret is the caller's to end with resctrl_done(). */
int resctrl_open(struct resctrl *ret, struct error *err);
void resctrl_done(struct resctrl *resctrl);
#define RESCTRL_CLOSED                                                                             \
	{                                                                                          \
		-1, NULL                                                                           \
	}

/* The folders that are made for a container, and removed with it: paths below the root, or NULL. */
struct resctrl_folders {
	char *class, *monitor;
};

/*
 * Looks which folders there will be; makes none. A class that has to be there
 * and is not, limits that a class of others does not have, and folders of the
 * container's name that are somebody else's are errors. Memory from the arena.
 */
int resctrl_plan(const struct resctrl *resctrl, const struct spec_intel_rdt *config, const char *id,
		 struct arena *arena, struct resctrl_folders *ret, struct error *err);

/*
 * Makes the folders and writes the limits. A folder of *folders that could not
 * be made becomes NULL there, the others are still to be removed.
 */
int resctrl_create(const struct resctrl *resctrl, const struct spec_intel_rdt *config,
		   const char *id, struct resctrl_folders *folders, struct error *err);

/* Puts a process, and so its children to come, into the container's class and group. */
int resctrl_add(const struct resctrl *resctrl, const struct spec_intel_rdt *config, const char *id,
		pid_t pid, struct error *err);

/* Writes limits of the container's class; texts of NULL stay as they are. */
int resctrl_update(const struct resctrl *resctrl, const struct spec_intel_rdt *config,
		   const char *id, const char *l3_cache, const char *bandwidth, struct error *err);

/* Removes the folders; ones that are gone are no error. */
int resctrl_remove(const struct resctrl *resctrl, const struct resctrl_folders *folders,
		   struct error *err);
