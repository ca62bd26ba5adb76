/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's cgroups, whatever the machine has: pure v2, v1, or hybrid
 * (controllers on v1 with a cgroup2 hierarchy beside them). The back ends are
 * cgroup_v2.c and cgroup_v1.c; callers see only this file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "oci/state.h"

enum cgroup_manager {
	CGROUP_MANAGER_CGROUPFS,
	CGROUP_MANAGER_SYSTEMD,
	CGROUP_MANAGER_DISABLED,
	CGROUP_MANAGER_SYSTEMD_USER, /* the manager of the calling user */
};

/* Where the machine's interfaces are; tests use folders of their own. */
struct cgroup_machine {
	const char *root; /* "/sys/fs/cgroup" */
	const char *proc; /* "/proc" */
};
extern const struct cgroup_machine cgroup_machine_default;

/* A container's directory in one hierarchy. */
struct cgroup_directory {
	char *controllers; /* "memory", "cpu,cpuacct", "name=systemd"; "" for cgroup2 */
	char *path;	   /* absolute */
};

/* systemd's unit of a container: its directories are systemd's to make and to remove. */
struct cgroup_scope {
	char *unit;  /* "rustbox-ID.scope" */
	char *slice; /* NULL once it has been made */
	bool user;   /* of the manager of the calling user */
};

struct cgroup {
	const struct cgroup_scope *scope; /* in the arena; NULL: not by systemd */
	bool disabled;	/* no cgroups at all; everything succeeds and does nothing */
	bool tolerant;	/* rootless: cgroup_create() leaves out what may not be made */
	bool exclusive; /* cgroup_create() accepts none that exists */
	struct cgroup_directory *directories; /* in the arena; maybe none */
	size_t n_directories;
};

/*
 * Finds out where the container's directories will be; makes nothing.
 * cgroups_path is the configuration's (NULL: the default): absolute ones count
 * from the root of each hierarchy; relative ones, and the default, which is
 * the id, from the caller's own cgroup (on v2 from its parent, since a cgroup
 * with processes cannot have limited children). "..", a path that ends
 * outside, and the systemd form "slice:prefix:name" are errors that say so.
 *
 * Of systemd's managers cgroups_path must have that form (systemd_name.h), and
 * *ret has a scope and no directories until cgroup_start_scope(). An error
 * when systemd does not run, or the helper is not installed.
 */
int cgroup_locate(const struct cgroup_machine *machine, enum cgroup_manager manager,
		  const char *cgroups_path, const char *id, bool tolerant, struct arena *arena,
		  struct cgroup *ret, struct error *err);

/*
 * Adds a directory of the container's name in v1's hierarchy name=systemd, for a
 * container whose systemd knows only that one; nothing where there is one, or, with
 * systemd, before there is a scope. An error where the machine has not mounted it.
 */
int cgroup_add_systemd_v1(const struct cgroup_machine *machine, struct cgroup *cgroup,
			  struct arena *arena, struct error *err);
bool cgroup_has_systemd_v1(const struct cgroup *cgroup);

/*
 * The directories of a living process, in every hierarchy, as /proc/PID/cgroup
 * has them (seen from the caller's cgroup namespace). Hierarchies that are not
 * mounted, or not where the process is, are left out, so that there may be
 * none. err->code is ENOENT when there is no such process, or it has ended.
 */
int cgroup_of_process(const struct cgroup_machine *machine, pid_t pid, struct arena *arena,
		      struct cgroup *ret, struct error *err);

/*
 * The path of a directory within its hierarchy ("/a/ID"), as /proc/PID/cgroup
 * has it for the processes in there. In the arena, NULL with err.
 */
char *cgroup_path_in_hierarchy(const struct cgroup_machine *machine,
			       const struct cgroup_directory *directory, struct arena *arena,
			       struct error *err);

/* From and to what state.json holds; memory from the arena. */
int cgroup_from_state(const struct state *state, struct arena *arena, struct cgroup *ret,
		      struct error *err);
int cgroup_to_state(const struct cgroup *cgroup, struct arena *arena, struct state *state,
		    struct error *err);

/*
 * Makes the directories (and missing parents, with the controllers enabled on
 * v2; on v1 cpuset's cpus and mems inherited). A directory that exists already
 * is accepted when no process is in it and it is not frozen, if not `exclusive`. On failure
 * everything made is removed, and what *cgroup lists means nothing any more.
 * A tolerant one loses the rows of directories that we may not make, or write
 * to: what is in the list afterwards is there, and holds the container.
 */
int cgroup_create(const struct cgroup_machine *machine, struct cgroup *cgroup, struct error *err);

/*
 * With systemd: makes the scope with its first process, which must be waiting,
 * and, if `limited`, all limits that systemd knows; then *cgroup has its
 * directories. What a failure leaves goes with the process. The annotations
 * count, too (systemd_annotation.h, run.oci.systemd.subgroup). Blocks while
 * systemd does.
 */
int cgroup_start_scope(const struct cgroup_machine *machine, struct cgroup *cgroup, const char *id,
		       pid_t pid, const struct spec *spec, bool limited, struct arena *arena,
		       struct error *err);

/* Tells systemd the limits of a scope that was started without; before cgroup_set_limits(). */
int cgroup_limit_scope(const struct cgroup *cgroup, const struct spec *spec, struct error *err);

/*
 * Then: makes the directories that systemd does not, and puts the process
 * there. Rows of *cgroup may go as in cgroup_create().
 */
int cgroup_enter_scope(const struct cgroup_machine *machine, struct cgroup *cgroup, pid_t pid,
		       struct error *err);

/* Has systemd move a process into the scope: of users, who may not do it themselves (exec). */
int cgroup_attach_to_scope(const struct cgroup *cgroup, pid_t pid, struct error *err);

/*
 * Writes the limits. resources may be NULL; device rules are applied too: with
 * `is_update` false always (the default is that everything is denied but what
 * rules and the default devices allow), with true only where given.
 * memory.checkBeforeUpdate, swap conversions, the order that v1 needs when
 * limits move together: handled here. A limit asked for whose controller is
 * missing is an error naming the controller. Values of 0 or below never mean
 * zero bytes. An update of a scope is told to systemd first.
 */
int cgroup_set_limits(const struct cgroup *cgroup, const struct spec_resources *resources,
		      bool is_update, struct error *err);

/*
 * A directory descriptor of the cgroup2 directory for clone3's
 * CLONE_INTO_CGROUP. -1 with err->code == ENOENT where there is none.
 */
int cgroup_open_unified(const struct cgroup *cgroup, struct error *err);

/*
 * True when processes must be moved with cgroup_join() although they were
 * cloned into the cgroup2 directory: some directories are v1's.
 */
bool cgroup_needs_join(const struct cgroup *cgroup);

/*
 * Moves a process into every directory; `unified_done` leaves cgroup2 out.
 * sub_path (may be NULL) is a path below the container's directories for exec
 * --cgroup, either "path" for all or with `controller` set only for that one;
 * it must exist; whole components are compared, ".." is refused (S16).
 */
int cgroup_join(const struct cgroup *cgroup, pid_t pid, bool unified_done, const char *controller,
		const char *sub_path, struct error *err);

/*
 * The same for the calling process, which must have a single thread and still
 * see the host's cgroups. Much faster on v1 (0.03 ms a directory): the kernel
 * lets a thread move itself without the lock that makes the first cgroup_join()
 * wait for an RCU grace period (1 to 20 ms). Together with CLONE_INTO_CGROUP
 * for cgroup2 nothing waits.
 */
int cgroup_join_self(const struct cgroup *cgroup, bool unified_done, const char *controller,
		     const char *sub_path, struct error *err);

/*
 * Moves a process to where another one is (/proc/LIKE/cgroup), in every
 * hierarchy of the container: for exec, when the container has made its own
 * directory one that takes no processes (EBUSY on v2).
 */
int cgroup_join_like(const struct cgroup *cgroup, pid_t pid, pid_t like, struct error *err);

/* Like cgroup_open_unified(), for an existing sub path below the container's directory. */
int cgroup_open_unified_sub(const struct cgroup *cgroup, const char *sub_path, struct error *err);

/*
 * Freezes or thaws and waits until the kernel says it is done (bounded: 10 s,
 * then what was done is undone and the error says which task holds out, by
 * /proc/PID/wchan where it can).
 */
int cgroup_freeze(const struct cgroup *cgroup, bool frozen, struct error *err);

/* The directory that freezes the container, or NULL where none can. */
const char *cgroup_freezer_path(const struct cgroup *cgroup);

/* 1 frozen, 0 not, -1 error. A cgroup that does not exist is not frozen. */
int cgroup_is_frozen(const struct cgroup *cgroup, struct error *err);

/*
 * Sends the signal to every process in and below the container's directories.
 * SIGKILL goes through cgroup.kill where there is a cgroup2 directory, and v1's
 * frozen ones are thawed, so that it takes effect. No process is no error.
 */
int cgroup_signal_all(const struct cgroup *cgroup, int signal, struct error *err);

/* The pids in and below the directories, each once, sorted; malloc'd (may be NULL with 0). */
int cgroup_processes(const struct cgroup *cgroup, pid_t **ret_pids, size_t *ret_count,
		     struct error *err);

/*
 * Removes the directories, with what the container made below them; waits for
 * the kernel to let them go (cgroup.events where there is one, short retries
 * on v1's EBUSY; bounded by 2 s after the last process went). Kills nothing.
 * Directories already gone are no error: callable again and again. A scope is
 * stopped first, so that its name is free afterwards; one that was never
 * started (no directories) may be somebody else's, and is left alone.
 */
int cgroup_destroy(const struct cgroup *cgroup, struct error *err);

/*
 * The same at once, where it can be: true when every directory is gone, and
 * nothing was in them, therefore. Stops at the first one that is in use. Never
 * with a scope.
 */
bool cgroup_destroy_unused(const struct cgroup *cgroup);
