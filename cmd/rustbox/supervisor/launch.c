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
		.new_group = true, /* the terminal's signals are not for it */
		.holds_termination = true,
	};
	pid_t pid = process_spawn(&child, err);
	if (pid < 0)
		return error_wrap(err, "start a supervisor");
	*ret = (struct supervisor_start){ .socket = move_fd(&ours), .pid = pid };
	return 0;
}

int supervisor_await(struct supervisor_start *start, int *ret_socket, struct error *err)
{
	pid_t pid = start->pid;

	start->pid = 0;
	if (wait_for(pid, err) < 0) {
		fd_close(&start->socket);
		return error_wrap(err, "start a supervisor");
	}
	*ret_socket = move_fd(&start->socket);
	return 0;
}

void supervisor_cancel(struct supervisor_start *start)
{
	int status;

	fd_close(&start->socket);
	if (start->pid > 0)
		(void)process_wait(start->pid, &status);
	start->pid = 0;
}
