/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of sessions: the test is the supervisor, the session runs in a
 * child, on pipes or on a terminal.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "cmd/rustbox/container/session.h"
#include "cmd/rustbox/stream/stream.h"

enum { DETACHED = 200, FAILED = 201, PATIENCE_MS = 60000 };

struct peer {
	pid_t pid;
	int socket;
	int in, out, err; /* our ends of its standard streams */
	int slave;	  /* its terminal, or -1 */
};

struct start {
	struct session session;
	void (*before)(void); /* in the child */
};

/*
 * Who runs us in the background may have had SIGINT and SIGQUIT ignored, which
 * stays so in a child, and which a session respects.
 */
static inline void forget_inherited_signals(void)
{
	sigset_t none;

	for (int i = 1; i <= SIGRTMAX; i++)
		if (i != SIGPIPE)
			(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static inline _Noreturn void run_child(const struct start *start, int socket, const int *fds,
				       bool pty)
{
	struct session session = start->session;
	enum session_end end = SESSION_EXITED;
	struct error err;
	int code = 0;

	forget_inherited_signals();
	if (pty)
		(void)setsid();
	for (int i = 0; i < 3; i++)
		(void)dup2(fds[i], i);
	if (pty)
		(void)ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	session.socket = fcntl(socket, F_DUPFD, 3);
	(void)close_range((unsigned int)session.socket + 1, ~0U, 0);
	for (int i = 3; i < session.socket; i++)
		(void)close(i);
	if (start->before)
		start->before();
	if (session_run(&session, &end, &code, &err) < 0) {
		(void)!write(STDERR_FILENO, err.text, strlen(err.text));
		_exit(err.code >= 125 && err.code <= 127 ? err.code : FAILED);
	}
	_exit(end == SESSION_DETACHED ? DETACHED : code);
}

static inline struct peer begin(const struct start *start)
{
	int sockets[2], in[2], out[2], error[2];
	struct peer peer = { .slave = -1 };

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(error, O_CLOEXEC), 0);
	peer.pid = fork();
	if (peer.pid == 0)
		run_child(start, sockets[1], (int[]){ in[0], out[1], error[1] }, false);
	(void)close(sockets[1]);
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(error[1]);
	peer.socket = sockets[0];
	peer.in = in[1];
	peer.out = out[0];
	peer.err = error[0];
	return peer;
}

static inline struct peer begin_on_terminal(const struct start *start)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int sockets[2], master;
	struct peer peer;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(openpty(&master, &peer.slave, NULL, NULL, &size), 0);
	peer.pid = fork();
	if (peer.pid == 0)
		run_child(start, sockets[1], (int[]){ peer.slave, peer.slave, peer.slave }, true);
	(void)close(sockets[1]);
	peer.socket = sockets[0];
	peer.in = peer.out = master;
	peer.err = -1;
	return peer;
}

static inline bool is_raw(const struct peer *peer)
{
	struct termios settings;

	assert_int_equal(tcgetattr(peer->slave, &settings), 0);
	return !(settings.c_lflag & (ICANON | ECHO | ISIG));
}

static inline void read_back(int fd, const char *text)
{
	char got[64];
	size_t n = 0, size = strlen(text);

	while (n < size) {
		struct pollfd readable = { .fd = fd, .events = POLLIN };
		assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
		ssize_t more = read(fd, got + n, size - n);
		assert_true(more > 0);
		n += (size_t)more;
	}
	assert_memory_equal(got, text, size);
}

/* A terminal is raw before its session answers. */
static inline void wait_until_it_runs(const struct peer *peer)
{
	assert_int_equal(stream_send(peer->socket, STREAM_OUT, "ready", 5), 0);
	read_back(peer->out, "ready");
}

static inline void expect(const struct peer *peer, int type, const void *payload, size_t size)
{
	struct pollfd readable = { .fd = peer->socket, .events = POLLIN };
	char got[STREAM_PACKET_MAX];
	size_t got_size;

	assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
	assert_int_equal(stream_receive(peer->socket, got, &got_size), type);
	assert_int_equal(got_size, size);
	if (size)
		assert_memory_equal(got, payload, size);
}

static inline void expect_signal(const struct peer *peer, int signal)
{
	const struct stream_kill kill = { .signal = signal };

	expect(peer, STREAM_SIGNAL, &kill, sizeof(kill));
}

static inline void send_exit(const struct peer *peer, int code, bool will_restart)
{
	const struct stream_exited exited = { .exit_code = code, .will_restart = will_restart };

	assert_int_equal(stream_send(peer->socket, STREAM_EXITED, &exited, sizeof(exited)), 0);
}

static inline void send_started(const struct peer *peer)
{
	const uint32_t pid = 1;

	assert_int_equal(stream_send(peer->socket, STREAM_STARTED, &pid, sizeof(pid)), 0);
}

/* How it ended, as a shell's $?. One that does not end is killed: 137. */
static inline int wait_for_end(const struct peer *peer)
{
	struct pollfd ended = { .fd = process_pidfd_open(peer->pid), .events = POLLIN };
	int status;

	/* Where there are no such descriptors (valgrind) it is waited for without end. */
	if (ended.fd >= 0 && poll(&ended, 1, PATIENCE_MS) != 1)
		(void)kill(peer->pid, SIGKILL);
	fd_close(&ended.fd);
	assert_int_equal(process_wait(peer->pid, &status), 0);
	return process_exit_code(status);
}

/* The same; and everything is closed. */
static inline int end(struct peer *peer)
{
	int code = wait_for_end(peer);

	fd_close(&peer->socket);
	fd_close(&peer->in);
	if (peer->err >= 0)
		fd_close(&peer->out);
	fd_close(&peer->err);
	fd_close(&peer->slave);
	return code;
}

__attribute__((unused)) static const struct start plain = {
	.session = { .is_started = true, .sig_proxy = true },
};
__attribute__((unused)) static const struct start with_input = {
	.session = { .is_started = true, .sig_proxy = true, .wants_input = true },
};
__attribute__((unused)) static const struct start terminal = {
	.session = { .is_started = true, .sig_proxy = true, .wants_input = true, .tty = true },
};
