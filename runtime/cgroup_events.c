/* SPDX-License-Identifier: Apache-2.0 */
/* Out of memory: told by an eventfd on v1, by inotify on cgroup2. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"
#include "runtime/cgroup_stats.h"

/* The directory that counts the container's memory, and whether it is v1's. */
static int open_memory(const struct cgroup *cgroup, struct cgroup_dir *ret, bool *ret_v1,
		       struct error *err)
{
	const struct cgroup_directory *directory = cgroup_find_v1(cgroup, "memory");

	*ret_v1 = directory != NULL;
	if (!directory)
		directory = cgroup_find_v2(cgroup);
	if (!directory)
		return error_set(err, ENOENT, "the container has no memory cgroup");
	if (cgroup_dir_open(directory, ret) < 0)
		return error_set(err, errno, "open %s", directory->path);
	return 0;
}

static int watch_v1(const struct cgroup_dir *dir, struct error *err)
{
	cleanup_fd int control = openat(dir->fd, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	cleanup_fd int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (control < 0)
		return error_set(err, errno, "open %s/memory.oom_control", dir->path);
	if (event < 0)
		return error_set(err, errno, "eventfd");
	if (cgroup_write_format(dir, "cgroup.event_control", err, "%d %d", event, control) < 0)
		return -1;
	return move_fd(&event);
}

static int watch_v2(const struct cgroup_dir *dir, struct error *err)
{
	cleanup_fd int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	cleanup_free char *path = str_format(err, "%s/memory.events", dir->path);

	if (fd < 0)
		return error_set(err, errno, "inotify_init");
	if (!path)
		return -1;
	if (inotify_add_watch(fd, path, IN_MODIFY) < 0)
		return error_set(err, errno, "watch %s", path);
	return move_fd(&fd);
}

int cgroup_watch_oom(const struct cgroup *cgroup, struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	bool v1;

	if (open_memory(cgroup, &dir, &v1, err) < 0)
		return -1;
	return v1 ? watch_v1(&dir, err) : watch_v2(&dir, err);
}

int64_t cgroup_oom_kills(const struct cgroup *cgroup, struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	uint64_t kills = 0;
	bool v1;

	if (open_memory(cgroup, &dir, &v1, err) < 0)
		return -1;
	const char *file = v1 ? "memory.oom_control" : "memory.events";
	cleanup_free char *text = cgroup_read_text(&dir, file);
	if (!text)
		return error_set(err, errno, "read %s/%s", dir.path, file);
	/* Kernels before 4.13 do not count. */
	(void)cgroup_text_find(text, "oom_kill", &kills);
	return (int64_t)kills;
}
