/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio_test.h"

static void without_any_there_is_nothing_to_do(void **state)
{
	const struct stdio_config config = { .in = "", .out = NULL, .err = "", .directory = -1 };

	(void)state;
	make_stdio(&config);
	assert_int_equal(test.ready, 1);
	for (int i = 0; i < 3; i++)
		assert_null(process[i]);
	assert_null(stdio_console_name(test.stdio));
	attach();
	end_process();
	drain(SAFETY_NET_MS);
	assert_int_equal(test.drained, 1);
}

static void only_those_given_get_pipes(void **state)
{
	struct stdio_config config = { .out = make_fifo("out"), .directory = -1 };

	(void)state;
	make_stdio(&config);
	assert_null(process[0]);
	assert_non_null(process[1]);
	assert_null(process[2]);
	attach();
}

static void output_goes_to_the_fifos_until_its_end(void **state)
{
	(void)state;
	start_with_fifos();
	write_text(*process[1], "to stdout");
	write_text(*process[2], "to stderr");
	expect(*client_out, "to stdout");
	expect(*client_err, "to stderr");
	write_text(*process[1], "last words");
	fd_close(process[1]);
	expect(*client_out, "last words");
	expect_end(*client_out); /* at once, and not when it is deleted */
	expect_nothing(*client_err);
	end_process();
	expect_end(*client_err);
	drain(SAFETY_NET_MS);
	assert_int_equal(test.drained, 1);
}

static void a_client_may_go_and_come_back(void **state)
{
	(void)state;
	start_with_fifos();
	write_text(*process[1], "one");
	expect(*client_out, "one");
	fd_close(client_out);
	write_text(*process[1], "two");
	run_until_idle();
	write_text(*process[1], "three");
	client_out = open_fifo(path_of("out"), O_RDONLY);
	expect(*client_out, "twothree");
}

static void a_client_that_does_not_read_stops_the_process(void **state)
{
	char page[4096];
	size_t written = 0, taken = 0;

	(void)state;
	memset(page, 'x', sizeof(page));
	start_with_fifos();
	assert_int_equal(fcntl(*process[1], F_SETFL, O_NONBLOCK), 0);
	for (size_t before = 1; before != written; run_until_idle()) {
		before = written;
		for (ssize_t n; (n = write(*process[1], page, sizeof(page))) > 0;)
			written += (size_t)n;
	}
	assert_true(written >= 65536);
	end_process();
	drain(SAFETY_NET_MS);
	run_until_idle();
	assert_int_equal(test.drained, 0);
	for (ssize_t n = 1; n != 0;) {
		n = read(*client_out, page, sizeof(page));
		if (n > 0)
			taken += (size_t)n;
		else if (n < 0)
			test_round(SAFETY_NET_MS);
	}
	run_until(&test.drained);
	assert_int_equal(taken, written);
}

/* What is written to a FIFO that nobody has opened is lost with its last descriptor. */
static void it_is_ready_when_the_clients_are(void **state)
{
	struct stdio_config config = { .directory = -1 };

	(void)state;
	make_fifos(&config);
	fd_close(client_err);
	make_stdio(&config);
	assert_int_equal(test.ready, 0);
	test_round(100);
	assert_int_equal(test.ready, 0);
	client_err = open_fifo(path_of("err"), O_RDONLY);
	run_until(&test.ready);
	assert_string_equal(test.failure, "");
	attach();
	write_text(*process[2], "words");
	expect(*client_err, "words");
}

static void clients_that_do_not_come_are_not_waited_for(void **state)
{
	struct stdio_config config = { .directory = -1 };

	(void)state;
	make_fifos(&config);
	fd_close(client_out);
	fd_close(client_err);
	make_stdio(&config);
	while (!test.ready)
		make_timer_due();
	attach();
	write_text(*process[1], "words");
	run_until_idle();
	client_out = open_fifo(path_of("out"), O_RDONLY);
	expect(*client_out, "words");
}

static void input_ends_when_it_is_closed_and_the_clients_have_gone(void **state)
{
	(void)state;
	start_with_fifos();
	assert_int_equal(fcntl(*process[0], F_SETFL, O_NONBLOCK), 0);
	write_text(*client_in, "one");
	expect(*process[0], "one");
	fd_close(client_in);
	expect_nothing(*process[0]);
	client_in = open_fifo(path_of("in"), O_WRONLY);
	stdio_close_input(test.stdio);
	stdio_close_input(test.stdio);
	write_text(*client_in, "two");
	// cppcheck-suppress legacyUninitvar ; it is set by make_stdio()
	expect(*process[0], "two");
	expect_nothing(*process[0]);
	fd_close(client_in);
	expect_end(*process[0]);
}

static void input_may_be_closed_before_it_is_there(void **state)
{
	struct stdio_config config = { .directory = -1 };

	(void)state;
	make_fifos(&config);
	make_stdio(&config);
	stdio_close_input(test.stdio);
	attach();
	assert_int_equal(fcntl(*process[0], F_SETFL, O_NONBLOCK), 0);
	expect_end(*process[0]);
}

static void clients_learn_that_the_process_reads_no_more(void **state)
{
	(void)state;
	start_with_fifos();
	fd_close(process[0]);
	write_text(*client_in, "nobody reads this");
	run_until_idle();
	assert_int_equal(write(*client_in, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	write_text(*process[1], "still here");
	expect(*client_out, "still here");
}

static void one_fifo_may_take_both(void **state)
{
	const char *path = make_fifo("both");
	const struct stdio_config config = { .out = path, .err = path, .directory = -1 };
	int *reader = open_fifo(path, O_RDONLY);

	(void)state;
	make_stdio(&config);
	attach();
	write_text(*process[1], "one ");
	expect(*reader, "one ");
	fd_close(process[1]);
	run_until_idle();
	write_text(*process[2], "two");
	expect(*reader, "two");
	end_process();
	expect_end(*reader);
}

static void pipes_belong_to_the_user(void **state)
{
	struct stdio_config config = { .uid = 1000, .gid = 1001, .directory = -1 };
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	make_fifos(&config);
	make_stdio(&config);
	for (int i = 0; i < 3; i++) {
		int fd = process[i] ? *process[i] : -1;
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_uid, 1000);
		assert_int_equal(st.st_gid, 1001);
		/* What it writes to is as it would be without us. */
		assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	}
}

static void a_resize_without_a_terminal_does_nothing(void **state)
{
	struct error err;

	(void)state;
	start_with_fifos();
	assert_int_equal(stdio_resize(test.stdio, 80, 24, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_any_there_is_nothing_to_do),
		TEST(only_those_given_get_pipes),
		TEST(output_goes_to_the_fifos_until_its_end),
		TEST(a_client_may_go_and_come_back),
		TEST(a_client_that_does_not_read_stops_the_process),
		TEST(it_is_ready_when_the_clients_are),
		TEST(clients_that_do_not_come_are_not_waited_for),
		TEST(input_ends_when_it_is_closed_and_the_clients_have_gone),
		TEST(input_may_be_closed_before_it_is_there),
		TEST(clients_learn_that_the_process_reads_no_more),
		TEST(one_fifo_may_take_both),
		TEST(pipes_belong_to_the_user),
		TEST(a_resize_without_a_terminal_does_nothing),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
