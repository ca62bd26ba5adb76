/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel has, tried out. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "cmd/rustbox/command/doctor.h"
#include "cmd/rustbox/command/machine.h"
#include "cmd/rustbox/store/tree.h"
#include "runtime/cgroup.h"
#include "runtime/cgroup_survey.h"

bool doctor_root(const struct invocation *call, struct finding *finding)
{
	if (call->store->is_rootless) {
		uint64_t ids = process_user_ids();

		str_add_format(&finding->detail, "an ordinary user with %" PRIu64 " id%s", ids,
			       ids == 1 ? "" : "s");
		return true;
	}
	str_add_format(&finding->detail, "user %u", geteuid());
	str_add(&finding->remedy, "run it as root");
	return geteuid() == 0;
}

/* ---- system calls ---- */

static bool has_openat2(void)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	cleanup_fd int fd = (int)syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));

	return fd >= 0;
}

static bool has_pidfd(void)
{
	cleanup_fd int fd = process_pidfd_open(getpid());

	return fd >= 0;
}

static bool has_clone3(void)
{
	pid_t child = process_clone(0, -1, NULL);
	int status;

	if (child == 0)
		_exit(0);
	return child > 0 && process_wait(child, &status) == 0;
}

bool doctor_calls(const struct invocation *call, struct finding *finding)
{
	static const struct {
		const char *name;
		bool (*has)(void);
	} calls[] = {
		{ "openat2", has_openat2 },
		{ "pidfd_open", has_pidfd },
		{ "clone3", has_clone3 },
	};
	struct utsname name = { 0 };
	bool good = true;

	(void)uname(&name);
	str_add_format(&finding->detail, "Linux %s", name.release);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (calls[i].has())
			continue;
		str_add_format(&finding->detail, "%s %s", good ? " without" : ",", calls[i].name);
		good = false;
	}
	str_add(&finding->remedy,
		"Linux 5.6 or newer is needed, and nothing around us that forbids these calls");
	return good;
}

/* ---- cgroups ---- */

bool doctor_controllers(const struct invocation *call, struct finding *finding)
{
	static const char *const needed[] = { "memory", "cpu", "pids", "cpuset", "freezer" };
	struct cgroup_survey cgroups;
	struct error err;
	bool good = true;

	if (cgroup_survey_take(call->arena, &cgroups, &err) < 0) {
		str_add(&finding->detail, err.text);
		str_add(&finding->remedy, "mount cgroup2 at /sys/fs/cgroup");
		return false;
	}
	str_add_format(&finding->detail, "version %s:", cgroups.version);
	for (size_t i = 0; i < cgroups.n; i++)
		str_add_format(&finding->detail, " %s", cgroups.controllers[i]);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (cgroup_survey_has(&cgroups, needed[i]))
			continue;
		str_add_format(&finding->remedy, "%s%s", good ? "no " : ", no ", needed[i]);
		good = false;
	}
	str_add(&finding->remedy, ": boot with cgroup_enable=CONTROLLER; inside of another "
				  "container have it delegated");
	return good;
}

/* Where a container's cgroups would be, of which those that are there may not be ours. */
bool doctor_limits(const struct invocation *call, struct finding *finding)
{
	bool is_rootless = call->store->is_rootless;
	struct cgroup cgroup;
	struct error err;

	if (cgroup_locate(&cgroup_machine_default, CGROUP_MANAGER_CGROUPFS,
			  is_rootless ? "rustbox-probe" : "/probe", "probe", false, call->arena,
			  &cgroup, &err) < 0) {
		str_add(&finding->detail, err.text);
		return false;
	}
	for (size_t i = 0; i < cgroup.n_directories; i++) {
		char *path = cgroup.directories[i].path;

		*strrchr(path, '/') = '\0';
		if (access(path, W_OK) == 0)
			continue;
		str_add_format(&finding->detail, "no cgroup can be made in %s: %s", path,
			       strerror(errno));
		str_add(&finding->remedy,
			is_rootless ? "limits, pause and stats need a delegated subtree of cgroup "
				      "v2: systemd-run --user --scope -p Delegate=yes rustbox ..."
				    : "inside of another container have its cgroup delegated, "
				      "writable");
		return false;
	}
	str_add(&finding->detail, "cgroups can be made");
	return true;
}

/* ---- overlay ---- */

static bool set(int context, const char *key, const char *folder, const char *name,
		struct arena *arena, struct error *err)
{
	const char *path = arena_format(arena, err, "%s/%s", folder, name);

	if (!path || mkdir(path, 0700) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, key, path, 0) < 0) {
		(void)error_set(err, errno, "%s", key);
		return false;
	}
	return true;
}

/* A writable one, below the root folder, attached nowhere. */
static bool try_overlay(const char *folder, bool is_rootless, struct arena *arena,
			struct error *err)
{
	cleanup_fd int context = fsopen("overlay", FSOPEN_CLOEXEC);

	if (context < 0) {
		(void)error_set(err, errno, "fsopen overlay");
		return false;
	}
	if (!set(context, "lowerdir", folder, "lower", arena, err) ||
	    !set(context, "upperdir", folder, "upper", arena, err) ||
	    !set(context, "workdir", folder, "work", arena, err))
		return false;
	if ((!is_rootless || fsconfig(context, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) == 0) &&
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		return true;
	(void)error_set(err, errno, "overlay in %s", folder);
	return false;
}

bool doctor_overlay(const struct invocation *call, struct finding *finding)
{
	struct error err, ignored;
	char *folder = arena_format(call->arena, &err, "%s/doctor.XXXXXX", call->store->root);
	bool good;

	str_add(&finding->remedy, "load the module overlay (modprobe overlay); the root folder's "
				  "file system has to be one that can be its upper layer (ext4, "
				  "xfs, btrfs, tmpfs), which --root can choose");
	if (!folder || !mkdtemp(folder)) {
		str_add_format(&finding->detail, "cannot make a folder in %s: %s",
			       call->store->root, strerror(errno));
		return false;
	}
	good = try_overlay(folder, call->store->is_rootless, call->arena, &err);
	(void)tree_remove(AT_FDCWD, folder, &ignored);
	str_add(&finding->detail, good ? "works in " : err.text);
	str_add(&finding->detail, good ? call->store->root : "");
	return good;
}

/* ---- users ---- */

bool doctor_user_namespaces(const struct invocation *call, struct finding *finding)
{
	struct error err = { 0 };
	cleanup_fd int fd = machine_make_user_namespace(&err);

	str_add(&finding->detail, fd < 0 ? err.text : "can be made");
	str_add(&finding->remedy, "--isolate-user needs them: sysctl "
				  "user.max_user_namespaces must not be 0");
	return fd >= 0;
}

bool doctor_idmap(const struct invocation *call, struct finding *finding)
{
	struct error err = { 0 };
	cleanup_fd int user = machine_make_user_namespace(&err);
	cleanup_fd int tree =
		open_tree(AT_FDCWD, call->store->root, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP };
	bool good;

	attributes.userns_fd = (__u64)user;
	good = user >= 0 && tree >= 0 &&
	       mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) == 0;
	if (good)
		str_add_format(&finding->detail, "work in %s", call->store->root);
	else
		str_add_format(&finding->detail, "not in %s: %s", call->store->root,
			       user < 0 ? err.text : strerror(errno));
	str_add(&finding->remedy, "--isolate-user needs them for sensible owners of files: Linux "
				  "5.12 or newer, with a file system that has them");
	return good;
}

bool doctor_seccomp(const struct invocation *call, struct finding *finding)
{
	bool good = machine_has_seccomp();

	str_add(&finding->detail, good ? "filters" : "no filters");
	str_add(&finding->remedy, "a kernel with CONFIG_SECCOMP_FILTER is needed; without one, run "
				  "with --security-opt seccomp=unconfined");
	return good;
}
