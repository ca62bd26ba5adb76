/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps that several verbs share: making a container, starting its
 * payload, and undoing it all.
 */
#pragma once

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "oci/state.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"

/* A container in this process's hands. Empty as LIFECYCLE_EMPTY; freed by lifecycle_done(). */
struct lifecycle {
	const struct container_engine *engine;
	struct arena arena;
	struct spec spec;
	struct state state;
	struct cgroup cgroup;
	bool has_spec;	  /* a killed create may have left less than all */
	bool owns_cgroup; /* its cgroups were made (or taken) by us: what is in them is ours to kill
			   */
	bool destroyed;
	int folder;	/* the state folder, locked where the verb needs it */
	int procfs;	/* /proc */
	int init_pidfd; /* -1: not born, or ended */
	int console;	/* the end that a terminal of our own comes to, or -1 */
	pid_t child;	/* init when it is our own child (create, run), else 0 */
};
#define LIFECYCLE_EMPTY                                                                            \
	{                                                                                          \
		.folder = -1, .procfs = -1, .init_pidfd = -1, .console = -1                        \
	}

void lifecycle_done(struct lifecycle *container);
#define cleanup_lifecycle __attribute__((cleanup(lifecycle_done)))

/*
 * Opens an existing container; with `lock` the lock is taken (waits). Loads its
 * state. When that is missing or unreadable (its create was killed), the rest
 * of *container is good for lifecycle_destroy() all the same, and err->code is
 * ENODATA.
 */
int lifecycle_open(const struct container_engine *engine, const char *id, bool lock,
		   struct lifecycle *container, struct error *err);

/* Loads the saved configuration as well. */
int lifecycle_load_spec(struct lifecycle *container, struct error *err);

int lifecycle_status(struct lifecycle *container, enum container_status *ret, struct error *err);

/*
 * From nothing to `created`. A terminal's master goes to the console socket,
 * or, when not detached, to container->console. On failure nothing is left.
 */
int lifecycle_create(const struct container_engine *engine,
		     const struct container_create_options *options, struct lifecycle *container,
		     struct error *err);

/*
 * What create and restore begin and end with. The first reads the
 * configuration, and makes the bundle the current directory: its paths count
 * from there. The second takes the id and says on disk what there will be; it
 * frees the configuration's text as soon as that lies there, too. The third
 * undoes what has failed after that; its own error is only logged.
 */
int lifecycle_load_bundle(const struct container_create_options *options, struct arena *arena,
			  struct spec *spec, char **ret_text, size_t *ret_size, struct error *err);
int lifecycle_claim(const struct container_create_options *options, char **take_text, size_t size,
		    struct lifecycle *container, struct error *err);
void lifecycle_undo(struct lifecycle *container, bool hooks_have_run);

/*
 * With systemd: makes the container's scope with a process that waits, and puts
 * it into the container's cgroup; with `limited` systemd has the limits from
 * the beginning. What is on disk while that is done is what a delete has to know.
 */
int lifecycle_make_scope(struct lifecycle *container, pid_t pid, bool limited, struct error *err);

/*
 * START, up to execve and the poststart hooks. A failing startContainer or
 * poststart hook destroys the container (runtime-spec 1.3.0, lifecycle).
 */
int lifecycle_start(struct lifecycle *container, struct error *err);

/*
 * Kills what still runs, removes cgroups, runs poststop hooks, removes the
 * state folder. Each step may be repeated. With `run_hooks` false the poststop
 * hooks are left out: the container had not come so far.
 */
int lifecycle_destroy(struct lifecycle *container, bool run_hooks, struct error *err);

/*
 * The verbs start, delete and delete --force, as of container_start() and
 * container_delete(): they enter no namespace and make no process of a
 * container's, so that a program may call them in a child of its own.
 */
int lifecycle_start_created(const struct container_engine *engine, const char *id,
			    struct error *err);
int lifecycle_delete_stopped(const struct container_engine *engine, const char *id,
			     struct error *err);
int lifecycle_delete_by_force(const struct container_engine *engine, const char *id,
			      struct error *err);

/*
 * The usual delete, without waiting for anything: of a container that has
 * stopped, of which no process is left, without poststop hooks, and whose lock
 * is free. False where that is not so, or is not known; then whatever it left
 * is for lifecycle_delete_by_force(), which tells errors, too.
 */
bool lifecycle_delete_at_once(const struct container_engine *engine, const char *id);
