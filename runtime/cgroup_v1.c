/* SPDX-License-Identifier: Apache-2.0 */
/* Directories of v1 hierarchies (cgroup-v1/cpusets.rst, freezer-subsystem.rst). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

/* ---- making ------------------------------------------------------------------------------- */

/* A file of a cpuset and of the one above it. */
static const struct cpuset_file {
	const char *own, *above;
} cpuset_files[] = {
	{ "cpuset.cpus", "../cpuset.cpus" },
	{ "cpuset.mems", "../cpuset.mems" },
};

static int cpuset_fill(const char *path, int depth, bool is_new, struct error *err);

static int cpuset_fill_file(const struct cgroup_dir *dir, const struct cpuset_file *file, int depth,
			    bool is_new, struct error *err)
{
	char text[4096];
	ssize_t n = is_new ? 0 : fd_read_short(dir->fd, file->own, text, sizeof(text));

	if (n > 0)
		return 0;
	if (n == 0)
		n = fd_read_short(dir->fd, file->above, text, sizeof(text));
	if (n == 0 && depth < CGROUP_DEPTH_MAX) {
		cleanup_free char *parent = strdup(dir->path);
		if (!parent)
			return error_memory(err);
		*strrchr(parent, '/') = '\0';
		if (cpuset_fill(parent, depth + 1, false, err) < 0)
			return -1;
		n = fd_read_short(dir->fd, file->above, text, sizeof(text));
	}
	if (n <= 0)
		return error_set(err, n < 0 ? errno : ENODATA, "read %s/%s", dir->path,
				 file->above);
	return cgroup_write(dir, file->own, text, err);
}

/*
 * A new cpuset has no CPUs and no memory, and then takes no process: fills what
 * is empty from the parent, upward as far as that is empty too. One that
 * `is_new` is not looked at: it is empty, or the kernel has filled it just so.
 */
static int cpuset_fill(const char *path, int depth, bool is_new, struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir dir = { -1, path, "cpuset" };

	dir.fd = cgroup_open(path, O_RDONLY | O_DIRECTORY);
	if (dir.fd < 0)
		return error_set(err, errno, "open %s", path);
	for (size_t i = 0; i < sizeof(cpuset_files) / sizeof(cpuset_files[0]); i++)
		if (cpuset_fill_file(&dir, &cpuset_files[i], depth, is_new, err) < 0)
			return -1;
	return 0;
}

int cgroup_v1_make(const struct cgroup_machine *machine, const struct cgroup_directory *directory,
		   size_t *ret_made, struct error *err)
{
	(void)machine;
	if (cgroup_make_path(directory->path, ret_made, err) < 0)
		return -1;
	if (cgroup_controllers_have(directory->controllers, "cpuset"))
		return cpuset_fill(directory->path, 0, *ret_made == 1, err);
	return 0;
}

/* ---- the freezer -------------------------------------------------------------------------- */

enum { STATE_THAWED, STATE_FROZEN, STATE_FREEZING };

static int read_state(const struct cgroup_dir *dir, struct error *err)
{
	char text[32];

	if (fd_read_short(dir->fd, "freezer.state", text, sizeof(text)) < 0)
		return errno == ENOENT || errno == ENODEV
			       ? STATE_THAWED
			       : error_set(err, errno, "read %s/freezer.state", dir->path);
	if (str_equal(text, "FROZEN"))
		return STATE_FROZEN;
	return str_equal(text, "FREEZING") ? STATE_FREEZING : STATE_THAWED;
}

int cgroup_v1_frozen(const struct cgroup_dir *dir, struct error *err)
{
	char self[8];
	int state;

	if (!cgroup_controllers_have(dir->controllers, "freezer"))
		return 0;
	state = read_state(dir, err);
	/* An ancestor's freezing shows here too, but is not ours to undo or to count. */
	if (state > 0 && fd_read_short(dir->fd, "freezer.self_freezing", self, sizeof(self)) > 0 &&
	    str_equal(self, "0"))
		return 0;
	return state > 0 ? 1 : state;
}

int cgroup_v1_freeze(const struct cgroup_dir *dir, bool frozen, int64_t deadline_ms,
		     struct error *err)
{
	struct timespec pause = { 0, 100 * 1000 };
	int state;

	if (cgroup_write(dir, "freezer.state", frozen ? "FROZEN" : "THAWED", err) < 0)
		return -1;
	/* v1 tells nobody when it is done, and reading the state is what makes it look again. */
	while (frozen && (state = read_state(dir, err)) != STATE_FROZEN) {
		if (state < 0)
			return -1;
		if (clock_left_ms(deadline_ms) == 0)
			return error_set(err, ETIMEDOUT, "freeze %s", dir->path);
		(void)nanosleep(&pause, NULL);
		if (pause.tv_nsec < 10 * 1000 * 1000)
			pause.tv_nsec *= 2;
		/* A task that came while we looked leaves it FREEZING until it is asked again. */
		if (cgroup_write(dir, "freezer.state", "FROZEN", err) < 0)
			return -1;
	}
	return 0;
}
