/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/status.h"

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

int status_open_init(const struct state *state, int procfs)
{
	uint64_t start, inode;
	char letter;

	if (state->pid <= 0)
		return -1;
	cleanup_fd int pidfd = process_pidfd_open(state->pid);
	if (pidfd < 0)
		return -1;
	inode = process_pidfd_inode(pidfd);
	if (state->pidfd_inode && inode && inode != state->pidfd_inode)
		return -1;
	if (!process_start_time(procfs, state->pid, &start, &letter) ||
	    start != state->start_time || letter == 'Z' || letter == 'X')
		return -1;
	return move_fd(&pidfd);
}

int status_derive(int folder, const struct state *state, const struct cgroup *cgroup, int procfs,
		  enum container_status *ret, int *ret_pidfd, struct error *err)
{
	cleanup_fd int pidfd = status_open_init(state, procfs);
	struct error connect_error;

	if (pidfd < 0) {
		/* Half-made and its maker alive, or half-made and left behind. */
		*ret = str_equal(state->phase, "creating") && registry_is_locked(folder)
			       ? CONTAINER_CREATING
			       : CONTAINER_STOPPED;
	} else {
		int frozen = cgroup ? cgroup_is_frozen(cgroup, err) : 0;

		if (frozen < 0)
			return -1;
		cleanup_fd int connection = frozen ? -1 : registry_connect(folder, &connect_error);
		*ret = frozen		 ? CONTAINER_PAUSED
		       : connection >= 0 ? CONTAINER_CREATED
					 : CONTAINER_RUNNING;
	}
	if (ret_pidfd)
		*ret_pidfd = move_fd(&pidfd);
	return 0;
}
