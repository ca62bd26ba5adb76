/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"

/* A program that runs: our ends of its pipes, -1 when they are done with. */
struct relay {
	const struct process_run *run;
	int in, out;
	size_t fed;  /* bytes of the input */
	size_t kept; /* bytes of the output's tail */
};

/* ---- its pipes ---------------------------------------------------------------------------- */

static void keep_tail(struct relay *r, const char *data, size_t n)
{
	char *tail = r->run->output;
	size_t room = r->run->output_size ? r->run->output_size - 1 : 0;

	if (!room)
		return;
	if (n > room) {
		data += n - room;
		n = room;
	}
	if (r->kept + n > room) {
		size_t drop = r->kept + n - room;
		memmove(tail, tail + drop, r->kept - drop);
		r->kept -= drop;
	}
	memcpy(tail + r->kept, data, n);
	r->kept += n;
	tail[r->kept] = '\0';
}

static void feed(struct relay *r)
{
	size_t left = r->run->input_size - r->fed;
	ssize_t n = left ? write(r->in, r->run->input + r->fed, left) : 0;

	if (n > 0)
		r->fed += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || r->fed == r->run->input_size)
		fd_close(&r->in);
}

/*
 * Reads what is there: as much as a pipe holds and no more, so that who writes
 * as fast as we read does not keep us from the deadline, or at the end.
 */
static void drain(struct relay *r)
{
	enum { PIPE_SIZE = 65536 };
	char buffer[4096];
	size_t got = 0;
	ssize_t n = 1;

	while (r->out >= 0 && got < PIPE_SIZE && (n = read(r->out, buffer, sizeof(buffer))) > 0) {
		keep_tail(r, buffer, (size_t)n);
		got += (size_t)n;
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		fd_close(&r->out);
}

/* ---- the program -------------------------------------------------------------------------- */

/* Its pid; -1 with err. */
static pid_t start(struct relay *r, struct error *err)
{
	static char *const empty[] = { NULL };
	const struct process_run *run = r->run;
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	r->in = in[1];
	cleanup_fd int in_theirs = in[0];
	if (pipe2(out, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	r->out = out[0];
	cleanup_fd int out_theirs = out[1];
	(void)fcntl(r->in, F_SETFL, O_NONBLOCK);
	(void)fcntl(r->out, F_SETFL, O_NONBLOCK);
	return process_spawn(
		&(struct process_spawn){
			.path = run->path,
			.args = run->args,
			.env = run->env ? run->env : empty,
			.fds = (const int[]){ in_theirs,
					      run->to_stdout ? *run->to_stdout : out_theirs,
					      run->to_stderr ? *run->to_stderr : out_theirs },
			.n_fds = 3,
		},
		err);
}

/*
 * Feeds the input and drains the output until the process has ended. A
 * grandchild that keeps the pipe open is not waited for. -1 with errno.
 */
static int relay(struct relay *r, int pidfd)
{
	int64_t deadline =
		r->run->timeout_ms >= 0 ? clock_now_ms() + r->run->timeout_ms : INT64_MAX;

	feed(r);
	for (bool ended = false; !ended;) {
		struct pollfd p[3] = { { .fd = pidfd, .events = POLLIN },
				       { .fd = r->out, .events = POLLIN },
				       { .fd = r->in, .events = POLLOUT } };
		int64_t left = deadline - clock_now_ms();
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(p, 3, left > INT_MAX ? -1 : (int)left) < 0 && errno != EINTR)
			return -1;
		if (p[2].revents)
			feed(r);
		ended = p[0].revents;
		if (p[1].revents || ended)
			drain(r);
	}
	return 0;
}

static int run_to_end(struct relay *r, int *ret_status, struct error *err)
{
	pid_t pid = start(r, err);

	if (pid < 0)
		return -1;
	cleanup_fd int pidfd = process_pidfd_open(pid);
	if (pidfd < 0 || relay(r, pidfd) < 0) {
		(void)error_set(err, errno, "run %s", r->run->path);
		process_kill_and_reap(pid);
		return -1;
	}
	return process_wait(pid, ret_status) < 0
		       ? error_set(err, errno, "wait for %s", r->run->path)
		       : 0;
}

int process_run(const struct process_run *run, int *ret_status, struct error *err)
{
	struct relay r = { .run = run, .in = -1, .out = -1 };

	if (run->output_size)
		run->output[0] = '\0';
	int rc = run_to_end(&r, ret_status, err);
	fd_close(&r.in);
	fd_close(&r.out);
	return rc;
}
