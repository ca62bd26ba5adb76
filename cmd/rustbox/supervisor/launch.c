/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a supervisor: this program again, which outlives its starter. */
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "cmd/rustbox/supervisor/supervisor.h"

int supervisor_launch(const struct store *store, const char *id, const char *checkpoint,
		      struct supervisor_start *ret, struct error *err)
{
	int ends[2];
	/* It is the child's from birth: there is no moment without an owner. */
	cleanup_fd int lock = store_lock_supervisor(store, id, err);

	if (lock < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "socketpair");
	cleanup_fd int ours = ends[0], theirs = ends[1];
	const int fds[] = { -1, -1, -1, theirs, lock };
	const char *args[] = { "rustbox",
			       "--root",
			       store->root,
			       "--log-level",
			       log_enabled(LOG_DEBUG) ? "debug" : "info",
			       "supervise",
			       id,
			       checkpoint,
			       NULL };
	const struct process_spawn child = {
		.path = "/proc/self/exe",
		.args = (char **)(uintptr_t)args,
		.fds = fds,
		.n_fds = sizeof(fds) / sizeof(*fds),
		.new_session = true, /* the terminal's signals are not for it */
		.holds_termination = true,
	};
	if (process_spawn(&child, err) < 0)
		return error_wrap(err, "start a supervisor");
	*ret = (struct supervisor_start){ .socket = move_fd(&ours) };
	return 0;
}

int supervisor_take(struct supervisor_start *start)
{
	return move_fd(&start->socket);
}

void supervisor_cancel(struct supervisor_start *start)
{
	fd_close(&start->socket);
}
