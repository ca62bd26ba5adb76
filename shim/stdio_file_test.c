/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that are files, and what cannot be opened. */
#include "shim/stdio_test.h"

static void a_missing_fifo_is_an_error(void **state)
{
	struct stdio_config config = { .directory = -1 };

	(void)state;
	make_fifos(&config);
	config.err = "/nonexistent/fifo";
	make_stdio(&config);
	assert_attach_fails("stderr: open /nonexistent/fifo: No such file");
	stdio_free(test.stdio);
	config.err = path_of("err");
	config.in = path_of("missing");
	make_stdio(&config);
	assert_attach_fails("stdin: open ");
	assert_int_equal(access(path_of("missing"), F_OK), -1);
}

static void what_cannot_be_opened_is_an_error_and_never_blocks(void **state)
{
	struct stdio_config config = { .directory = -1 };
	char uri[128];

	(void)state;
	make_fifos(&config);
	fd_close(client_out);
	/* A log file that is a FIFO without readers. */
	(void)snprintf(uri, sizeof(uri), "file://%s", path_of("out"));
	make_stdio(&(struct stdio_config){ .out = uri, .directory = -1 });
	assert_attach_fails("stdout: open ");
	stdio_free(test.stdio);
	make_stdio(&(struct stdio_config){ .out = test.folder, .directory = -1 });
	assert_attach_fails("Is a directory");
	stdio_free(test.stdio);
	make_stdio(&(struct stdio_config){ .in = test.folder, .directory = -1 });
	assert_attach_fails("Is a directory");
	stdio_free(test.stdio);
	make_stdio(&(struct stdio_config){ .out = "file:///dev/null/x/log", .directory = -1 });
	assert_attach_fails("/dev/null/x");
}

static void input_may_be_a_file(void **state)
{
	struct stdio_config config = { .in = path_of("file"), .directory = -1 };
	int *file = own_fd(open(config.in, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

	(void)state;
	write_text(*file, "all there is");
	make_stdio(&config);
	attach();
	assert_int_equal(fcntl(*process[0], F_SETFL, O_NONBLOCK), 0);
	expect(*process[0], "all there is");
	expect_end(*process[0]);
}

static void a_file_is_appended_to(void **state)
{
	const char *path = path_of("file");
	const struct stdio_config config = { .out = path, .err = path, .directory = -1 };
	int *old = own_fd(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

	(void)state;
	write_text(*old, "old,");
	make_stdio(&config);
	attach();
	write_text(*process[1], "out,");
	run_until_idle();
	write_text(*process[2], "err,");
	run_until_idle();
	expect_file("file", "old,out,err,");
}

static void a_log_file_is_made_with_its_folders(void **state)
{
	char uri[256];
	struct stat st;

	(void)state;
	(void)snprintf(uri, sizeof(uri), "file://%s/a/b%%20c/log", test.folder);
	const struct stdio_config config = { .out = uri, .directory = -1 };
	make_stdio(&config);
	mode_t mask = umask(0);
	attach();
	(void)umask(mask);
	write_text(*process[1], "out,");
	run_until_idle();
	write_text(*process[2], "err"); /* goes there, too */
	end_process();
	drain(SAFETY_NET_MS);
	run_until(&test.drained);
	expect_file("a/b c/log", "out,err");
	assert_int_equal(stat(path_of("a/b c/log"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(stat(path_of("a/b c"), &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
}

static void a_config_that_makes_no_sense_is_refused(void **state)
{
	(void)state;
	assert_config_is_refused(&(struct stdio_config){ .out = "http://x" },
				 "stdout: unknown STDIO scheme http");
	assert_config_is_refused(&(struct stdio_config){ .out = "relative" }, "absolute");
	assert_config_is_refused(&(struct stdio_config){ .in = "binary:///bin/sh" }, "stdin");
	assert_config_is_refused(&(struct stdio_config){ .in = "file:///x" }, "stdin");
	assert_config_is_refused(&(struct stdio_config){ .err = "binary:///bin/sh" }, "stderr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_missing_fifo_is_an_error),
		TEST(what_cannot_be_opened_is_an_error_and_never_blocks),
		TEST(input_may_be_a_file),
		TEST(a_file_is_appended_to),
		TEST(a_log_file_is_made_with_its_folders),
		TEST(a_config_that_makes_no_sense_is_refused),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
