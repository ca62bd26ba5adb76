/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams that a logging program takes. */
#include "shim/stdio_test.h"

static void start_logged(const char *scheme, const char *script)
{
	const struct stdio_config config = {
		.id = "c1",
		.namespace = "default",
		.out = script_uri(scheme, script),
		.err = "not looked at",
		.directory = -1,
	};

	make_stdio(&config);
}

static void a_program_gets_the_pipes_themselves(void **state)
{
	struct stat st;

	(void)state;
	start_logged("binary", "exec 5>&-; cat <&3 >$D/out; cat <&4 >$D/err");
	assert_int_equal(test.ready, 0);
	run_until(&test.ready);
	assert_string_equal(test.failure, "");
	assert_int_equal(fstat(*process[1], &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_null(process[0]);
	attach();
	write_text(*process[1], "to stdout");
	write_text(*process[2], "to stderr");
	end_process();
	drain(SAFETY_NET_MS);
	assert_int_equal(test.drained, 0);
	run_until(&test.drained);
	expect_file("out", "to stdout");
	expect_file("err", "to stderr");
}

static void its_end_does_not_end_the_process(void **state)
{
	(void)state;
	start_logged("binary", "exit 1");
	run_until(&test.ready);
	attach();
	while (has_children())
		test_round(SAFETY_NET_MS);
	assert_int_equal(write(*process[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	end_process();
	drain(SAFETY_NET_MS);
	assert_int_equal(test.drained, 1);
}

static void one_that_is_not_ready_is_a_failure(void **state)
{
	(void)state;
	start_logged("binary-v2", "exit 0");
	run_until(&test.ready);
	assert_string_equal(test.failure, "logging binary did not call ready");
}

static void free_from_ready(void *data, const char *failure)
{
	(void)data;
	assert_non_null(failure);
	test.ready++;
	stdio_free(test.stdio);
	test.stdio = NULL;
}

static void its_failure_may_free_everything(void **state)
{
	const struct stdio_config config = {
		.id = "c1",
		.namespace = "default",
		.out = script_uri("binary-v2", "exec 5>&-; cat <&3"),
		.directory = -1,
	};
	struct error err;

	(void)state;
	test.stdio = stdio_new(&test.loop, test.reaper, &config, free_from_ready, NULL, &err);
	assert_non_null(test.stdio);
	run_until(&test.ready);
}

static void one_that_cannot_be_executed_is_an_error(void **state)
{
	const struct stdio_config config = { .id = "c1",
					     .namespace = "default",
					     .out = "binary:///nonexistent/logger",
					     .directory = -1 };
	struct error err;

	(void)state;
	assert_null(stdio_new(&test.loop, test.reaper, &config, on_ready, &test, &err));
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/logger"));
	assert_int_equal(test.ready, 0);
}

static void one_that_does_not_end_is_not_waited_for_for_ever(void **state)
{
	(void)state;
	start_logged("binary", "exec sleep 1000 5>&-");
	run_until(&test.ready);
	attach();
	end_process();
	drain(SAFETY_NET_MS);
	run_until_idle();
	assert_int_equal(test.drained, 0);
	make_timer_due();
	assert_int_equal(test.drained, 1);
	assert_int_equal(wait_for_signal(), SIGTERM);
}

static void it_ends_where_the_process_was_never_made(void **state)
{
	(void)state;
	start_logged("binary", "exec 5>&-; cat <&3 >$D/out");
	run_until(&test.ready);
	for (int i = 1; i < 3; i++)
		fd_close(process[i]);
	drain(SAFETY_NET_MS);
	run_until(&test.drained);
	expect_file("out", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_program_gets_the_pipes_themselves),
		TEST(its_end_does_not_end_the_process),
		TEST(one_that_is_not_ready_is_a_failure),
		TEST(its_failure_may_free_everything),
		TEST(one_that_cannot_be_executed_is_an_error),
		TEST(one_that_does_not_end_is_not_waited_for_for_ever),
		TEST(it_ends_where_the_process_was_never_made),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
