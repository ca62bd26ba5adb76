/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order, and why:
 *
 *  0. Which signals are ignored, while we may read it.
 *  1. The working directory, as the runtime's user: one that only root can
 *     enter has always been usable as cwd. If that is refused (a user
 *     namespace's root does not own everything), it is tried again as the
 *     payload's user, after 6.
 *  2. The environment: HOME comes from the container's passwd, which may be
 *     readable for root only.
 *     The paths of landlock's rules are opened then, too.
 *  3. What raises ourselves above others, while we may: CPU affinity, I/O
 *     priority, scheduler, higher hard limits; the personality, and the
 *     memory policy.
 *  4. The LSM label for execve: before no_new_privs, after which AppArmor
 *     allows fewer transitions.
 *  5. no_new_privs, and the bounding set, which needs CAP_SETPCAP.
 *  6. Groups, gid, uid, in this order, since each needs what the next takes
 *     away; keepcaps carries the permitted set across.
 *  7. Capabilities, ambient ones last: they must be permitted and inheritable.
 *     A filter without no_new_privs needs CAP_SYS_ADMIN to be loaded; it is
 *     kept until execve.
 *  8. As the payload's user from here: cwd verified, umask, executable found.
 *
 * After START: limits that go down (they would hit ourselves and the hooks),
 * signals, descriptors, landlock's rules, and at the very end the filter, so that a profile has
 * to allow nothing but execve for us (and write, with a listener). Only where
 * there are startContainer hooks it comes before them. The kept
 * CAP_SYS_ADMIN needs no second capset, which the filter might punish: execve
 * computes the new permitted set from the inheritable, bounding and ambient
 * sets and the file alone, and nothing runs between the filter and execve.
 */
#include "runtime/process_setup.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/capability.h"
#include "runtime/environment.h"
#include "runtime/executable.h"
#include "runtime/landlock.h"
#include "runtime/lsm.h"
#include "runtime/memory_policy.h"
#include "runtime/personality.h"
#include "runtime/rlimit.h"
#include "runtime/scheduler.h"
#include "runtime/tty_guard.h"

/* What the steps share. */
struct preparation {
	struct process_setup *setup;
	const struct spec_process *process;
	struct arena *arena;
	int root; /* "/" */
	bool in_cwd;
	struct capability_sets capabilities;
};

/*
 * By descriptor, so that a magic link of /proc is refused: "/proc/self/fd/7"
 * as cwd has led out of containers (S8).
 */
static int enter_cwd(struct preparation *p, struct error *err)
{
	cleanup_fd int fd = path_open_in_root(p->root, p->process->cwd, O_PATH | O_DIRECTORY, err);

	if (fd >= 0 && fchdir(fd) < 0)
		error_set(err, errno, "chdir");
	else if (fd >= 0)
		p->in_cwd = true;
	return p->in_cwd ? 0 : error_wrap(err, "process.cwd \"%s\"", p->process->cwd);
}

static int enter_cwd_as_runtime(struct preparation *p, struct error *err)
{
	if (enter_cwd(p, err) < 0 && err->code != EACCES && err->code != EPERM)
		return -1;
	return 0;
}

static int enter_cwd_as_user(struct preparation *p, struct error *err)
{
	return p->in_cwd ? 0 : enter_cwd(p, err);
}

static int verify_cwd(struct preparation *p, struct error *err)
{
	char path[PATH_MAX];

	/* The system call itself: the C library hides what it says of a folder out of reach. */
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		return error_set(err, errno, "verify process.cwd \"%s\"", p->process->cwd);
	if (*path != '/')
		return error_set(err, EACCES,
				 "process.cwd \"%s\" is outside of the container's root",
				 p->process->cwd);
	return 0;
}

static int make_environment(struct preparation *p, struct error *err)
{
	const struct spec_process *process = p->process;

	p->setup->env = environment_make(process->env, process->n_env, p->root,
					 process->user ? process->user->uid : 0, p->arena, err);
	return p->setup->env ? 0 : -1;
}

static int open_landlock(struct preparation *p, struct error *err)
{
	struct process_setup *setup = p->setup;

	setup->ruleset = -1;
	if (!setup->landlock)
		return 0;
	setup->ruleset = landlock_prepare(setup->landlock, landlock_version(), p->root, err);
	return setup->ruleset < 0 && *err->text ? -1 : 0;
}

static int set_scheduling(struct preparation *p, struct error *err)
{
	const struct spec_cpu_affinity *affinity = p->process->exec_cpu_affinity;

	/* The specification has it for processes of exec only. */
	if (!p->setup->is_init && affinity && affinity->final && *affinity->final &&
	    scheduler_set_affinity(0, affinity->final, err) < 0)
		return error_wrap(err, "process.execCPUAffinity.final");
	if (scheduler_set_io_priority(p->process->io_priority, err) < 0)
		return -1;
	return scheduler_set(p->process->scheduler, err);
}

static int raise_limits(struct preparation *p, struct error *err)
{
	return rlimit_raise(p->process, err);
}

static int set_personality(struct preparation *p, struct error *err)
{
	return personality_set(p->setup->personality, err);
}

static int set_memory_policy(struct preparation *p, struct error *err)
{
	return memory_policy_set(p->setup->memory_policy, err);
}

static int set_label(struct preparation *p, struct error *err)
{
	return lsm_apply(p->process, p->setup->procfs, p->setup->host_pid, err);
}

static int set_no_new_privileges(struct preparation *p, struct error *err)
{
	if (p->process->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "set no_new_privs");
	return 0;
}

static int drop_bounding(struct preparation *p, struct error *err)
{
	if (capability_resolve(p->process->capabilities, &p->capabilities, err) < 0)
		return -1;
	return capability_drop_bounding(&p->capabilities, err);
}

/* Whether setgroups(2) is forbidden in our user namespace (user_namespaces(7)). */
static bool setgroups_is_denied(const struct process_setup *setup)
{
	char path[64], text[16];

	(void)snprintf(path, sizeof(path), "%d/setgroups", (int)setup->host_pid);
	return fd_read_short(setup->procfs, path, text, sizeof(text)) > 0 &&
	       str_equal(text, "deny");
}

/*
 * Called with an empty list too: the runtime's own groups must not get in
 * (S13), unless the configuration asks for just that.
 */
static int set_groups(const struct preparation *p, const struct spec_user *user, struct error *err)
{
	size_t count = user ? user->n_additional_gids : 0;

	_Static_assert(sizeof(gid_t) == sizeof(*user->additional_gids), "the same numbers");
	if (p->setup->keep_groups) {
		if (count)
			log_warning("process.user.additionalGids are left out: the annotation "
				    "run.oci.keep_original_groups keeps those of the caller");
		return 0;
	}
	if (setgroups(count, count ? user->additional_gids : NULL) == 0)
		return 0;
	error_set(err, errno, "setgroups");
	if (err->code == EINVAL)
		return error_hint(
			err, "is each of process.user.additionalGids mapped in linux.gidMappings?");
	if (err->code != EPERM || !setgroups_is_denied(p->setup))
		return -1;
	/* Then we hold only groups that an unprivileged user had, and cannot drop them. */
	if (count)
		return error_hint(err, "process.user.additionalGids cannot be set in a user "
				       "namespace made without privileges");
	return 0;
}

static int id_error(const char *call, uint32_t id, const char *mappings, struct error *err)
{
	error_set(err, errno, "%s %u", call, id);
	if (err->code == EINVAL)
		error_hint(err, "the id is not in %s", mappings);
	if (err->code == EAGAIN)
		error_hint(err, "the user has more processes than RLIMIT_NPROC allows");
	return -1;
}

static int set_ids(struct preparation *p, struct error *err)
{
	const struct spec_user *user = p->process->user;
	uint32_t uid = user ? user->uid : 0, gid = user ? user->gid : 0;

	if (uid == UINT32_MAX || gid == UINT32_MAX)
		return error_set(err, 0, "process.user: %u is no id", UINT32_MAX);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return error_set(err, errno, "keep the capabilities");
	if (set_groups(p, user, err) < 0)
		return -1;
	if (setresgid(gid, gid, gid) < 0)
		return id_error("setresgid", gid, "linux.gidMappings", err);
	if (setresuid(uid, uid, uid) < 0)
		return id_error("setresuid", uid, "linux.uidMappings", err);
	/* Changing ids sets it to the sysctl fs.suid_dumpable (S2). */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_set(err, errno, "become non-dumpable");
	return 0;
}

static int set_capabilities(struct preparation *p, struct error *err)
{
	const uint64_t admin = UINT64_C(1) << CAP_SYS_ADMIN;
	struct process_setup *setup = p->setup;

	/* In a user namespace the kernel refuses by itself what the guard is for. */
	setup->guard_terminal = !p->process->terminal && !setup->in_user_namespace &&
				(p->capabilities.bounding & admin) && tty_guard_sees_terminal();
	bool filter_needs_it = (setup->seccomp || setup->guard_terminal || setup->ruleset >= 0) &&
			       !p->process->no_new_privileges;
	/* Who does not have it gets to know when the filter is loaded. */
	uint64_t also = filter_needs_it ? admin & capability_permitted() : 0;

	if (capability_set(&p->capabilities, also, err) < 0 ||
	    capability_set_ambient(&p->capabilities, err) < 0)
		return -1;
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return error_set(err, errno, "clear keepcaps");
	return 0;
}

static int set_umask(struct preparation *p, struct error *err)
{
	if (p->process->user && p->process->user->umask.set)
		(void)umask((mode_t)p->process->user->umask.value & 0777);
	return 0;
}

static int find_executable(struct preparation *p, struct error *err)
{
	struct process_setup *setup = p->setup;

	if (!p->process->args || !p->process->args[0])
		return error_set(err, 0, "process.args is empty");
	if (executable_find(p->process->args[0], setup->env, p->arena, &setup->executable, err) < 0)
		return -1;
	log_debug("the program is %s", setup->executable);
	executable_examine(setup->executable, &setup->facts);
	return executable_check(setup->executable, &setup->facts, err);
}

/* Where it cannot be read all signals are reset. */
static int note_ignored_signals(struct preparation *p, struct error *err)
{
	static const char key[] = "\nSigIgn:\t";
	char path[64], text[4096];

	(void)snprintf(path, sizeof(path), "%d/status", (int)p->setup->host_pid);
	ssize_t n = fd_read_short(p->setup->procfs, path, text, sizeof(text));
	const char *line = n > 0 ? strstr(text, key) : NULL;
	char digits[17] = "";

	if (line)
		(void)snprintf(digits, sizeof(digits), "%.16s", line + sizeof(key) - 1);
	if (!str_to_uint(digits, 16, UINT64_MAX, &p->setup->ignored))
		p->setup->ignored = UINT64_MAX;
	return 0;
}

static int (*const steps[])(struct preparation *, struct error *) = {
	note_ignored_signals,
	enter_cwd_as_runtime,
	make_environment,
	open_landlock,
	set_scheduling,
	raise_limits,
	set_personality,
	set_memory_policy,
	set_label,
	set_no_new_privileges,
	drop_bounding,
	set_ids,
	set_capabilities,
	enter_cwd_as_user,
	verify_cwd,
	set_umask,
	find_executable,
};

int process_setup_prepare(struct process_setup *setup, struct arena *arena, struct error *err)
{
	struct preparation p = { .setup = setup, .process = setup->process, .arena = arena };
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return error_set(err, errno, "open /");
	p.root = root;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (steps[i](&p, err) < 0)
			return -1;
	return 0;
}

int process_setup_make_cwd(const char *cwd, struct error *err)
{
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = -1;

	if (root < 0)
		return error_set(err, errno, "open /");
	fd = path_make_in_root(root, cwd, PATH_DIRECTORY, err);
	return fd < 0 ? error_wrap(err, "process.cwd") : 0;
}

/*
 * What we found ignored, or ignore ourselves, and what init.c catches: execve
 * would reset the latter, but a filter may forbid what the handler does.
 */
static void reset_signals(const struct process_setup *setup)
{
	const uint64_t caught = UINT64_C(1) << (SIGTERM - 1) | UINT64_C(1) << (SIGINT - 1) |
				UINT64_C(1) << (SIGHUP - 1) | UINT64_C(1) << (SIGQUIT - 1);

	process_reset_signals(setup->ignored | caught, setup->blocks_signals);
}

static int load_filter(const struct seccomp_filter *filter, int (*listener)(void *data, int fd),
		       void *data, struct error *err)
{
	int fd = filter ? seccomp_load_filter(filter, err) : 0;

	if (fd < 0)
		return -1;
	if (filter && filter->notifies && listener(data, fd) < 0)
		return error_set(err, 0, "hand over the listener of the seccomp filter");
	return 0;
}

int process_setup_filter(struct process_setup *setup, int (*listener)(void *data, int fd),
			 void *data, struct error *err)
{
	if (setup->is_filtered)
		return 0;
	if (landlock_restrict(setup->ruleset, err) < 0)
		return -1;
	fd_close(&setup->ruleset);
	if ((setup->guard_terminal && seccomp_load_filter(tty_guard_filter(), err) < 0) ||
	    load_filter(setup->seccomp, listener, data, err) < 0)
		return -1;
	setup->is_filtered = true;
	return 0;
}

int process_setup_exec(struct process_setup *setup, int (*listener)(void *data, int fd), void *data,
		       struct error *err)
{
	/* Then looking again may be refused, or punished, or there is no descriptor for it. */
	bool may_look = !setup->seccomp && !setup->landlock && !setup->process->n_rlimits;

	if (rlimit_apply(setup->process, err) < 0)
		return -1;
	reset_signals(setup);
	if (fd_cloexec_from(3 + setup->keep_fds, err) < 0 ||
	    process_setup_filter(setup, listener, data, err) < 0)
		return -1;
	(void)execve(setup->executable, setup->process->args, setup->env);
	return executable_explain(setup->executable, errno, may_look ? NULL : &setup->facts, err);
}
