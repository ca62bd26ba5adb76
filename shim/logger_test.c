/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio_test.h"

#include "shim/stdio_uri.h"

/* Starts it; returns the writing ends of its pipes. */
static void start(const char *uri_text, int **ret_out, int **ret_err)
{
	cleanup_stdio_uri struct stdio_uri uri = { 0 };
	int out[2], errors[2];
	struct error err;

	assert_int_equal(stdio_uri_parse(uri_text, &uri, &err), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(errors, O_CLOEXEC), 0);
	*ret_out = own_fd(out[1]);
	*ret_err = own_fd(errors[1]);
	const struct logger_config config = {
		.uri = &uri,
		.id = "c1",
		.namespace = "default",
		.out = out[0],
		.err = errors[0],
		.ready = on_ready,
		.ended = on_ended,
		.data = &test,
	};
	test.logger = logger_new(&test.loop, test.reaper, &config, &err);
	fd_close(&out[0]);
	fd_close(&errors[0]);
	if (!test.logger)
		fail_msg("%s", err.text);
}

static void start_script(const char *scheme, const char *script)
{
	int *out, *errors;

	start(script_uri(scheme, script), &out, &errors);
}

static void it_logs_both_streams_and_ends(void **state)
{
	int *out, *errors;

	(void)state;
	start(script_uri("binary", "exec 5>&-; cat <&3 >$D/out; cat <&4 >$D/err"), &out, &errors);
	run_until(&test.ready);
	assert_string_equal(test.failure, "");
	write_text(*out, "to stdout");
	write_text(*errors, "to stderr");
	assert_true(logger_is_running(test.logger));
	fd_close(out);
	fd_close(errors);
	run_until(&test.ended);
	assert_false(logger_is_running(test.logger));
	assert_int_equal(test.ready, 1);
	expect_file("out", "to stdout");
	expect_file("err", "to stderr");
}

static void it_gets_what_the_contract_says_and_no_more(void **state)
{
	static const char environment[] = "CONTAINER_ID=c1\nCONTAINER_NAMESPACE=default\n";
	int *out, *errors;

	(void)state;
	start(script_uri("binary",
			 "(tr '\\0' '\\n' </proc/$$/environ >$D/environ);"
			 "(ls /proc/$$/fd >$D/fds); (readlink /proc/$$/fd/[012] >$D/null);"
			 "(echo $0 $# >$D/args); (grep SigBlk /proc/self/status >$D/mask)"),
	      &out, &errors);
	run_until(&test.ended);
	expect_file("environ", environment);
	expect_file("fds", "0\n1\n2\n3\n4\n5\n");
	expect_file("null", "/dev/null\n/dev/null\n/dev/null\n");
	expect_file("args", "/bin/sh 0\n");
	expect_file("mask", "SigBlk:\t0000000000000000\n");
}

static void arguments_come_in_the_order_of_the_uri(void **state)
{
	char uri[512];
	int *out, *errors;

	(void)state;
	(void)snprintf(uri, sizeof(uri),
		       "binary:///bin/sh?-c=echo%%20%%22$0%%22%%20%%22$@%%22%%20%%3E%s/args&z=1&a="
		       "&m=x+y",
		       test.folder);
	start(uri, &out, &errors);
	run_until(&test.ended);
	expect_file("args", "z 1 a  m x y\n");
}

static void a_byte_is_a_sign_of_readiness(void **state)
{
	(void)state;
	start_script("binary", "echo >&5; cat <&3");
	run_until(&test.ready);
	assert_string_equal(test.failure, "");
	assert_true(logger_is_running(test.logger));
}

static void the_second_version_wants_a_byte(void **state)
{
	(void)state;
	start_script("binary-v2", "echo >&5; cat <&3");
	run_until(&test.ready);
	assert_string_equal(test.failure, "");
}

static void the_second_version_takes_no_end_of_file(void **state)
{
	(void)state;
	start_script("binary-v2", "exec 5>&-; cat <&3");
	run_until(&test.ready);
	assert_string_equal(test.failure, "logging binary did not call ready");
}

static void one_that_never_gets_ready_is_not_waited_for(void **state)
{
	(void)state;
	start_script("binary", "exec cat <&3");
	run_until_idle();
	assert_int_equal(test.ready, 0);
	make_timer_due();
	assert_int_equal(test.ready, 1);
	assert_non_null(strstr(test.failure, "/bin/sh: not ready after 10 s"));
}

static void one_that_cannot_be_executed_is_an_error(void **state)
{
	char path[] = "/nonexistent/logger";
	char *args[] = { path, NULL };
	struct stdio_uri uri = { .scheme = STDIO_BINARY, .path = path, .args = args };
	const struct logger_config config = {
		.uri = &uri, .id = "", .namespace = "", .out = -1, .err = -1
	};
	struct error err;

	(void)state;
	assert_null(logger_new(&test.loop, test.reaper, &config, &err));
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "logging binary"));
	assert_non_null(strstr(err.text, path));
}

static void one_that_is_not_wanted_any_more_is_asked_to_end(void **state)
{
	(void)state;
	start_script("binary", "exec cat <&3 5>&-");
	run_until(&test.ready);
	logger_free(test.logger);
	test.logger = NULL;
	assert_int_equal(wait_for_signal(), SIGTERM);
	while (has_children())
		test_round(SAFETY_NET_MS);
	assert_int_equal(test.ended, 0);
}

static void one_that_does_not_want_to_end_is_killed(void **state)
{
	(void)state;
	start_script("binary", "trap '' TERM; exec 5>&-; exec cat <&3");
	run_until(&test.ready);
	logger_free(test.logger);
	test.logger = NULL;
	run_until_idle();
	assert_true(has_children());
	make_timer_due();
	assert_int_equal(wait_for_signal(), SIGKILL);
	while (has_children())
		test_round(SAFETY_NET_MS);
	assert_int_equal(test.ended, 0);
}

static void one_that_ended_is_just_freed(void **state)
{
	(void)state;
	start_script("binary", "exit 3");
	run_until(&test.ended);
	run_until(&test.ready);
	assert_string_equal(test.failure, "");
	logger_free(test.logger);
	test.logger = NULL;
	assert_null(test.loop.timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_logs_both_streams_and_ends),
		TEST(it_gets_what_the_contract_says_and_no_more),
		TEST(arguments_come_in_the_order_of_the_uri),
		TEST(a_byte_is_a_sign_of_readiness),
		TEST(the_second_version_wants_a_byte),
		TEST(the_second_version_takes_no_end_of_file),
		TEST(one_that_never_gets_ready_is_not_waited_for),
		TEST(one_that_cannot_be_executed_is_an_error),
		TEST(one_that_is_not_wanted_any_more_is_asked_to_end),
		TEST(one_that_does_not_want_to_end_is_killed),
		TEST(one_that_ended_is_just_freed),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
