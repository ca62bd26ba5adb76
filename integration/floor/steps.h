/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --with STEP,...: what the runtime does beyond the floor. Each function does
 * nothing unless its step is asked for.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

enum {
	/* What hierarchies there are and what is on in them. */
	WITH_CGROUPS = 1 << 0,
	/* State on disk: a locked folder, the configuration, the state before and after. */
	WITH_STATE = 1 << 1,
	/* Init waits until all is saved, and for START on a socket. */
	WITH_START = 1 << 2,
	/* The process is identified, signals are passed on, its end is waited for. */
	WITH_WATCH = 1 << 3,
	/* Mounts by descriptor below the root, each looked at before and after. */
	WITH_MOUNTS = 1 << 4,
	/* The same of what is masked and read-only. */
	WITH_MASKS = 1 << 5,
	/* Keyring, capabilities, descriptors, signals; argv[0] and the user looked up. */
	WITH_PRIVILEGES = 1 << 6,
};

/* False for a name that is none. Changes the text. */
bool add_steps(char *list);

/* ---- steps.c: the parent's, in this order; and init's wait */

void before_cgroups(void);
void stand_by(pid_t pid, int end);
void after_cgroups(void);
void wait_for_start(int channel);

/* Reads a file to its end; what is not there is left out. */
void look(int dir, const char *path);

/* ---- checked.c: mounts and privileges of init */

/* Below the current directory; `data` is mount(2)'s. */
void attach_checked(const char *source, const char *target, const char *type, unsigned long flags,
		    const char *data);
/* A read-only bind mount of `source`. */
void bind_checked(const char *source, const char *target, unsigned long flags);
/* Where there is nothing at a path nothing is done. Folders share one empty one. */
void read_only_checked(const char *path);
void mask_checked(const char *const *files, size_t n_files, const char *const *folders,
		  size_t n_folders);
void look_before_exec(void);
