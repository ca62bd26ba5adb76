/* SPDX-License-Identifier: Apache-2.0 */
/* The test is the supervisor; the session runs in a child, on pipes or a terminal. */
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

enum { DETACHED = 200, FAILED = 201, PATIENCE_MS = 20000 };

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

static _Noreturn void run_child(const struct start *start, int socket, const int *fds, bool pty)
{
	struct session session = start->session;
	enum session_end end = SESSION_EXITED;
	struct error err;
	int code = 0;

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

static struct peer begin(const struct start *start)
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

static struct peer begin_on_terminal(const struct start *start)
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

static bool is_raw(const struct peer *peer)
{
	struct termios settings;

	assert_int_equal(tcgetattr(peer->slave, &settings), 0);
	return !(settings.c_lflag & (ICANON | ECHO | ISIG));
}

static void read_back(int fd, const char *text)
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
static void wait_until_it_runs(const struct peer *peer)
{
	assert_int_equal(stream_send(peer->socket, STREAM_OUT, "ready", 5), 0);
	read_back(peer->out, "ready");
}

static void expect(const struct peer *peer, int type, const void *payload, size_t size)
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

static void expect_signal(const struct peer *peer, int signal)
{
	const struct stream_kill kill = { .signal = signal };

	expect(peer, STREAM_SIGNAL, &kill, sizeof(kill));
}

static void send_exit(const struct peer *peer, int code, bool will_restart)
{
	const struct stream_exited exited = { .exit_code = code, .will_restart = will_restart };

	assert_int_equal(stream_send(peer->socket, STREAM_EXITED, &exited, sizeof(exited)), 0);
}

static void send_started(const struct peer *peer)
{
	const uint32_t pid = 1;

	assert_int_equal(stream_send(peer->socket, STREAM_STARTED, &pid, sizeof(pid)), 0);
}

/* How it ended, as a shell's $?; and everything is closed. */
static int end(struct peer *peer)
{
	int status;

	assert_int_equal(process_wait(peer->pid, &status), 0);
	fd_close(&peer->socket);
	fd_close(&peer->in);
	if (peer->err >= 0)
		fd_close(&peer->out);
	fd_close(&peer->err);
	fd_close(&peer->slave);
	return process_exit_code(status);
}

static const struct start plain = {
	.session = { .is_started = true, .sig_proxy = true },
};
static const struct start with_input = {
	.session = { .is_started = true, .sig_proxy = true, .wants_input = true },
};
static const struct start terminal = {
	.session = { .is_started = true, .sig_proxy = true, .wants_input = true, .tty = true },
};

/* ---- output and the end ---- */

static void output_and_exit_code_come_through(void **state)
{
	struct peer peer = begin(&plain);

	assert_int_equal(stream_send(peer.socket, STREAM_OUT, "one\n", 4), 0);
	assert_int_equal(stream_send(peer.socket, STREAM_ERR, "two\n", 4), 0);
	send_exit(&peer, 7, false);
	read_back(peer.out, "one\n");
	read_back(peer.err, "two\n");
	assert_int_equal(end(&peer), 7);
}

static void nothing_is_lost_to_a_slow_reader(void **state)
{
	enum { PACKETS = 64 };
	struct peer peer = begin(&plain);
	char packet[STREAM_BYTES_MAX], got[4096];
	size_t sent = 0, total = 0;

	assert_int_equal(fcntl(peer.socket, F_SETFL, O_NONBLOCK), 0);
	while (total < (size_t)PACKETS * sizeof(packet)) {
		memset(packet, (int)('A' + sent % 26), sizeof(packet));
		while (sent < PACKETS &&
		       stream_send(peer.socket, STREAM_OUT, packet, sizeof(packet)) == 0) {
			sent++;
			memset(packet, (int)('A' + sent % 26), sizeof(packet));
		}
		ssize_t n = read(peer.out, got, sizeof(got));
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++, total++)
			assert_int_equal(got[i], 'A' + total / sizeof(packet) % 26);
	}
	send_exit(&peer, 0, false);
	assert_int_equal(end(&peer), 0);
}

static void signals_pass_while_nobody_reads(void **state)
{
	struct peer peer = begin(&plain);
	char packet[STREAM_BYTES_MAX] = "";
	int sent = 0;

	wait_until_it_runs(&peer);
	assert_int_equal(fcntl(peer.socket, F_SETFL, O_NONBLOCK), 0);
	/* The pipe becomes full, and then the socket. */
	while (stream_send(peer.socket, STREAM_OUT, packet, sizeof(packet)) == 0)
		assert_in_range(++sent, 1, 64);
	assert_int_equal(kill(peer.pid, SIGUSR1), 0);
	expect_signal(&peer, SIGUSR1);
	assert_int_equal(kill(peer.pid, SIGKILL), 0);
	assert_int_equal(end(&peer), 128 + SIGKILL);
}

static void an_output_without_readers_ends_us(void **state)
{
	struct peer peer = begin(&plain);

	(void)close(peer.out);
	peer.out = -1;
	assert_int_equal(stream_send(peer.socket, STREAM_OUT, "x", 1), 0);
	assert_int_equal(end(&peer), 128 + SIGPIPE);
}

static void a_supervisor_that_dies_is_told(void **state)
{
	struct peer peer = begin(&plain);

	fd_close(&peer.socket);
	read_back(peer.err, "the container's supervisor has ended");
	assert_int_equal(end(&peer), 125);
}

static void a_failure_has_its_text_and_code(void **state)
{
	struct start start = plain;

	start.session.is_started = false;
	struct peer peer = begin(&start);
	assert_int_equal(stream_send_failed(peer.socket, 127, "no such program"), 0);
	read_back(peer.err, "no such program");
	assert_int_equal(end(&peer), 127);
}

static void a_restart_is_not_the_end(void **state)
{
	struct peer peer = begin(&plain);

	send_exit(&peer, 1, true);
	send_started(&peer);
	assert_int_equal(stream_send(peer.socket, STREAM_OUT, "again", 5), 0);
	send_exit(&peer, 3, false);
	read_back(peer.out, "again");
	assert_int_equal(end(&peer), 3);
}

static void what_is_not_known_is_passed_over(void **state)
{
	const uint64_t gap = 17;
	struct peer peer = begin(&plain);

	assert_int_equal(stream_send(peer.socket, STREAM_DONE, NULL, 0), 0);
	assert_int_equal(stream_send(peer.socket, STREAM_GAP, &gap, sizeof(gap)), 0);
	send_exit(&peer, 0, false);
	assert_int_equal(end(&peer), 0);
}

/* ---- input ---- */

static void one_packet_of_input_is_on_its_way(void **state)
{
	struct peer peer = begin(&with_input);
	struct pollfd readable = { .fd = peer.socket, .events = POLLIN };

	assert_int_equal(write(peer.in, "hello", 5), 5);
	expect(&peer, STREAM_INPUT, "hello", 5);
	assert_int_equal(write(peer.in, "more", 4), 4);
	fd_close(&peer.in);
	wait_until_it_runs(&peer);
	assert_int_equal(poll(&readable, 1, 0), 0);
	assert_int_equal(stream_send(peer.socket, STREAM_INPUT_TAKEN, NULL, 0), 0);
	expect(&peer, STREAM_INPUT, "more", 4);
	assert_int_equal(stream_send(peer.socket, STREAM_INPUT_TAKEN, NULL, 0), 0);
	expect(&peer, STREAM_INPUT_END, NULL, 0);
	send_exit(&peer, 0, false);
	assert_int_equal(end(&peer), 0);
}

static void input_waits_for_the_start(void **state)
{
	struct start start = with_input;
	struct pollfd readable;

	start.session.is_started = false;
	struct peer peer = begin(&start);
	readable = (struct pollfd){ .fd = peer.socket, .events = POLLIN };
	assert_int_equal(write(peer.in, "early", 5), 5);
	wait_until_it_runs(&peer);
	assert_int_equal(poll(&readable, 1, 0), 0);
	send_started(&peer);
	expect(&peer, STREAM_INPUT, "early", 5);
	send_exit(&peer, 0, false);
	assert_int_equal(end(&peer), 0);
}

static void keys_in_a_pipe_are_data(void **state)
{
	struct start start = with_input;

	start.session.tty = true;
	struct peer peer = begin(&start);
	assert_int_equal(write(peer.in, "\x10\x11", 2), 2);
	expect(&peer, STREAM_INPUT, "\x10\x11", 2);
	send_exit(&peer, 0, false);
	assert_int_equal(end(&peer), 0);
}

/* ---- signals ---- */

static void signals_are_forwarded(void **state)
{
	static const int forwarded[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
					 SIGUSR2, SIGALRM, SIGTSTP, SIGABRT, SIGXFSZ };
	struct peer peer = begin(&plain);

	wait_until_it_runs(&peer);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
		assert_int_equal(kill(peer.pid, forwarded[i]), 0);
		expect_signal(&peer, forwarded[i]);
	}
	assert_int_equal(kill(peer.pid, SIGRTMIN + 3), 0);
	expect_signal(&peer, SIGRTMIN + 3);
	/* These are not. */
	assert_int_equal(kill(peer.pid, SIGWINCH), 0);
	assert_int_equal(kill(peer.pid, SIGCHLD), 0);
	assert_int_equal(kill(peer.pid, SIGTERM), 0);
	expect_signal(&peer, SIGTERM);
	send_exit(&peer, 143, false);
	assert_int_equal(end(&peer), 143);
}

static void without_sig_proxy_signals_end_us(void **state)
{
	struct start start = plain;

	start.session.sig_proxy = false;
	struct peer peer = begin(&start);
	wait_until_it_runs(&peer);
	assert_int_equal(kill(peer.pid, SIGTERM), 0);
	assert_int_equal(end(&peer), 128 + SIGTERM);
}

static void before_the_start_signals_end_us(void **state)
{
	struct start start = plain;

	start.session.is_started = false;
	struct peer peer = begin(&start);
	wait_until_it_runs(&peer);
	assert_int_equal(kill(peer.pid, SIGTERM), 0);
	assert_int_equal(end(&peer), 128 + SIGTERM);
}

static void hold_and_raise(void)
{
	session_hold_signals();
	(void)raise(SIGTERM);
}

static void signals_held_are_forwarded_later(void **state)
{
	struct start start = plain;

	start.before = hold_and_raise;
	struct peer peer = begin(&start);
	expect_signal(&peer, SIGTERM);
	send_exit(&peer, 0, false);
	assert_int_equal(end(&peer), 0);
}

static void ignore_hangup(void)
{
	(void)signal(SIGHUP, SIG_IGN);
}

static void ignored_signals_stay_ignored(void **state)
{
	struct start start = plain;

	start.before = ignore_hangup;
	struct peer peer = begin(&start);
	wait_until_it_runs(&peer);
	assert_int_equal(kill(peer.pid, SIGHUP), 0);
	assert_int_equal(kill(peer.pid, SIGUSR1), 0);
	expect_signal(&peer, SIGUSR1);
	send_exit(&peer, 0, false);
	assert_int_equal(end(&peer), 0);
}

/* ---- the terminal ---- */

static void a_terminal_is_raw_and_put_back(void **state)
{
	struct peer peer = begin_on_terminal(&terminal);

	wait_until_it_runs(&peer);
	assert_true(is_raw(&peer));
	assert_int_equal(write(peer.in, "\x03", 1), 1);
	expect(&peer, STREAM_INPUT, "\x03", 1);
	send_exit(&peer, 5, false);
	assert_int_equal(process_wait(peer.pid, &(int){ 0 }), 0);
	assert_false(is_raw(&peer));
	(void)close(peer.in);
	(void)close(peer.slave);
	(void)close(peer.socket);
}

static void assert_put_back(struct peer *peer, int code)
{
	int status;

	assert_int_equal(process_wait(peer->pid, &status), 0);
	assert_int_equal(process_exit_code(status), code);
	assert_false(is_raw(peer));
	fd_close(&peer->in);
	fd_close(&peer->slave);
	fd_close(&peer->socket);
}

static void a_signal_puts_the_terminal_back(void **state)
{
	static const int deadly[] = { SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGSEGV };

	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		struct peer peer = begin_on_terminal(&terminal);
		wait_until_it_runs(&peer);
		assert_true(is_raw(&peer));
		assert_int_equal(kill(peer.pid, deadly[i]), 0);
		assert_put_back(&peer, 128 + deadly[i]);
	}
}

static void a_dying_supervisor_puts_the_terminal_back(void **state)
{
	struct peer peer = begin_on_terminal(&terminal);

	wait_until_it_runs(&peer);
	fd_close(&peer.socket);
	assert_put_back(&peer, 125);
}

static void the_keys_detach(void **state)
{
	struct peer peer = begin_on_terminal(&terminal);

	wait_until_it_runs(&peer);
	assert_int_equal(write(peer.in, "a\x10", 2), 2);
	expect(&peer, STREAM_INPUT, "a", 1);
	/* Also when what was typed before is not taken. */
	assert_int_equal(write(peer.in, "\x11", 1), 1);
	assert_put_back(&peer, DETACHED);
}

static void other_keys_detach_and_none(void **state)
{
	struct start start = terminal;

	start.session.detach_keys = "x,ctrl-a";
	struct peer peer = begin_on_terminal(&start);
	wait_until_it_runs(&peer);
	assert_int_equal(write(peer.in, "\x10\x11x\x01", 4), 4);
	assert_put_back(&peer, DETACHED);

	start.session.detach_keys = "";
	peer = begin_on_terminal(&start);
	wait_until_it_runs(&peer);
	assert_int_equal(write(peer.in, "\x10\x11", 2), 2);
	expect(&peer, STREAM_INPUT, "\x10\x11", 2);
	send_exit(&peer, 0, false);
	assert_put_back(&peer, 0);
}

static void the_window_size_follows(void **state)
{
	const struct winsize changed = { .ws_row = 50, .ws_col = 132 };
	const struct stream_size before = { .columns = 80, .rows = 24 },
				 after = { .columns = 132, .rows = 50 };
	struct peer peer = begin_on_terminal(&terminal);

	wait_until_it_runs(&peer);
	send_started(&peer);
	expect(&peer, STREAM_RESIZE, &before, sizeof(before));
	assert_int_equal(ioctl(peer.in, TIOCSWINSZ, &changed), 0);
	expect(&peer, STREAM_RESIZE, &after, sizeof(after));
	send_exit(&peer, 0, false);
	assert_put_back(&peer, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_exit_code_come_through),
		cmocka_unit_test(nothing_is_lost_to_a_slow_reader),
		cmocka_unit_test(signals_pass_while_nobody_reads),
		cmocka_unit_test(an_output_without_readers_ends_us),
		cmocka_unit_test(a_supervisor_that_dies_is_told),
		cmocka_unit_test(a_failure_has_its_text_and_code),
		cmocka_unit_test(a_restart_is_not_the_end),
		cmocka_unit_test(what_is_not_known_is_passed_over),
		cmocka_unit_test(one_packet_of_input_is_on_its_way),
		cmocka_unit_test(input_waits_for_the_start),
		cmocka_unit_test(keys_in_a_pipe_are_data),
		cmocka_unit_test(signals_are_forwarded),
		cmocka_unit_test(without_sig_proxy_signals_end_us),
		cmocka_unit_test(before_the_start_signals_end_us),
		cmocka_unit_test(signals_held_are_forwarded_later),
		cmocka_unit_test(ignored_signals_stay_ignored),
		cmocka_unit_test(a_terminal_is_raw_and_put_back),
		cmocka_unit_test(a_signal_puts_the_terminal_back),
		cmocka_unit_test(a_dying_supervisor_puts_the_terminal_back),
		cmocka_unit_test(the_keys_detach),
		cmocka_unit_test(other_keys_detach_and_none),
		cmocka_unit_test(the_window_size_follows),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
