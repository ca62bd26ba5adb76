/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pause and resume. Where there is a cgroup2 directory its freezer is used, on
 * a hybrid machine too: it tells when it is done, and what is frozen there can
 * still be killed. v1's serves where nothing else is; thawing undoes both.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

/* 1 opened, 0 there is none that can freeze, -1 err. */
static int open_v2(const struct cgroup *cgroup, struct cgroup_dir *ret, struct error *err)
{
	const struct cgroup_directory *directory = cgroup_find_v2(cgroup);

	if (!directory)
		return 0;
	if (cgroup_dir_open(directory, ret) < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "open %s", directory->path);
	return faccessat(ret->fd, "cgroup.freeze", F_OK, 0) == 0;
}

static int open_v1(const struct cgroup *cgroup, struct cgroup_dir *ret, struct error *err)
{
	const struct cgroup_directory *directory = cgroup_find_v1(cgroup, "freezer");

	if (!directory)
		return 0;
	if (cgroup_dir_open(directory, ret) < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "open %s", directory->path);
	return 1;
}

/* The first process that is neither frozen nor gone, with what it waits for. */
static void hint_culprit(const struct cgroup_dir *dir, struct error *err)
{
	cleanup_cgroup_pids struct cgroup_pids pids = CGROUP_PIDS_EMPTY;
	struct error ignored;

	if (cgroup_pids_read(dir, &pids, &ignored) < 0)
		return;
	for (size_t i = 0; i < pids.count; i++) {
		char path[64], wchan[128];

		(void)snprintf(path, sizeof(path), "/proc/%d/wchan", (int)pids.pids[i]);
		if (fd_read_short(AT_FDCWD, path, wchan, sizeof(wchan)) < 0)
			continue;
		if (strstr(wchan, "freez") || strstr(wchan, "refrigerator") ||
		    str_equal(wchan, "do_signal_stop"))
			continue;
		error_hint(err, "process %d does not stop, it is in %s", (int)pids.pids[i],
			   str_equal(wchan, "0") ? "user space or an unknown place" : wchan);
		return;
	}
}

typedef int freeze_function(const struct cgroup_dir *dir, bool frozen, int64_t deadline_ms,
			    struct error *err);

static int freeze_in(const struct cgroup_dir *dir, freeze_function *freeze, struct error *err)
{
	struct error ignored;

	if (freeze(dir, true, clock_now_ms() + CGROUP_FREEZE_TIMEOUT_MS, err) == 0)
		return 0;
	if (err->code == ETIMEDOUT)
		hint_culprit(dir, err);
	/* Half frozen is worse than not frozen. */
	(void)freeze(dir, false, 0, &ignored);
	return -1;
}

int cgroup_freeze(const struct cgroup *cgroup, bool frozen, struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir v2 = CGROUP_DIR_CLOSED, v1 = CGROUP_DIR_CLOSED;

	if (cgroup->disabled)
		return 0;
	int have_v2 = open_v2(cgroup, &v2, err),
	    have_v1 = have_v2 < 0 ? -1 : open_v1(cgroup, &v1, err);
	if (have_v1 < 0)
		return -1;
	if (!have_v2 && !have_v1)
		return error_set(err, 0, "the container has no cgroup with a freezer");
	if (frozen)
		return have_v2 ? freeze_in(&v2, cgroup_v2_freeze, err)
			       : freeze_in(&v1, cgroup_v1_freeze, err);
	int state = have_v1 ? cgroup_v1_frozen(&v1, err) : 0;
	if (state < 0 || (state > 0 && cgroup_v1_freeze(&v1, false, 0, err) < 0))
		return -1;
	return have_v2 ? cgroup_v2_freeze(&v2, false, 0, err) : 0;
}

const char *cgroup_freezer_path(const struct cgroup *cgroup)
{
	cleanup_cgroup_dir struct cgroup_dir v2 = CGROUP_DIR_CLOSED, v1 = CGROUP_DIR_CLOSED;
	struct error ignored;

	if (cgroup->disabled)
		return NULL;
	if (open_v2(cgroup, &v2, &ignored) > 0)
		return v2.path;
	return open_v1(cgroup, &v1, &ignored) > 0 ? v1.path : NULL;
}

int cgroup_is_frozen(const struct cgroup *cgroup, struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir v2 = CGROUP_DIR_CLOSED, v1 = CGROUP_DIR_CLOSED;
	int have = open_v2(cgroup, &v2, err);

	if (have > 0)
		have = cgroup_v2_frozen(&v2, err);
	if (have != 0)
		return have;
	have = open_v1(cgroup, &v1, err);
	return have > 0 ? cgroup_v1_frozen(&v1, err) : have;
}
