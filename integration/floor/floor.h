/* SPDX-License-Identifier: Apache-2.0 */
/* What the floor's files share. A failure of anything ends the process with 125. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { CGROUPS_MAX = 32 };

/* The command line. */
extern struct job {
	char *cgroups[CGROUPS_MAX];
	size_t n_cgroups;
	const char *state, *pid_file, *rootfs, *id;
	long mounts, first_id; /* first_id 0: no user namespace */
	unsigned int with;     /* steps.h */
	char **command;
} job;

/* Prints errno's text. */
_Noreturn void fail(const char *what);

/* A path in one of four buffers, by turns. `file` may be NULL. */
const char *path_of(const char *folder, const char *name, const char *file);

/* Writes the text into a file that exists. */
bool put(const char *path, const char *text);

/* ---- cgroup.c: the container's directory in each hierarchy */

void make_cgroups(void);
/* All but that of cgroup2, which one is born in. */
void join_cgroups(void);
/* The directory in cgroup2; -1 where there is none. */
int open_unified(void);
void remove_cgroups(void);

/* The default devices and no others, on v1. */
void limit_devices(void);

/* ---- init.c */

/*
 * `tree` is a clone of the root file system, which is the current directory, too.
 * `wait` is readable once the id maps are there; with create, `start` (or -1)
 * holds init until start.
 */
_Noreturn void be_init(int tree, int wait, int start);

/* kill, net_bind_service and audit_write are left, as in the configuration. */
void drop_privileges(void);
