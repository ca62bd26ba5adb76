/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/namespace.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const struct {
	uint64_t flag;
	const char *file; /* in /proc/PID/ns */
} kinds[NAMESPACE_TYPES] = {
	[NAMESPACE_PID] = { CLONE_NEWPID, "pid" },
	[NAMESPACE_NETWORK] = { CLONE_NEWNET, "net" },
	[NAMESPACE_MOUNT] = { CLONE_NEWNS, "mnt" },
	[NAMESPACE_IPC] = { CLONE_NEWIPC, "ipc" },
	[NAMESPACE_UTS] = { CLONE_NEWUTS, "uts" },
	[NAMESPACE_USER] = { CLONE_NEWUSER, "user" },
	[NAMESPACE_CGROUP] = { CLONE_NEWCGROUP, "cgroup" },
	[NAMESPACE_TIME] = { CLONE_NEWTIME, "time" },
};

uint64_t namespace_flag(enum spec_namespace_type type)
{
	return kinds[type].flag;
}

static const char *name_of_flag(int flag)
{
	for (int i = 0; i < NAMESPACE_TYPES; i++)
		if (kinds[i].flag == (uint64_t)flag)
			return spec_namespace_name((enum spec_namespace_type)i);
	return "unknown";
}

/* Opens the path and makes sure that it is a namespace of that type. */
static int open_namespace(const struct spec_namespace *namespace, struct error *err)
{
	const char *name = spec_namespace_name((enum spec_namespace_type) namespace->type);
	cleanup_fd int fd = open(namespace->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return error_set(err, errno, "open %s namespace %s", name, namespace->path);
	int kind = ioctl(fd, NS_GET_NSTYPE);
	if (kind < 0)
		return error_plain(err, EINVAL, "%s namespace %s: this is no namespace", name,
				   namespace->path);
	if ((uint64_t)kind != kinds[namespace->type].flag)
		return error_plain(err, EINVAL, "%s namespace %s: this is a %s namespace", name,
				   namespace->path, name_of_flag(kind));
	return move_fd(&fd);
}

static bool is_our_user_namespace(int fd)
{
	struct stat theirs, ours;

	return fstat(fd, &theirs) == 0 && stat("/proc/self/ns/user", &ours) == 0 &&
	       theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

int namespace_plan_prepare(const struct spec *spec, struct namespace_plan *plan, struct error *err)
{
	*plan = (struct namespace_plan){ 0 };
	for (size_t i = 0; i < spec->linux->n_namespaces; i++) {
		const struct spec_namespace *namespace = &spec->linux->namespaces[i];
		uint64_t flag = kinds[namespace->type].flag;

		if (!namespace->path) {
			plan->create |= flag;
			continue;
		}
		int fd = open_namespace(namespace, err);
		if (fd < 0)
			return error_wrap(err, "linux.namespaces[%zu]", i);
		if (flag == CLONE_NEWUSER && is_our_user_namespace(fd)) {
			fd_close(&fd);
			continue;
		}
		plan->joins[plan->n_joins++] = (struct namespace_join){ flag, fd, namespace->path };
	}
	plan->writes_time_offsets = (plan->create & CLONE_NEWTIME) && spec->linux->n_time_offsets;
	return 0;
}

void namespace_plan_done(struct namespace_plan *plan)
{
	for (int i = 0; i < plan->n_joins; i++)
		fd_close(&plan->joins[i].fd);
	plan->n_joins = 0;
}

/* Adds the kind's flag if the process is in another one than we. */
static int add_if_different(enum spec_namespace_type type, int procfs, pid_t init,
			    uint64_t *ret_flags, struct error *err)
{
	struct stat theirs, ours;
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/ns/%s", init, kinds[type].file);
	if (fstatat(procfs, path, &theirs, 0) < 0)
		return error_set(err, errno, "stat /proc/%s", path);
	(void)snprintf(path, sizeof(path), "self/ns/%s", kinds[type].file);
	if (fstatat(procfs, path, &ours, 0) < 0)
		return error_set(err, errno, "stat /proc/%s", path);
	if (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev)
		*ret_flags |= kinds[type].flag;
	return 0;
}

int namespace_flags_for_exec(const struct spec *spec, int procfs, pid_t init, uint64_t *ret_flags,
			     struct error *err)
{
	struct error ignored;

	*ret_flags = 0;
	for (size_t i = 0; i < spec->linux->n_namespaces; i++)
		if (add_if_different((enum spec_namespace_type)spec->linux->namespaces[i].type,
				     procfs, init, ret_flags, err) < 0)
			return -1;
	/* CRIU restores into a new one, so that clocks go on; not every kernel has them. */
	(void)add_if_different(NAMESPACE_TIME, procfs, init, ret_flags, &ignored);
	return 0;
}

int namespace_become_root(struct error *err)
{
	/*
	 * EINVAL: the namespace maps no root; its first process has all
	 * capabilities there all the same. Groups are set for good later.
	 */
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 && errno != EINVAL)
		return error_set(err, errno, "become group 0 of the user namespace");
	if (syscall(SYS_setresuid, 0, 0, 0) < 0 && errno != EINVAL)
		return error_set(err, errno, "become user 0 of the user namespace");
	return 0;
}

static int join(const struct namespace_join *join, struct error *err)
{
	if (setns(join->fd, (int)join->flag) < 0)
		return error_set(err, errno, "join %s namespace %s", name_of_flag((int)join->flag),
				 join->path);
	return 0;
}

/*
 * A user namespace comes last among those to join that we may join as what we
 * are, since it takes our rights over what its parent owns; and first among
 * those that only its own root may join. So: try all others, go in, and try
 * the refused ones again.
 */
static int join_all(const struct namespace_plan *plan, bool before_user, uint64_t *done,
		    struct error *err)
{
	for (int i = 0; i < plan->n_joins; i++) {
		const struct namespace_join *j = &plan->joins[i];

		if (j->flag == CLONE_NEWUSER || (*done & j->flag))
			continue;
		if (join(j, err) == 0)
			*done |= j->flag;
		else if (!before_user || err->code != EPERM)
			return -1;
	}
	return 0;
}

static const struct namespace_join *find_user_join(const struct namespace_plan *plan)
{
	for (int i = 0; i < plan->n_joins; i++)
		if (plan->joins[i].flag == CLONE_NEWUSER)
			return &plan->joins[i];
	return NULL;
}

static int unshare_all(uint64_t flags, struct error *err)
{
	if (!flags || unshare((int)flags) == 0)
		return 0;
	int code = errno;
	error_set(err, code, "make new namespaces (unshare)");
	if (code == EPERM)
		return error_hint(err, "root, or a user namespace in config.json, is needed");
	if (code == ENOSPC || code == EUSERS)
		return error_hint(err, "a limit of /proc/sys/user/max_*_namespaces is reached");
	if (code == EINVAL)
		return error_hint(err, "a kind of namespace that this kernel was built without");
	return -1;
}

int namespace_plan_enter(const struct namespace_plan *plan,
			 int (*map_ids)(void *data, struct error *err), void *data,
			 struct error *err)
{
	const struct namespace_join *user = find_user_join(plan);
	bool any_user = user || (plan->create & CLONE_NEWUSER);
	/* With the user namespace, so that the parent writes maps and offsets at once. */
	uint64_t first = plan->create & (CLONE_NEWUSER | CLONE_NEWTIME);
	uint64_t joined = 0;

	if (join_all(plan, any_user, &joined, err) < 0)
		return -1;
	if (user) {
		/* Root of that namespace may look at a process that enters it: not at us (S2). */
		(void)prctl(PR_SET_DUMPABLE, 0);
		if (join(user, err) < 0 || namespace_become_root(err) < 0)
			return -1;
	}
	if (unshare_all(first, err) < 0)
		return -1;
	if ((plan->create & CLONE_NEWUSER) || plan->writes_time_offsets)
		if (map_ids(data, err) < 0)
			return -1;
	(void)prctl(PR_SET_DUMPABLE, 0);
	if ((plan->create & CLONE_NEWUSER) && namespace_become_root(err) < 0)
		return -1;
	if (any_user && join_all(plan, false, &joined, err) < 0)
		return -1;
	return unshare_all(plan->create & ~first, err);
}
