/* SPDX-License-Identifier: Apache-2.0 */
/* The first part of a conversation with CRIU: its process. */
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "runtime/criu_talk.h"

int criu_find(const char *given, const char **ret, struct error *err)
{
	static const char *const programs[] = { "/usr/local/sbin/criu", "/usr/local/bin/criu",
						"/usr/sbin/criu", "/usr/bin/criu" };

	if (given) {
		if (access(given, X_OK) < 0)
			return error_set(err, errno, "--criu %s", given);
		*ret = given;
		return 0;
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (access(programs[i], X_OK) == 0) {
			*ret = programs[i];
			return 0;
		}
	error_set(err, ENOENT,
		  "criu is in none of /usr/local/sbin, /usr/local/bin, /usr/sbin and /usr/bin");
	return error_hint(err, "install the package criu, or give --criu PATH; `criu check` tells "
			       "whether the kernel has what it needs");
}

/* In the child: descriptors 0, 1, … and the socket behind them; all others end with execve. */
static int arrange(const struct criu_call *call, int socket, int *report, struct error *err)
{
	int least = (int)call->n_fds + 1, moved[CRIU_FDS + 1];

	for (size_t i = 0; i <= call->n_fds; i++) {
		int fd = i < call->n_fds ? call->fds[i] : socket;
		cleanup_fd int null = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;

		moved[i] = fd_dup_above(fd < 0 ? null : fd, least, err);
		if (moved[i] < 0)
			return -1;
	}
	*report = fd_dup_above(*report, least, err);
	if (*report < 0)
		return -1;
	for (size_t i = 0; i <= call->n_fds; i++)
		if (dup2(moved[i], (int)i) < 0)
			return error_set(err, errno, "make descriptor %zu of criu", i);
	if (syscall(SYS_close_range, (unsigned int)least, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return error_set(err, errno, "close_range");
	return 0;
}

/*
 * The child makes the socket, so that it is the peer whose descriptors CRIU
 * takes the request's numbers for, and sends the other end.
 */
static int open_socket(int report, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "make a socket pair");
	cleanup_fd int ours = ends[0], theirs = ends[1];
	if (fd_send_packet(report, "", 1, &theirs, 1) < 0)
		return error_set(err, errno, "send a socket");
	return move_fd(&ours);
}

static _Noreturn void run_child(const struct criu_call *call, int report)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char name[] = "criu", mode[] = "swrk";
	char number[16];
	char *args[] = { name, mode, number, NULL }, *env[] = { path, NULL };
	struct error err;
	int socket = -1;

	process_reset_signals(UINT64_MAX, false);
	/* With its helpers, for criu_run(); of a restore they are in the container's cgroup. */
	if (call->request->action != CRIU_RESTORE)
		(void)setpgid(0, 0);
	(void)snprintf(number, sizeof(number), "%zu", call->n_fds);
	if ((!call->prepare || call->prepare(call->data, &err) == 0) &&
	    (socket = open_socket(report, &err)) >= 0 &&
	    arrange(call, socket, &report, &err) == 0) {
		(void)execve(call->program, args, env);
		(void)error_set(&err, errno, "execute %s", call->program);
	}
	(void)fd_send_packet(report, err.text, strlen(err.text), NULL, 0);
	_exit(127);
}

/* The socket, then the end of file that execve brings; or what has failed instead. */
static int receive_socket(int report, struct error *err)
{
	cleanup_fd int socket = -1;
	char text[ERROR_TEXT_SIZE];
	size_t n_fds = 1;
	ssize_t n = fd_receive_packet(report, text, sizeof(text) - 1, &socket, &n_fds);

	if (n > 0 && socket >= 0)
		n = fd_receive_packet(report, text, sizeof(text) - 1, NULL, NULL);
	if (n > 0)
		return error_set(err, 0, "%.*s", (int)n, text);
	if (n < 0 || socket < 0)
		return error_set(err, n < 0 ? errno : EPIPE, "start criu");
	return move_fd(&socket);
}

pid_t criu_start(const struct criu_call *call, struct criu_talk *ret, struct error *err)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "make a socket pair");
	cleanup_fd int told = ends[0], report = ends[1], pidfd = -1;
	pid = process_clone(0, -1, &pidfd);
	if (pid < 0)
		return error_set(err, errno, "clone3");
	if (pid == 0) {
		(void)close(told);
		run_child(call, report);
	}
	fd_close(&report);
	ret->socket = receive_socket(told, err);
	if (ret->socket < 0) {
		process_kill_and_reap(pid);
		return -1;
	}
	ret->pidfd = move_fd(&pidfd);
	return pid;
}
