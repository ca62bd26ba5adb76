/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it waits for what only a pidfd tells, which valgrind does not know
#include "cmd/rustbox/container/session_test.h"

static void a_terminal_is_raw_and_put_back(void **state)
{
	struct peer peer = begin_on_terminal(&terminal);

	wait_until_it_runs(&peer);
	assert_true(is_raw(&peer));
	assert_int_equal(write(peer.in, "\x03", 1), 1);
	expect(&peer, STREAM_INPUT, "\x03", 1);
	send_exit(&peer, 5, false);
	assert_int_equal(wait_for_end(&peer), 5);
	assert_false(is_raw(&peer));
	(void)close(peer.in);
	(void)close(peer.slave);
	(void)close(peer.socket);
}

static void assert_put_back(struct peer *peer, int code)
{
	assert_int_equal(wait_for_end(peer), code);
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

static void after_what_we_say_a_line_begins(void **state)
{
	const uint64_t gap = 17;
	struct peer peer = begin_on_terminal(&terminal);
	char got[256] = "";
	size_t n = 0;

	wait_until_it_runs(&peer);
	assert_int_equal(stream_send(peer.socket, STREAM_GAP, &gap, sizeof(gap)), 0);
	while (!strchr(got, '\r')) {
		struct pollfd readable = { .fd = peer.out, .events = POLLIN };
		assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
		ssize_t more = read(peer.out, got + n, sizeof(got) - 1 - n);
		assert_true(more > 0);
		n += (size_t)more;
	}
	assert_non_null(strstr(got, "17 bytes"));
	assert_non_null(strstr(got, "read\n\r"));
	send_exit(&peer, 0, false);
	assert_put_back(&peer, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_is_raw_and_put_back),
		cmocka_unit_test(a_signal_puts_the_terminal_back),
		cmocka_unit_test(a_dying_supervisor_puts_the_terminal_back),
		cmocka_unit_test(the_keys_detach),
		cmocka_unit_test(other_keys_detach_and_none),
		cmocka_unit_test(the_window_size_follows),
		cmocka_unit_test(after_what_we_say_a_line_begins),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
