/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a supervisor: this program again, which outlives its starter. */
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "cmd/rustbox/supervisor/supervisor.h"

/* What we execute ends as soon as its child is on its own: nobody has to reap that one. */
static int wait_for(pid_t pid, struct error *err)
{
	int status;

	if (process_wait(pid, &status) < 0)
		return error_set(err, errno, "wait for the supervisor's start");
	if (status != 0)
		return error_set(err, 0, "the supervisor could not be started (status %d)",
				 process_exit_code(status));
	return 0;
}

int supervisor_launch(const struct store *store, const struct record *record,
		      const char *checkpoint, int *ret_socket, struct error *err)
{
	int ends[2];
	/* It is the child's from birth: there is no moment without an owner. */
	cleanup_fd int lock = store_lock_supervisor(store, record->id, err);

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
			       record->id,
			       checkpoint,
			       NULL };
	const struct process_spawn child = {
		.path = "/proc/self/exe",
		.args = (char **)(uintptr_t)args,
		.fds = fds,
		.n_fds = sizeof(fds) / sizeof(*fds),
		.new_group = true, /* the terminal's signals are not for it */
		.holds_termination = true,
	};
	pid_t pid = process_spawn(&child, err);
	if (pid < 0 || wait_for(pid, err) < 0)
		return error_wrap(err, "start a supervisor");
	*ret_socket = move_fd(&ours);
	return 0;
}
