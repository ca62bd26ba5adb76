/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio_test.h"

/* All three by FIFOs, as most clients have them; the client's ends. */
static int *client_in, *client_out, *client_err;

static void make_fifos(struct stdio_config *config)
{
	config->in = make_fifo("in");
	config->out = make_fifo("out");
	config->err = make_fifo("err");
	client_out = open_fifo(config->out, O_RDONLY);
	client_err = open_fifo(config->err, O_RDONLY);
}

static void start_with_fifos(void)
{
	struct stdio_config config = { .id = "c1", .namespace = "default", .directory = -1 };

	make_fifos(&config);
	make_stdio(&config);
	assert_int_equal(test.ready, 1);
	attach();
	client_in = open_fifo(config.in, O_WRONLY);
}

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

static void a_resize_without_a_terminal_does_nothing(void **state)
{
	struct error err;

	(void)state;
	start_with_fifos();
	assert_int_equal(stdio_resize(test.stdio, 80, 24, &err), 0);
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
		TEST(without_any_there_is_nothing_to_do),
		TEST(only_those_given_get_pipes),
		TEST(output_goes_to_the_fifos_until_its_end),
		TEST(a_client_may_go_and_come_back),
		TEST(a_client_that_does_not_read_stops_the_process),
		TEST(it_is_ready_when_the_clients_are),
		TEST(clients_that_do_not_come_are_not_waited_for),
		TEST(a_client_is_given_time_to_read),
		TEST(a_client_that_has_gone_is_not_waited_for),
		TEST(waiting_for_the_client_ends),
		TEST(who_waits_for_the_client_is_told_of_our_end),
		TEST(who_waits_for_the_client_is_told_when_all_is_drained),
		TEST(input_ends_when_it_is_closed_and_the_clients_have_gone),
		TEST(input_may_be_closed_before_it_is_there),
		TEST(clients_learn_that_the_process_reads_no_more),
		TEST(one_fifo_may_take_both),
		TEST(pipes_belong_to_the_user),
		TEST(a_missing_fifo_is_an_error),
		TEST(what_cannot_be_opened_is_an_error_and_never_blocks),
		TEST(input_may_be_a_file),
		TEST(a_file_is_appended_to),
		TEST(a_log_file_is_made_with_its_folders),
		TEST(an_orphan_does_not_keep_us_for_ever),
		TEST(draining_ends_with_the_last_writer),
		TEST(what_was_never_attached_is_drained),
		TEST(a_resize_without_a_terminal_does_nothing),
		TEST(a_config_that_makes_no_sense_is_refused),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
