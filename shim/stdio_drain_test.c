/* SPDX-License-Identifier: Apache-2.0 */
/* The end of streams: what is still under way when the process has ended. */
#include "shim/stdio_test.h"

/* Clients close their streams when they are told that it is deleted. */
static void a_client_is_given_time_to_read(void **state)
{
	(void)state;
	start_with_fifos();
	write_text(*process[1], "last words");
	end_process();
	for (int i = 0; i < 10; i++)
		test_round(0);
	drain(SAFETY_NET_MS);
	test_round(0);
	assert_int_equal(test.drained, 0);
	expect(*client_out, "last words");
	expect_end(*client_out);
	run_until(&test.drained);
}

static void a_client_that_has_gone_is_not_waited_for(void **state)
{
	char page[4096];

	(void)state;
	memset(page, 'x', sizeof(page));
	start_with_fifos();
	assert_int_equal(fcntl(*process[1], F_SETFL, O_NONBLOCK), 0);
	for (ssize_t n = 1; n > 0; run_until_idle())
		n = write(*process[1], page, sizeof(page));
	end_process();
	fd_close(client_out);
	fd_close(client_err);
	drain(60 * SAFETY_NET_MS);
	for (int i = 0; !test.drained && i < ROUNDS / 100; i++)
		test_round(10);
	assert_int_equal(test.drained, 1);
}

static void on_read(void *data)
{
	(*(int *)data)++;
}

static void waiting_for_the_client_ends(void **state)
{
	int read = 0;

	(void)state;
	start_with_fifos();
	write_text(*process[1], "words");
	end_process();
	stdio_when_read(test.stdio, SAFETY_NET_MS, on_read, &read);
	for (int i = 0; i < 10; i++)
		test_round(0);
	assert_int_equal(read, 0);
	expect(*client_out, "words");
	run_until(&read);
	/* From now on there is nothing to wait for. */
	stdio_when_read(test.stdio, SAFETY_NET_MS, on_read, &read);
	assert_int_equal(read, 2);
	drain(SAFETY_NET_MS);
	run_until(&test.drained);
}

static void who_waits_for_the_client_is_told_of_our_end(void **state)
{
	int read = 0;

	(void)state;
	start_with_fifos();
	write_text(*process[1], "words");
	stdio_when_read(test.stdio, SAFETY_NET_MS, on_read, &read);
	test_round(0);
	assert_int_equal(read, 0);
	stdio_free(test.stdio);
	test.stdio = NULL;
	assert_int_equal(read, 1);
}

/* Its owner may keep what was drained: a deletion that fails is tried again. */
static void who_waits_for_the_client_is_told_when_all_is_drained(void **state)
{
	int read = 0, drained = 0;

	(void)state;
	start_with_fifos();
	write_text(*process[1], "words");
	end_process();
	stdio_when_read(test.stdio, SAFETY_NET_MS, on_read, &read);
	stdio_when_drained(test.stdio, 0, on_read, &drained);
	run_until(&drained);
	assert_int_equal(read, 1);
}

static void an_orphan_does_not_keep_us_for_ever(void **state)
{
	int *orphan;

	(void)state;
	start_with_fifos();
	orphan = own_fd(fcntl(*process[1], F_DUPFD_CLOEXEC, 0));
	write_text(*orphan, "last words");
	end_process();
	drain(SAFETY_NET_MS);
	expect(*client_out, "last words");
	assert_int_equal(test.drained, 0);
	make_timer_due();
	assert_int_equal(test.drained, 1);
	expect_end(*client_out);
}

static void draining_ends_with_the_last_writer(void **state)
{
	int *orphan;

	(void)state;
	start_with_fifos();
	orphan = own_fd(fcntl(*process[1], F_DUPFD_CLOEXEC, 0));
	end_process();
	drain(SAFETY_NET_MS);
	run_until_idle();
	assert_int_equal(test.drained, 0);
	fd_close(orphan);
	run_until(&test.drained);
	expect_end(*client_out);
}

static void what_was_never_attached_is_drained(void **state)
{
	struct stdio_config config = { .directory = -1 };

	(void)state;
	make_fifos(&config);
	make_stdio(&config);
	drain(SAFETY_NET_MS);
	assert_int_equal(test.drained, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_is_given_time_to_read),
		TEST(a_client_that_has_gone_is_not_waited_for),
		TEST(waiting_for_the_client_ends),
		TEST(who_waits_for_the_client_is_told_of_our_end),
		TEST(who_waits_for_the_client_is_told_when_all_is_drained),
		TEST(an_orphan_does_not_keep_us_for_ever),
		TEST(draining_ends_with_the_last_writer),
		TEST(what_was_never_attached_is_drained),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
