/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of streams as the task service hands them over; no process has the other ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox/supervisor/streams.h"

static struct loop loop;
static struct streams streams;
static int process[3]; /* its ends */
static char got[2][256];
static size_t n_got[2];
static uint64_t total;
static int ended;

static void on_got(void *data, enum log_stream stream, const char *bytes, size_t size)
{
	size_t room = sizeof(got[0]) - 1 - n_got[stream];

	assert_ptr_equal(data, &streams);
	assert_in_range(size, 1, STREAMS_READ_SIZE);
	total += size;
	size = size < room ? size : room;
	memcpy(got[stream] + n_got[stream], bytes, size);
	n_got[stream] += size;
}

static void on_ended(void *data)
{
	ended++;
}

static void make(bool terminal)
{
	streams_init(&streams, &loop, terminal, true, true);
	streams.got = on_got;
	streams.ended = on_ended;
	streams.data = &streams;
}

static int set_up(void **state)
{
	struct error err;

	memset(got, 0, sizeof(got));
	memset(n_got, 0, sizeof(n_got));
	total = 0;
	ended = 0;
	process[0] = process[1] = process[2] = -1;
	assert_int_equal(loop_init(&loop, &err), 0);
	make(false);
	return 0;
}

static int tear_down(void **state)
{
	streams_close(&streams);
	for (int i = 0; i < 3; i++)
		fd_close(&process[i]);
	assert_null(loop.timers);
	loop_done(&loop);
	return 0;
}

static void attach_pipes(void)
{
	int in[2], out[2], err[2];

	assert_int_equal(pipe2(in, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC | O_NONBLOCK), 0);
	process[0] = in[0];
	process[1] = out[1];
	process[2] = err[1];
	streams.local.attached(streams.local.data, NULL, in[1], out[0], err[0]);
}

static void turn(int n)
{
	struct error err;

	while (n--)
		assert_int_equal(loop_run_once(&loop, 0, &err), 0);
}

static void say(int stream, const char *text)
{
	assert_int_equal(write(process[stream], text, strlen(text)), strlen(text));
}

static void both_outputs_are_read(void **state)
{
	attach_pipes();
	say(1, "out");
	say(2, "err");
	turn(3);
	assert_string_equal(got[LOG_STDOUT], "out");
	assert_string_equal(got[LOG_STDERR], "err");
	fd_close(&process[1]);
	turn(2);
	assert_int_equal(ended, 0);
	fd_close(&process[2]);
	turn(2);
	assert_int_equal(ended, 1);
}

static void a_pause_leaves_it_in_the_pipe(void **state)
{
	attach_pipes();
	streams_pause(&streams);
	say(1, "out");
	fd_close(&process[1]);
	fd_close(&process[2]);
	turn(3);
	assert_int_equal(n_got[LOG_STDOUT] + (size_t)ended, 0);
	streams_go_on(&streams);
	turn(3);
	assert_string_equal(got[LOG_STDOUT], "out");
	assert_int_equal(ended, 1);
}

/* The kernel has no room for a watch just now. */
static void what_cannot_be_watched_stays_in_the_pipe(void **state)
{
	int epoll = loop.epoll;
	struct error err;

	loop.epoll = -1;
	attach_pipes();
	loop.epoll = epoll;
	say(1, "out");
	say(2, "err");
	fd_close(&process[1]);
	fd_close(&process[2]);
	turn(3);
	assert_int_equal(n_got[LOG_STDOUT] + n_got[LOG_STDERR], 0);
	while (!ended)
		assert_int_equal(loop_run_once(&loop, -1, &err), 0);
	assert_string_equal(got[LOG_STDOUT], "out");
	assert_string_equal(got[LOG_STDERR], "err");
}

static void what_others_hold_open_ends_when_it_is_empty(void **state)
{
	attach_pipes();
	say(1, "last");
	streams_finish(&streams);
	turn(4);
	assert_string_equal(got[LOG_STDOUT], "last");
	assert_int_equal(ended, 1);
}

/* Always more than was read. */
static void who_writes_without_end_is_not_waited_for(void **state)
{
	static char block[65536];

	attach_pipes();
	streams_finish(&streams);
	for (int i = 0; !ended && i < 1000; i++) {
		(void)!write(process[1], block, sizeof(block));
		turn(1);
	}
	assert_int_equal(ended, 1);
	assert_in_range(total, 65536, 4 << 20);
}

static void finishing_waits_for_the_end_of_a_pause(void **state)
{
	attach_pipes();
	streams_pause(&streams);
	say(1, "kept");
	streams_finish(&streams);
	turn(3);
	assert_int_equal(ended, 0);
	streams_go_on(&streams);
	turn(3);
	assert_string_equal(got[LOG_STDOUT], "kept");
	assert_int_equal(ended, 1);
}

static void when_nobody_waits_any_more_it_is_the_end(void **state)
{
	attach_pipes();
	streams.local.closed(streams.local.data);
	assert_int_equal(ended, 1);
	assert_int_equal(write(process[1], "x", 1), -1); /* EPIPE: closed */
}

static void nothing_to_read_is_the_end_at_once(void **state)
{
	streams.local.attached(streams.local.data, NULL, -1, -1, -1);
	assert_int_equal(ended, 1);
}

static void a_terminal_has_its_size_and_ends_with_its_process(void **state)
{
	cleanup_fd int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	struct winsize size;

	make(true);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	process[1] = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	streams_resize(&streams, (struct stream_size){ 100, 40 }); /* before it is there */
	streams.local.attached(streams.local.data, NULL, fcntl(master, F_DUPFD_CLOEXEC, 0),
			       move_fd(&master), -1);
	assert_int_equal(ioctl(process[1], TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_col, 100);
	assert_int_equal(size.ws_row, 40);
	streams_resize(&streams, (struct stream_size){ 0, 0 }); /* not known: as it was */
	assert_int_equal(ioctl(process[1], TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_col, 100);
	say(1, "words");
	streams.local.process_ended(streams.local.data); /* somebody else holds it open */
	turn(4);
	assert_string_equal(got[LOG_STDOUT], "words");
	assert_int_equal(ended, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_outputs_are_read),
		TEST(a_pause_leaves_it_in_the_pipe),
		TEST(what_cannot_be_watched_stays_in_the_pipe),
		TEST(what_others_hold_open_ends_when_it_is_empty),
		TEST(who_writes_without_end_is_not_waited_for),
		TEST(finishing_waits_for_the_end_of_a_pause),
		TEST(when_nobody_waits_any_more_it_is_the_end),
		TEST(nothing_to_read_is_the_end_at_once),
		TEST(a_terminal_has_its_size_and_ends_with_its_process),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
