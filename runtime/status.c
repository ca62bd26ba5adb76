/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/status.h"

#include <errno.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/registry.h"

const char *container_status_name(enum container_status status)
{
	static const char *const names[] = {
		[CONTAINER_CREATING] = "creating", [CONTAINER_CREATED] = "created",
		[CONTAINER_RUNNING] = "running",   [CONTAINER_PAUSED] = "paused",
		[CONTAINER_STOPPED] = "stopped",
	};

	return names[status];
}

int status_open_init(const struct state *state, int procfs, int *ret_pidfd, struct error *err)
{
	uint64_t start, inode;
	char letter;

	*ret_pidfd = -1;
	if (state->pid <= 0)
		return 0;
	cleanup_fd int pidfd = process_pidfd_open(state->pid);
	if (pidfd < 0) /* EINVAL: a thread has the number now */
		return errno == ESRCH || errno == EINVAL
			       ? 0
			       : error_set(err, errno, "open a pidfd of process %d", state->pid);
	inode = process_pidfd_inode(pidfd);
	if (state->pidfd_inode && inode && inode != state->pidfd_inode)
		return 0;
	if (!process_start_time(procfs, state->pid, &start, &letter))
		return errno == ESRCH ? 0 : error_set(err, errno, "read /proc/%d/stat", state->pid);
	if (start == state->start_time && letter != 'Z' && letter != 'X')
		*ret_pidfd = move_fd(&pidfd);
	return 0;
}

/* Who has not been started takes connections. */
static int is_created(int folder, struct error *err)
{
	cleanup_fd int connection = registry_connect(folder, err);

	if (connection >= 0)
		return 1;
	return err->code == ECONNREFUSED || err->code == ENOENT ? 0 : -1;
}

int status_derive(int folder, const struct state *state, const struct cgroup *cgroup, int procfs,
		  enum container_status *ret, int *ret_pidfd, struct error *err)
{
	cleanup_fd int pidfd = -1;

	if (status_open_init(state, procfs, &pidfd, err) < 0)
		return -1;
	if (pidfd < 0) {
		/* Half-made and its maker alive, or half-made and left behind. */
		*ret = str_equal(state->phase, "creating") && registry_is_locked(folder)
			       ? CONTAINER_CREATING
			       : CONTAINER_STOPPED;
	} else {
		int frozen = cgroup ? cgroup_is_frozen(cgroup, err) : 0;

		int created = frozen ? 0 : is_created(folder, err);

		if (frozen < 0 || created < 0)
			return -1;
		*ret = frozen ? CONTAINER_PAUSED : created ? CONTAINER_CREATED : CONTAINER_RUNNING;
	}
	if (ret_pidfd)
		*ret_pidfd = move_fd(&pidfd);
	return 0;
}
