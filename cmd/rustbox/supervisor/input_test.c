/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox/supervisor/input.h"

enum { LARGE = 1 << 20 };

static struct loop loop;
static struct input input;
static int ends[2]; /* of the pipe: the process's, ours */
static int taken[4];
static char large[LARGE];

static int set_up(void **state)
{
	struct error err;

	memset(taken, 0, sizeof(taken));
	assert_int_equal(loop_init(&loop, &err), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	input_init(&input, &loop);
	return 0;
}

static int tear_down(void **state)
{
	input_close(&input);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	loop_done(&loop);
	return 0;
}

static void on_taken(void *data)
{
	++*(int *)data;
}

static void add(const void *data, size_t size, int i)
{
	struct error err;

	assert_int_equal(input_add(&input, data, size, on_taken, &taken[i], &err), 0);
}

static void turn(void)
{
	struct error err;

	assert_int_equal(loop_run_once(&loop, 0, &err), 0);
}

/* All that can be read; the loop goes on meanwhile. */
static size_t drain(char *last)
{
	char buffer[65536];
	size_t total = 0;
	ssize_t n;

	for (int idle = 0; idle < 3; idle++) {
		while ((n = read(ends[0], buffer, sizeof(buffer))) > 0) {
			total += (size_t)n;
			*last = buffer[n - 1];
			idle = 0;
		}
		turn();
	}
	return total;
}

static void what_fits_is_taken_at_once(void **state)
{
	char text[8] = "";

	input_open(&input, move_fd(&ends[1]), false);
	add("hello", 5, 0);
	assert_int_equal(taken[0], 1);
	assert_int_equal(read(ends[0], text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	assert_false(input.watch.watched); /* nothing wakes us up */
}

static void what_does_not_fit_waits_in_its_order(void **state)
{
	char last = 0;

	memset(large, 'x', sizeof(large));
	input_open(&input, move_fd(&ends[1]), false);
	add(large, sizeof(large), 0);
	add("y", 1, 1);
	turn();
	assert_int_equal(taken[0] + taken[1], 0);
	assert_int_equal(drain(&last), sizeof(large) + 1);
	assert_int_equal(last, 'y');
	assert_int_equal(taken[0], 1);
	assert_int_equal(taken[1], 1);
}

static void what_comes_before_the_process_waits_for_it(void **state)
{
	char last = 0;

	add("early", 5, 0);
	input_end(&input);
	assert_int_equal(taken[0], 0);
	input_open(&input, move_fd(&ends[1]), false);
	assert_int_equal(taken[0], 1);
	assert_int_equal(drain(&last), 5);
	assert_int_equal(read(ends[0], &last, 1), 0); /* and that was the end */
}

static void the_end_is_behind_what_waits(void **state)
{
	char last = 0;

	input_open(&input, move_fd(&ends[1]), false);
	add(large, sizeof(large), 0);
	input_end(&input);
	assert_int_equal(drain(&last), sizeof(large));
	assert_int_equal(read(ends[0], &last, 1), 0);
	add("late", 4, 1);
	assert_int_equal(taken[1], 1); /* thrown away */
}

static void a_terminal_has_no_end(void **state)
{
	char last = 0;

	input_open(&input, move_fd(&ends[1]), true);
	input_end(&input);
	add("x", 1, 0);
	assert_int_equal(drain(&last), 1);
	assert_int_equal(read(ends[0], &last, 1), -1);
}

static void a_reader_that_goes_takes_all(void **state)
{
	input_open(&input, move_fd(&ends[1]), false);
	add(large, sizeof(large), 0);
	add("y", 1, 1);
	fd_close(&ends[0]);
	turn();
	assert_int_equal(taken[0], 1);
	assert_int_equal(taken[1], 1);
	add("z", 1, 2);
	assert_int_equal(taken[2], 1);
	assert_int_equal(input.watch.fd, -1);
}

static void without_input_all_is_thrown_away(void **state)
{
	add("a", 1, 0);
	input_open(&input, -1, false);
	add("b", 1, 1);
	assert_int_equal(taken[0] + taken[1], 2);
}

static void one_that_has_gone_is_not_told(void **state)
{
	char last = 0;

	input_open(&input, move_fd(&ends[1]), false);
	add(large, sizeof(large), 0);
	add("y", 1, 1);
	input_forget(&input, &taken[0]);
	assert_int_equal(drain(&last), sizeof(large) + 1); /* but what it said counts */
	assert_int_equal(taken[0], 0);
	assert_int_equal(taken[1], 1);
}

static void it_may_be_opened_again(void **state)
{
	char last = 0;

	add(large, sizeof(large), 0);
	input_close(&input);
	assert_int_equal(taken[0], 1);
	input_open(&input, move_fd(&ends[1]), false);
	add("x", 1, 1);
	assert_int_equal(drain(&last), 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_fits_is_taken_at_once),
		TEST(what_does_not_fit_waits_in_its_order),
		TEST(what_comes_before_the_process_waits_for_it),
		TEST(the_end_is_behind_what_waits),
		TEST(a_terminal_has_no_end),
		TEST(a_reader_that_goes_takes_all),
		TEST(without_input_all_is_thrown_away),
		TEST(one_that_has_gone_is_not_told),
		TEST(it_may_be_opened_again),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
