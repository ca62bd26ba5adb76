/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/launch.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/mountinfo.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"

enum { MOUNTINFO_MAX = 16 << 20, OOM_SCORE_MAX = 1000 };

/* linux/prctl.h and linux/sched.h, for older headers. */
enum { CORE_SCHEDULING = 62, CORE_CREATE = 1, CORE_OF_PROCESS = 1 };

/*
 * Of ourselves, for the server and its containers to inherit. Not of the process
 * group, which whoever has started us may be in.
 */
static int share_cores(struct error *err)
{
	const char *wanted = getenv("SCHED_CORE");

	if (!wanted || !*wanted)
		return 0;
	if (prctl(CORE_SCHEDULING, CORE_CREATE, 0, CORE_OF_PROCESS, 0) < 0)
		return error_set(err, errno,
				 "make a core scheduling cookie (SCHED_CORE is set; the kernel "
				 "needs CONFIG_SCHED_CORE, and a machine with SMT)");
	return 0;
}

/* Begins with the program; ends with NULL. */
enum { ARGS_MAX = 12 };

static void add_flag(const char **args, size_t *n, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	args[(*n)++] = name;
	args[(*n)++] = value;
}

static pid_t spawn(const struct shim_flags *flags, int listener, struct error *err)
{
	const int fds[] = { -1, -1, -1, listener };
	const char *args[ARGS_MAX] = { NULL };
	char self[PATH_MAX];
	size_t n = 1;
	/* For ps alone: what is executed is this very file, also when its name is another's now. */
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[size < 0 ? 0 : size] = '\0';
	args[0] = size > 0 ? self : "containerd-shim-rustbox-v1";
	add_flag(args, &n, "-namespace", flags->namespace);
	add_flag(args, &n, "-id", flags->id);
	add_flag(args, &n, "-address", flags->address);
	add_flag(args, &n, "-publish-binary", flags->publish_binary);
	if (flags->debug)
		args[n++] = "-debug";

	const struct process_spawn child = {
		.path = "/proc/self/exe",
		.args = (char **)(uintptr_t)args,
		.fds = fds,
		.n_fds = sizeof(fds) / sizeof(fds[0]),
		.new_group = true,
		.holds_termination = true, /* its end removes the socket */
	};
	return process_spawn(&child, err);
}

int launch_join_cgroup(char *mountinfo, const char *cgroup, pid_t pid, struct error *err)
{
	cleanup_free char *joined = str_format(err, "/%s", cgroup);
	cleanup_free char *path = joined ? path_clean(joined, err) : NULL;
	struct mountinfo mount;
	bool found = false;
	char text[16];

	if (!path)
		return -1;
	(void)snprintf(text, sizeof(text), "%d", pid);
	while (mountinfo_next(&mountinfo, &mount)) {
		if (!str_equal(mount.type, "cgroup") && !str_equal(mount.type, "cgroup2"))
			continue;
		cleanup_free char *file = str_format(err, "%s%s/cgroup.procs", mount.point, path);
		if (!file)
			return -1;
		if (access(file, F_OK) < 0)
			continue;
		if (fd_write_file(AT_FDCWD, file, text, err) < 0)
			return error_wrap(err, "move the server to its ShimCgroup");
		found = true;
	}
	if (!found)
		return error_set(err, ENOENT,
				 "the ShimCgroup %s is in no cgroup hierarchy (make it before)",
				 path);
	return 0;
}

static int join_cgroup(const char *cgroup, pid_t pid, struct error *err)
{
	cleanup_free char *mountinfo = NULL;

	if (!cgroup || !*cgroup)
		return 0;
	if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &mountinfo, NULL, err) <
	    0)
		return -1;
	return launch_join_cgroup(mountinfo, cgroup, pid, err);
}

/* One more than containerd's, which is worth more than one container when memory is short. */
static int raise_oom_score(pid_t pid, struct error *err)
{
	char path[64], text[16];
	int64_t score;

	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", getppid());
	if (fd_read_short(AT_FDCWD, path, text, sizeof(text)) < 0 ||
	    !str_to_int(text, -OOM_SCORE_MAX, OOM_SCORE_MAX, &score))
		return 0; /* a parent of another pid namespace */
	(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	(void)snprintf(text, sizeof(text), "%d",
		       (int)(score < OOM_SCORE_MAX ? score + 1 : OOM_SCORE_MAX));
	if (fd_write_file(AT_FDCWD, path, text, err) == 0)
		return 0;
	/* Users without privileges may raise it only. */
	return err->code == EACCES || err->code == EPERM ? 0 : -1;
}

int launch_server(const struct shim_flags *flags, int listener, const char *cgroup, pid_t *ret_pid,
		  struct error *err)
{
	pid_t pid;

	if (share_cores(err) < 0)
		return -1;
	pid = spawn(flags, listener, err);
	if (pid < 0)
		return error_wrap(err, "start the server");
	if (join_cgroup(cgroup, pid, err) < 0 || raise_oom_score(pid, err) < 0) {
		process_kill_and_reap(pid);
		return -1;
	}
	*ret_pid = pid;
	return 0;
}
