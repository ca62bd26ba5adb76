/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container engine: one function a verb. This is all that the command
 * line (cmd/rustbox-runtime) needs of runtime/.
 *
 * Each verb validates the id, takes the id's lock where it changes something
 * (state, kill, exec and ps do not), and may block on what it says.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "runtime/cgroup.h"
#include "runtime/cgroup_stats.h"
#include "runtime/criu.h"
#include "runtime/self_exec.h"

/* What the global options say. */
struct container_engine {
	const char *root;   /* state folder of all containers, absolute */
	bool root_is_given; /* by the user, who has made it or makes a mistake */
	enum cgroup_manager cgroup_manager;
	bool rootless; /* cgroups that may not be made are left out, and limits refused then */
};

/* Where the payload's standard streams and our reports go, for create, run and exec. */
struct container_io {
	const char *console_socket; /* absolute path, or NULL */
	const char *pid_file;	    /* absolute path, or NULL */
	const char *pidfd_socket;   /* absolute path, or NULL */
	unsigned int preserve_fds;  /* 3 … 3 + n - 1 go to the payload */
	unsigned int listen_fds;    /* how many of these came by LISTEN_FDS */
	bool detach;		    /* run, exec: do not wait for the payload */
};

struct container_create_options {
	const char *id;
	const char *bundle; /* absolute */
	const char *config; /* absolute path, or NULL: config.json in the bundle */
	struct container_io io;
	bool no_pivot, no_new_keyring, no_subreaper;
	bool keep; /* run: do not delete after the end */
};

/* create: returns when the container is `created`. Blocks for hooks. */
int container_create(const struct container_engine *engine,
		     const struct container_create_options *options, struct error *err);

/* start: returns when the payload runs (execve done) and poststart hooks have. */
int container_start(const struct container_engine *engine, const char *id, struct error *err);

/*
 * run: create, start, and unless detached relay terminal and signals, wait,
 * delete. *ret_exit_code: the payload's, or 128 + signal; 0 when detached.
 */
int container_run(const struct container_engine *engine,
		  const struct container_create_options *options, int *ret_exit_code,
		  struct error *err);

struct container_exec_options {
	const char *id;
	const char *process_file; /* --process, absolute path, or NULL: like init, with args */
	char *const *args;	  /* NULL-terminated */
	const char *cwd;
	char *const *env; /* additional NAME=VALUE; NULL-terminated or NULL */
	const char *user; /* "UID[:GID]" or a name from the container's passwd; NULL: the spec's */
	const uint32_t *additional_gids;
	size_t n_additional_gids;
	char *const *capabilities; /* added to bounding, effective, permitted, (ambient, inheritable
				      as runc does) */
	bool tty, no_new_privileges, ignore_paused;
	const char *apparmor, *process_label;
	const char *cgroup; /* --cgroup: "path" or "controller[,controller]:path"; NULL */
	struct container_io io;
};

/* exec: *ret_exit_code as of run. */
int container_exec(const struct container_engine *engine,
		   const struct container_exec_options *options, int *ret_exit_code,
		   struct error *err);

/* kill: err->code == ESRCH when the container is not running. */
int container_kill(const struct container_engine *engine, const char *id, int signal, bool all,
		   struct error *err);

/*
 * delete: the container must be stopped, or `force` kills it. With force an id
 * that does not exist is no error, and whatever a killed create left is removed.
 */
int container_delete(const struct container_engine *engine, const char *id, bool force,
		     struct error *err);

int container_pause(const struct container_engine *engine, const char *id, struct error *err);
int container_resume(const struct container_engine *engine, const char *id, struct error *err);

/*
 * update: writes the limits given; nothing else changes. `rdt` has the schemas
 * for a container that was made with linux.intelRdt, or is NULL.
 */
int container_update(const struct container_engine *engine, const char *id,
		     const struct spec_resources *resources, const struct spec_intel_rdt *rdt,
		     struct error *err);

/*
 * mounts add, remove: of a container whose init lives, in its mount namespace
 * alone; config.json stays as it is. The source is the host's (absolute), the
 * target absolute in the container and made where missing. EPERM of the kernel
 * where the container's root may not have it so.
 */
int container_add_mount(const struct container_engine *engine, const char *id,
			const struct spec_mount *mount, struct error *err);
int container_remove_mount(const struct container_engine *engine, const char *id,
			   const char *target, struct error *err);

/*
 * checkpoint: saves the processes of a running or paused container into
 * criu->image_path and, unless they are left running, deletes it. A failure
 * leaves it as it was. pre_dump: memory alone, as the first of several steps.
 * Blocks until CRIU is done (man criu).
 */
int container_checkpoint(const struct container_engine *engine, const char *id,
			 const struct criu_options *criu, bool pre_dump, struct error *err);

/*
 * restore: makes a container of config.json whose processes are those of
 * criu->image_path. It runs then, even if it was paused. *ret_exit_code as of
 * run. A failure leaves nothing.
 */
int container_restore(const struct container_engine *engine,
		      const struct container_create_options *options,
		      const struct criu_options *criu, int *ret_exit_code, struct error *err);

enum container_status {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPED
};
const char *container_status_name(enum container_status status);

/* A look at one container; memory from the arena. */
struct container_view {
	struct state state;
	enum container_status status;
	struct cgroup cgroup;
};
int container_look(const struct container_engine *engine, const char *id, struct arena *arena,
		   struct container_view *ret, struct error *err);

/*
 * The pids of the container, each once; malloc'd (may be NULL with 0). Without
 * cgroups these are the processes of its pid namespace, or, where that is not
 * its own, init alone.
 */
int container_processes(const struct container_view *view, pid_t **ret_pids, size_t *ret_count,
			struct error *err);

/*
 * All containers, sorted by id; ones that vanish meanwhile or cannot be read
 * are left out (with a warning). A state root that does not exist is an empty
 * list.
 */
int container_list(const struct container_engine *engine, struct arena *arena,
		   struct container_view **ret, size_t *ret_count, struct error *err);

/* True if the id is a legal name: [A-Za-z0-9_+.-]+, not "." or "..", at most 255 long. */
bool container_id_is_valid(const char *id); /* registry.c */
