/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a container's directories. cgroup2 tells when the last process has
 * left, v1 tells nothing: there rmdir is tried again for a while, also because
 * its memory controller says EBUSY for a moment after the last process.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "runtime/cgroup_backend.h"

static bool is_gone(int code)
{
	return code == ENOENT || code == ENODEV;
}

/* rmdir until it works or the deadline comes; the only place that sleeps. -1 with errno. */
static int remove_patiently(const char *path, int64_t deadline_ms)
{
	struct timespec pause = { 0, 100 * 1000 };

	while (cgroup_remove(path) < 0) {
		if (is_gone(errno))
			return 0;
		if (errno != EBUSY || clock_left_ms(deadline_ms) == 0)
			return -1;
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < 10 * 1000 * 1000)
			pause.tv_nsec *= 2;
	}
	return 0;
}

struct removing {
	int64_t deadline_ms;
};

static int visit_remove(int fd, const char *path, void *data, struct error *err)
{
	const struct removing *removing = data;
	const struct cgroup_dir dir = { fd, path, "" };

	if (remove_patiently(path, removing->deadline_ms) == 0)
		return 0;
	error_set(err, errno, "remove the cgroup %s", path);
	return cgroup_hint_pids(&dir, err);
}

static int destroy_directory(const struct cgroup_directory *directory, int64_t deadline_ms,
			     struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	struct removing removing = { deadline_ms };

	/* Nearly always that is all. */
	if (cgroup_remove(directory->path) == 0 || is_gone(errno))
		return 0;
	/* EROFS and EACCES come before the kernel looks whether it exists. */
	if (cgroup_dir_open(directory, &dir) < 0)
		return is_gone(errno) ? 0 : error_set(err, errno, "open %s", directory->path);
	if (cgroup_directory_is_v2(directory) &&
	    cgroup_wait_event(&dir, "populated", 0, deadline_ms, err) < 0)
		return -1;
	return cgroup_walk(dir.fd, dir.path, true, visit_remove, &removing, err);
}

bool cgroup_destroy_unused(const struct cgroup *cgroup)
{
	const struct cgroup_directory *v2 = cgroup_find_v2(cgroup);

	if (cgroup->scope)
		return false;
	cleanup_cgroup_root bool is_held = cgroup_root_hold();
	/* Where processes are they are in cgroup2, too. */
	if (v2 && cgroup_remove(v2->path) < 0 && !is_gone(errno))
		return false;
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		const struct cgroup_directory *directory = &cgroup->directories[i];

		if (directory != v2 && cgroup_remove(directory->path) < 0 && !is_gone(errno))
			return false;
	}
	return true;
}

int cgroup_destroy(const struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_directory *v2 = cgroup_find_v2(cgroup);
	struct error first;
	int r = 0;

	if (cgroup->scope && cgroup->n_directories > 0)
		cgroup_systemd_stop(cgroup);
	int64_t deadline_ms = clock_now_ms() + CGROUP_REMOVE_TIMEOUT_MS;
	cleanup_cgroup_root bool is_held = cgroup_root_hold();

	/* cgroup2 first: once it is empty the others are, and none has to be asked again. */
	if (v2 && destroy_directory(v2, deadline_ms, &first) < 0)
		r = -1;
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		const struct cgroup_directory *directory = &cgroup->directories[i];
		struct error now;

		if (directory == v2 || destroy_directory(directory, deadline_ms, &now) == 0)
			continue;
		if (r == 0)
			first = now;
		r = -1;
	}
	if (r < 0)
		*err = first;
	return r < 0 ? error_wrap(err, "remove the container's cgroup") : 0;
}
