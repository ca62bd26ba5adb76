/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/container/session_test.h"

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
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
