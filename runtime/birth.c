/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/birth.h"

#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "runtime/channel.h"

static const char intermediate_name[] = "the intermediate process";

/*
 * Clones into the cgroup2 directory where there is one. Where the kernel
 * refuses (a directory whose children have controllers, a seccomp filter
 * around us), join_cgroups() does it, which also gives the better message.
 */
static pid_t clone_intermediate(const struct birth *birth, bool outside, bool *ret_in_unified)
{
	struct error ignored;
	cleanup_fd int unified =
		outside ? -1
		: birth->sub_path && !birth->sub_controller
			? cgroup_open_unified_sub(birth->cgroup, birth->sub_path, &ignored)
			: cgroup_open_unified(birth->cgroup, &ignored);
	pid_t pid = -1;

	*ret_in_unified = false;
	if (unified >= 0) {
		pid = process_clone(0, unified, NULL);
		*ret_in_unified = pid >= 0;
	}
	return pid >= 0 ? pid : process_clone(0, -1, NULL);
}

/* The child puts itself where it belongs, before it leaves the host's namespaces. */
static int join_cgroups(const struct birth *birth, bool in_unified, struct error *err)
{
	if (birth->cgroup->disabled || (in_unified && !cgroup_needs_join(birth->cgroup)))
		return 0;
	if (cgroup_join_self(birth->cgroup, in_unified, birth->sub_controller, birth->sub_path,
			     err) == 0)
		return 0;
	if (err->code != EBUSY || birth->sub_path || !birth->like)
		return -1;
	return cgroup_join_like(birth->cgroup, getpid(), birth->like, err);
}

static _Noreturn void run_child(struct birth *birth, bool outside, bool in_unified, int channel,
				int last)
{
	struct error err;

	if (birth->folder >= 0)
		(void)close(birth->folder);
	if (!outside && join_cgroups(birth, in_unified, &err) < 0) {
		channel_send_error(channel, &err);
		_exit(1);
	}
	birth->plan.channel = channel;
	birth->plan.last_channel = last;
	intermediate_main(&birth->plan);
}

static int write_maps(const struct birth *birth, int channel, pid_t pid, struct error *err)
{
	if (channel_expect(channel, CHANNEL_MAP_IDS, intermediate_name, NULL, NULL, err) < 0 ||
	    birth->write_maps(birth->maps_data, pid, err) < 0)
		return -1;
	return channel_send(channel, CHANNEL_IDS_MAPPED, 0, -1, err);
}

/* Our side while the intermediate works. */
static int serve(struct birth *birth, int channel, pid_t pid, struct error *err)
{
	int32_t born;

	if (birth->write_maps && write_maps(birth, channel, pid, err) < 0)
		return -1;
	if (channel_expect(channel, CHANNEL_INIT_BORN, intermediate_name, &born, &birth->pidfd,
			   err) < 0)
		return -1;
	birth->pid = born;
	return 0;
}

static bool is_permission(int code)
{
	return code == EACCES || code == EPERM;
}

/* A user may not move processes from a session to the own manager's scopes, but the manager may. */
static int move_into_cgroups(const struct birth *birth, struct error *err)
{
	if (cgroup_join(birth->cgroup, birth->pid, false, birth->sub_controller, birth->sub_path,
			err) == 0)
		return 0;
	if (!is_permission(err->code) || !birth->cgroup->scope || birth->sub_path)
		return -1;
	return cgroup_attach_to_scope(birth->cgroup, birth->pid, err);
}

/*
 * outside: the intermediate stays out of the cgroups, and the last process is
 * moved into them, which the limit on processes does not count as a new one.
 */
static int run(struct birth *birth, bool outside, struct error *err)
{
	int middle[2], last[2], status;
	bool in_unified;

	if (channel_pair(middle, err) < 0)
		return -1;
	cleanup_fd int ours = middle[0], theirs = middle[1];
	if (channel_pair(last, err) < 0)
		return -1;
	cleanup_fd int last_ours = last[0], last_theirs = last[1];
	pid_t pid = clone_intermediate(birth, outside, &in_unified);
	if (pid < 0)
		return error_set(err, errno, "clone3");
	if (pid == 0) {
		(void)close(ours);
		(void)close(last_ours);
		run_child(birth, outside, in_unified, theirs, last_theirs);
	}
	fd_close(&theirs);
	fd_close(&last_theirs);
	if (serve(birth, ours, pid, err) < 0) {
		process_kill_and_reap(pid);
		return -1;
	}
	(void)process_wait(pid, &status);
	if (outside && move_into_cgroups(birth, err) < 0) {
		process_kill_and_reap(birth->pid);
		return -1;
	}
	birth->channel = move_fd(&last_ours);
	return 0;
}

int birth_run(struct birth *birth, struct error *err)
{
	birth->pidfd = -1;
	if (run(birth, false, err) == 0)
		return 0;
	/*
	 * exec in a container that is at its limit: there is room for one process,
	 * but not for two. Or in a scope that we may not join by ourselves.
	 */
	if (!birth->like ||
	    (err->code != EAGAIN && !(birth->cgroup->scope && is_permission(err->code))))
		return -1;
	fd_close(&birth->pidfd);
	return run(birth, true, err);
}
