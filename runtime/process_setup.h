/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared tail of init and exec: everything between "the namespaces and
 * mounts are there" and execve. The order is argued in process_setup.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "runtime/executable.h"
#include "runtime/seccomp.h"

struct process_setup {
	const struct spec_process *process;
	const struct seccomp_filter *seccomp; /* NULL: none */
	const struct spec_personality *personality;
	const struct spec_memory_policy *memory_policy;
	const struct spec_landlock *landlock; /* NULL: none */
	int procfs;		/* the host's /proc, opened before anything (path_open_procfs) */
	pid_t host_pid;		/* our pid as that procfs shows it */
	unsigned int keep_fds;	/* descriptors 3 … 3 + keep_fds - 1 stay open for the payload */
	bool is_init;		/* init, or a process of exec */
	bool blocks_signals;	/* the payload begins with all of them blocked */
	bool in_user_namespace; /* setgroups may be denied there */
	bool keep_groups;	/* the caller's stay, by an annotation */
	char **env;		/* final environment, HOME added where missing */
	char *executable;	/* found by process_setup_prepare() */
	bool guard_terminal;	/* likewise: tty_guard.h is needed */
	int ruleset;		/* likewise: of landlock, or -1 */
	uint64_t ignored;	/* likewise: signals that are ignored, bit 0 for signal 1 */

	/* Between process_setup_filter() and process_setup_exec(). */
	bool is_filtered;
	struct executable_facts facts;
};

/*
 * Everything that can be done before START: rlimits, scheduler, io priority,
 * personality, umask, ids and groups, bounding set, capabilities (CAP_SYS_ADMIN
 * is kept where the seccomp filter still needs it), no_new_privs, LSM label for
 * exec, cwd (S8), HOME, the executable found and checked. Afterwards the
 * process runs as the payload's user. Memory from the arena.
 */
int process_setup_prepare(struct process_setup *setup, struct arena *arena, struct error *err);

/*
 * After pivot, still as the runtime's user: makes the folders of cwd that are
 * missing in the container's root, mode 0755. They belong to the caller, not
 * to process.user: what an image lacks is not given away.
 */
int process_setup_make_cwd(const char *cwd, struct error *err);

/*
 * After START, and only where other programs of the container (hooks) shall
 * run under the payload's seccomp filter: loads it early. The filter must then
 * let us make processes, set limits and signals, and close descriptors.
 * `listener` as for process_setup_exec().
 */
int process_setup_filter(struct process_setup *setup, int (*listener)(void *data, int fd),
			 void *data, struct error *err);

/*
 * After START: the lower resource limits, signals reset, descriptors
 * close-on-exec, seccomp filter, execve, which leaves exactly the configured
 * capabilities. Returns only on failure. `listener` is called
 * with the listener descriptor of a notify filter right after it is loaded;
 * it may use only read(2) and write(2).
 */
int process_setup_exec(struct process_setup *setup, int (*listener)(void *data, int fd), void *data,
		       struct error *err);
