/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of a container that runs already. The parent opens everything of the
 * host, in its own namespaces; a child joins the container's mount namespace,
 * and nothing else, so that no process of the container can see it (S1), and
 * attaches by descriptor below the container's root (S4).
 */
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/container.h"
#include "runtime/lifecycle.h"
#include "runtime/mount.h"
#include "runtime/mount_api.h"

/* What the child does, once it is in the container's mount namespace. */
struct change {
	struct mount_plan *plan; /* to add */
	const char *target;	 /* to remove */
};

static int open_live(const struct container_engine *engine, const char *id,
		     struct lifecycle *container, struct error *err)
{
	enum container_status status;

	if (lifecycle_open(engine, id, true, container, err) < 0 ||
	    lifecycle_load_spec(container, err) < 0 ||
	    lifecycle_status(container, &status, err) < 0)
		return -1;
	if (container->init_pidfd >= 0)
		return 0;
	return error_set(err, ESRCH, "container \"%s\" is %s: it has no mounts that could change",
			 id, container_status_name(status));
}

/* ---- in the child ---- */

static int add_mount(struct mount_plan *plan, struct error *err)
{
	plan->root_tree = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (plan->root_tree < 0)
		return error_set(err, errno, "open the container's root");
	plan->root_is_attached = true;
	return mount_plan_apply(plan, err);
}

/*
 * The container may have put a link on the way since: whatever it leads to, the
 * masks and the read-only parts of /proc and /sys stay (S9).
 */
static int check_parent(int parent, const char *target, struct error *err)
{
	long type = path_filesystem_type(parent, err);

	if (type < 0)
		return -1;
	if ((type != PROC_SUPER_MAGIC && type != SYSFS_MAGIC) ||
	    str_starts_with(target, "/proc/") || str_starts_with(target, "/sys/"))
		return 0;
	return error_set(err, EPERM, "%s has become a path inside of /proc or /sys", target);
}

static int check_mount_point(int root, int parent, const char *name, const char *target,
			     struct error *err)
{
	cleanup_fd int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct mount_place place;
	uint64_t root_id;

	if (fd < 0)
		return error_set(err, errno, "open %s", target);
	if (mount_api_look(fd, &place, err) < 0 || mount_api_id(root, &root_id, err) < 0)
		return -1;
	if (!place.is_root || place.id == root_id)
		return error_set(err, EINVAL, "nothing is mounted at %s", target);
	return 0;
}

/* The last component is never followed: what a link there leads to stays. */
static int remove_mount(const char *target, struct error *err)
{
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int place = -1, parent = -1;
	const char *name;

	if (root < 0)
		return error_set(err, errno, "open the container's root");
	/* Where there is nothing, no folders are made on the way to it. */
	place = path_open_in_root(root, target, O_PATH | O_NOFOLLOW, err);
	if (place < 0)
		return -1;
	parent = path_open_parent_in_root(root, target, &name, err);
	if (parent < 0 || check_parent(parent, target, err) < 0 ||
	    check_mount_point(root, parent, name, target, err) < 0)
		return -1;
	if (fchdir(parent) < 0 || umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return error_set(err, errno, "unmount %s", target);
	return 0;
}

static void change_in_child(const struct change *change, int init_pidfd, int report)
{
	struct error err;
	int result;

	if (setns(init_pidfd, CLONE_NEWNS) < 0)
		result = error_set(&err, errno, "join the container's mount namespace");
	else if (change->plan)
		result = add_mount(change->plan, &err);
	else
		result = remove_mount(change->target, &err);
	if (result < 0)
		(void)!write(report, err.text, strlen(err.text));
	_exit(result < 0);
}

/* ---- in the parent ---- */

static int run_child(const struct change *change, int init_pidfd, struct error *err)
{
	char text[ERROR_TEXT_SIZE];
	int ends[2], status;
	size_t size = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "make a pipe");
	cleanup_fd int ours = ends[0], theirs = ends[1];
	pid = fork();
	if (pid == 0)
		change_in_child(change, init_pidfd, theirs);
	if (pid < 0)
		return error_set(err, errno, "fork");
	fd_close(&theirs);
	while (size < sizeof(text) - 1 &&
	       (n = read(ours, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)n;
	if (process_wait(pid, &status) < 0)
		return error_set(err, errno, "wait for the child that mounts");
	if (size > 0)
		return error_set(err, 0, "%.*s", (int)size, text);
	if (status != 0)
		return error_set(err, 0, "the child that mounts ended with %d",
				 process_exit_code(status));
	return 0;
}

int container_add_mount(const struct container_engine *engine, const char *id,
			const struct spec_mount *mount, struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	struct mount_plan plan;
	const struct change change = { .plan = &plan };
	struct spec_mount copy = *mount;
	struct spec spec;
	int result;

	if (open_live(engine, id, &container, err) < 0)
		return -1;
	spec = container.spec;
	spec.mounts = &copy;
	spec.n_mounts = 1;
	if (mount_plan_prepare_mounts(&spec, &plan, &container.arena, err) < 0)
		return -1;
	result = run_child(&change, container.init_pidfd, err);
	mount_plan_done(&plan);
	return result;
}

int container_remove_mount(const struct container_engine *engine, const char *id,
			   const char *target, struct error *err)
{
	struct lifecycle cleanup_lifecycle container = LIFECYCLE_EMPTY;
	const struct change change = { .target = target };

	if (open_live(engine, id, &container, err) < 0)
		return -1;
	return run_child(&change, container.init_pidfd, err);
}
