/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio_test.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>

#include "shim/relay.h"

static struct relay *relay;
static int n_ended;

/* The test's ends: what it writes comes out of `out`. Closed after each test. */
static int in = -1, out = -1, spare = -1;

static void ended(void *data)
{
	assert_ptr_equal(data, &relay);
	n_ended++;
	relay_free(relay);
	relay = NULL;
}

static int begin(void **state)
{
	n_ended = 0;
	return set_up(state);
}

static int done(void **state)
{
	relay_free(relay);
	relay = NULL;
	fd_close(&in);
	fd_close(&out);
	fd_close(&spare);
	return tear_down(state);
}

static void run_until_ended(void)
{
	run_until(&n_ended);
	assert_int_equal(n_ended, 1);
}

static bool is_idle(void)
{
	struct pollfd p = { .fd = test.loop.epoll, .events = POLLIN };

	return poll(&p, 1, 0) == 0 && !test.loop.timers;
}

static void start(int from, int to)
{
	struct error err;

	relay = relay_new(&test.loop, from, to, ended, &relay, &err);
	if (!relay)
		fail_msg("%s", err.text);
}

static void make_pipe(int *read_end, int *write_end)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*read_end = ends[0];
	*write_end = ends[1];
}

static void start_between_pipes(void)
{
	int from, to;

	make_pipe(&from, &in);
	make_pipe(&out, &to);
	start(from, to);
}

static void set_nonblocking(int fd)
{
	assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

static void put(const char *text)
{
	assert_int_equal(write(in, text, strlen(text)), strlen(text));
}

static void assert_comes_out(const char *text)
{
	char buffer[256] = "";

	assert_int_equal(read(out, buffer, sizeof(buffer) - 1), strlen(text));
	assert_string_equal(buffer, text);
}

/* A terminal's bytes come to its other side a little later. */
static void run_until_something_comes_out(void)
{
	struct pollfd p = { .fd = out, .events = POLLIN };

	for (int i = 0; poll(&p, 1, 0) == 0 && i < 100; i++)
		test_round(SAFETY_NET_MS);
	assert_true(p.revents & POLLIN);
}

static void assert_end_comes_out(void)
{
	char c;

	assert_int_equal(read(out, &c, 1), 0);
}

static void bytes_and_the_end_pass(void **state)
{
	(void)state;
	start_between_pipes();
	assert_true(is_idle());
	put("one ");
	run_until_idle();
	put("two");
	run_until_idle();
	assert_comes_out("one two");
	assert_int_equal(n_ended, 0);
	fd_close(&in);
	run_until_ended();
	assert_end_comes_out();
}

static void an_empty_source_just_ends(void **state)
{
	(void)state;
	start_between_pipes();
	fd_close(&in);
	run_until_ended();
	assert_end_comes_out();
}

/* A byte for each place of a stream, so that what is lost or doubled shows. */
static char byte_at(size_t place)
{
	return (char)(place * 31 + place / 251);
}

static size_t put_as_much_as_fits(size_t from, size_t limit)
{
	char buffer[1000];

	while (from < limit) {
		size_t n = sizeof(buffer) < limit - from ? sizeof(buffer) : limit - from;
		for (size_t i = 0; i < n; i++)
			buffer[i] = byte_at(from + i);
		ssize_t written = write(in, buffer, n);
		if (written <= 0)
			break;
		from += (size_t)written;
	}
	return from;
}

static size_t take_some(size_t from)
{
	char buffer[1777];
	ssize_t n = read(out, buffer, sizeof(buffer));

	for (ssize_t i = 0; i < n; i++)
		if (buffer[i] != byte_at(from + (size_t)i))
			fail_msg("another byte at %zu", from + (size_t)i);
	return n > 0 ? from + (size_t)n : from;
}

static void everything_passes_a_slow_reader(size_t size)
{
	size_t put_in = 0, taken = 0;

	set_nonblocking(in);
	set_nonblocking(out);
	/* Nobody reads: the writer is held up, and we sleep. */
	for (size_t before = 1; before != put_in;) {
		before = put_in;
		put_in = put_as_much_as_fits(put_in, size);
		run_until_idle();
	}
	assert_true(put_in < size);
	while (taken < size) {
		size_t before = taken + put_in;
		put_in = put_as_much_as_fits(put_in, size);
		if (put_in == size)
			fd_close(&in);
		if (!n_ended)
			test_round(0);
		taken = take_some(taken);
		if (taken + put_in == before && !n_ended)
			test_round(SAFETY_NET_MS);
	}
	if (!n_ended)
		run_until_ended();
	assert_end_comes_out();
}

static void a_slow_reader_loses_nothing(void **state)
{
	(void)state;
	start_between_pipes();
	everything_passes_a_slow_reader(1 << 20);
}

static void a_slow_reader_loses_nothing_that_is_copied(void **state)
{
	int from[2], to;

	(void)state;
	/* A socket is no pipe: what comes from it goes through our buffer. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, from), 0);
	in = from[1];
	make_pipe(&out, &to);
	start(from[0], to);
	everything_passes_a_slow_reader(1 << 20);
}

static void a_reader_that_is_away_does_not_keep_us_busy_after_the_end(void **state)
{
	(void)state;
	start_between_pipes();
	set_nonblocking(in);
	while (put_as_much_as_fits(0, 100000) > 0)
		run_until_idle();
	fd_close(&in);
	run_until_idle(); /* the source's hang-up is not looked at now */
	assert_int_equal(n_ended, 0);
	set_nonblocking(out);
	while (!n_ended) {
		(void)!read(out, (char[4096]){ 0 }, 4096);
		test_round(0);
	}
}

static void open_terminal(int *ret_master, int *ret_slave)
{
	struct termios settings;

	*ret_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(*ret_master >= 0);
	assert_int_equal(grantpt(*ret_master), 0);
	assert_int_equal(unlockpt(*ret_master), 0);
	*ret_slave = open(ptsname(*ret_master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(*ret_slave >= 0);
	assert_int_equal(tcgetattr(*ret_slave, &settings), 0);
	cfmakeraw(&settings);
	assert_int_equal(tcsetattr(*ret_slave, TCSANOW, &settings), 0);
}

static void start_from_terminal(void)
{
	int master, to;

	open_terminal(&master, &in);
	make_pipe(&out, &to);
	start(master, to);
}

static void a_terminal_without_writers_is_at_its_end(void **state)
{
	(void)state;
	start_from_terminal();
	put("hello");
	run_until_something_comes_out();
	assert_comes_out("hello");
	put("last words");
	fd_close(&in);
	run_until_ended();
	assert_comes_out("last words");
	assert_end_comes_out();
}

static void a_terminal_that_somebody_keeps_open_can_be_finished(void **state)
{
	(void)state;
	start_from_terminal();
	put("last words");
	relay_finish(relay);
	run_until_ended();
	assert_comes_out("last words");
	assert_end_comes_out();
}

static void finishing_waits_for_a_slow_reader(void **state)
{
	size_t put_in = 0, taken = 0;

	(void)state;
	start_from_terminal();
	set_nonblocking(in);
	set_nonblocking(out);
	while (put_in < 80000) { /* more than a pipe takes, less than both do */
		put_in = put_as_much_as_fits(put_in, 80000);
		test_round(0);
	}
	relay_finish(relay);
	run_until_idle();
	assert_int_equal(n_ended, 0);
	while (!n_ended) {
		test_round(0);
		taken = take_some(taken);
	}
	for (size_t before = taken + 1; before != taken;) {
		before = taken;
		taken = take_some(taken);
	}
	assert_int_equal(taken, put_in);
	assert_end_comes_out();
}

static void finishing_takes_what_a_pipe_holds(void **state)
{
	(void)state;
	start_between_pipes();
	put("held by an orphan");
	relay_finish(relay);
	run_until_ended();
	assert_comes_out("held by an orphan");
	assert_end_comes_out();
}

static void a_broken_target_throws_the_rest_away(void **state)
{
	(void)state;
	start_between_pipes();
	fd_close(&out);
	set_nonblocking(in);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(put_as_much_as_fits(0, 10000), 10000);
		run_until_idle();
	}
	assert_int_equal(n_ended, 0);
	fd_close(&in);
	run_until_ended();
}

static void a_target_that_breaks_while_it_is_full_is_broken(void **state)
{
	(void)state;
	start_between_pipes();
	set_nonblocking(in);
	while (put_as_much_as_fits(0, 100000) > 0)
		run_until_idle();
	fd_close(&out);
	run_until_idle();
	assert_int_equal(put_as_much_as_fits(0, 10000), 10000);
	fd_close(&in);
	run_until_ended();
}

static void a_broken_target_can_be_the_end(void **state)
{
	(void)state;
	start_between_pipes();
	relay_end_when_broken(relay);
	fd_close(&out);
	assert_true(is_idle());
	put("nobody reads this");
	run_until_ended();
	assert_int_equal(write(in, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
}

static void a_full_disk_loses_what_it_does_not_take(void **state)
{
	int from;

	(void)state;
	make_pipe(&from, &in);
	start(from, open("/dev/full", O_WRONLY | O_CLOEXEC));
	set_nonblocking(in);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(put_as_much_as_fits(0, 10000), 10000);
		run_until_idle();
	}
	fd_close(&in);
	run_until_ended();
}

static void a_file_is_appended_to(void **state)
{
	char text[32] = "";
	int from;

	(void)state;
	spare = memfd_create("log", MFD_CLOEXEC);
	assert_int_equal(write(spare, "old,", 4), 4);
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", spare);
	make_pipe(&from, &in);
	start(from, open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
	put("new,");
	run_until_idle();
	assert_int_equal(pwrite(spare, "other,", 6, 8), 6);
	put("newer");
	fd_close(&in);
	run_until_ended();
	assert_int_equal(pread(spare, text, sizeof(text), 0), 19);
	assert_string_equal(text, "old,new,other,newer");
}

static void a_file_can_be_the_source(void **state)
{
	int from = memfd_create("input", MFD_CLOEXEC), to;
	size_t taken = 0;

	(void)state;
	for (size_t i = 0; i < 200000; i++)
		assert_int_equal(write(from, &(char){ byte_at(i) }, 1), 1);
	assert_int_equal(lseek(from, 0, SEEK_SET), 0);
	make_pipe(&out, &to);
	set_nonblocking(out);
	start(from, to);
	while (!n_ended) {
		test_round(0);
		taken = take_some(taken);
	}
	for (size_t before = taken + 1; before != taken;) {
		before = taken;
		taken = take_some(taken);
	}
	assert_int_equal(taken, 200000);
}

static void what_cannot_be_spliced_is_copied(void **state)
{
	(void)state;
	make_pipe(&out, &in); /* from itself to itself, which splice(2) refuses */
	put("round and round");
	start(dup(out), dup(in));
	for (int i = 0; i < 10; i++)
		test_round(0);
	assert_int_equal(n_ended, 0);
	relay_free(relay);
	relay = NULL;
	assert_comes_out("round and round");
}

static void a_freed_relay_says_nothing(void **state)
{
	(void)state;
	start_between_pipes();
	put("lost");
	relay_finish(relay);
	relay_free(relay);
	relay = NULL;
	fd_close(&in);
	test_round(0);
	assert_int_equal(n_ended, 0);
	assert_end_comes_out();
}

static void descriptors_that_are_none_are_refused(void **state)
{
	struct error err;

	(void)state;
	make_pipe(&out, &in);
	assert_null(relay_new(&test.loop, -1, dup(in), ended, &relay, &err));
	assert_int_equal(err.code, EBADF);
	assert_null(relay_new(&test.loop, dup(out), -1, ended, &relay, &err));
	assert_int_equal(err.code, EBADF);
}

#define RELAY_TEST(function) cmocka_unit_test_setup_teardown(function, begin, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RELAY_TEST(bytes_and_the_end_pass),
		RELAY_TEST(an_empty_source_just_ends),
		RELAY_TEST(a_slow_reader_loses_nothing),
		RELAY_TEST(a_slow_reader_loses_nothing_that_is_copied),
		RELAY_TEST(a_reader_that_is_away_does_not_keep_us_busy_after_the_end),
		RELAY_TEST(a_terminal_without_writers_is_at_its_end),
		RELAY_TEST(a_terminal_that_somebody_keeps_open_can_be_finished),
		RELAY_TEST(finishing_waits_for_a_slow_reader),
		RELAY_TEST(finishing_takes_what_a_pipe_holds),
		RELAY_TEST(a_broken_target_throws_the_rest_away),
		RELAY_TEST(a_target_that_breaks_while_it_is_full_is_broken),
		RELAY_TEST(a_broken_target_can_be_the_end),
		RELAY_TEST(a_full_disk_loses_what_it_does_not_take),
		RELAY_TEST(a_file_is_appended_to),
		RELAY_TEST(a_file_can_be_the_source),
		RELAY_TEST(what_cannot_be_spliced_is_copied),
		RELAY_TEST(a_freed_relay_says_nothing),
		RELAY_TEST(descriptors_that_are_none_are_refused),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
