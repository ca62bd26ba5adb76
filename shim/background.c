/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/background.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"

struct background {
	struct reaper_child child;
	int report; /* the read end: the error's text */
	void (*done)(void *data, const char *failure);
	void *data;
};

static int close_others(const int *keep, size_t n_keep, int report, struct error *err)
{
	cleanup_free int *list = calloc(n_keep + 1, sizeof(*list));

	if (!list)
		return error_memory(err);
	if (n_keep)
		memcpy(list, keep, n_keep * sizeof(*list));
	list[n_keep] = report;
	return fd_close_others(STDERR_FILENO + 1, list, n_keep + 1, err);
}

/* In the child, which ends without what the parent has registered with atexit(3). */
static _Noreturn void run_child(int (*work)(void *work_data, struct error *err), void *work_data,
				const int *keep, size_t n_keep, int report)
{
	struct error err;

	process_reset_signals(UINT64_MAX, false);
	/* A log without a reader is no reason to stop half-way. */
	(void)signal(SIGPIPE, SIG_IGN);
	int result = close_others(keep, n_keep, report, &err);
	if (result == 0)
		result = work(work_data, &err);
	if (result < 0)
		(void)!write(report, err.text, strlen(err.text)); /* it fits into a pipe */
	_exit(result < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void ended(struct reaper_child *child, int status, const struct timespec *when)
{
	struct background *b = loop_owner(child, struct background, child);
	struct error err;

	(void)when;
	ssize_t n = read(b->report, err.text, sizeof(err.text) - 1);
	err.text[n > 0 ? n : 0] = '\0';
	if (WIFSIGNALED(status))
		error_set(&err, 0, "work in the background: killed by signal %d (%s)",
			  WTERMSIG(status), sigdescr_np(WTERMSIG(status)));
	else if (status != 0 && n <= 0)
		error_set(&err, 0, "work in the background: exited with status %d",
			  WEXITSTATUS(status));
	b->done(b->data, status != 0 ? err.text : NULL);
	fd_close(&b->report);
	free(b);
}

int background_run(struct reaper *reaper, int (*work)(void *work_data, struct error *err),
		   void *work_data, const int *keep, size_t n_keep,
		   void (*done)(void *data, const char *failure), void *data, struct error *err)
{
	cleanup_free struct background *b = calloc(1, sizeof(*b));
	int ends[2];

	if (!b)
		return error_memory(err);
	/* Not blocking: something that the work has started may hold the other end for ever. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set(err, errno, "pipe");
	cleanup_fd int ours = ends[0], theirs = ends[1];
	pid_t pid = fork();
	if (pid < 0)
		return error_set(err, errno, "fork");
	if (pid == 0)
		run_child(work, work_data, keep, n_keep, theirs);
	*b = (struct background){
		.child.ended = ended, .report = move_fd(&ours), .done = done, .data = data
	};
	reaper_watch(reaper, &b->child, pid);
	(void)move_ptr(&b);
	return 0;
}
