/* SPDX-License-Identifier: Apache-2.0 */
/* A writer that cannot: nothing is half there, and it goes on as soon as it can. */
#include "cmd/rustbox/log/log_test.h"

#include <signal.h>
#include <sys/resource.h>

static void test_full_disk(void **state)
{
	const struct rlimit little = { 80, RLIM_INFINITY };
	struct fixture *f = *state;
	struct rlimit before;
	struct error err;
	char text[128];

	memset(text, 'x', sizeof(text));
	begin(f, 0, 1);
	add(f, LOG_STDOUT, "before|");
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(log_writer_append(&f->writer, LOG_STDOUT, text, sizeof(text), &err), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(err.text, "stdout.log"));
	assert_int_equal(f->writer.lost, sizeof(text));
	assert_int_equal(log_writer_total(&f->writer), 7);
	add(f, LOG_STDOUT, "after");
	reader(f);
	expect_rest(f, "1:before||1:after|");
}

/* A write that fails once, and all is as before. */
static void test_a_failure_for_a_moment_loses_nothing(void **state)
{
	struct fixture *f = *state;

	begin(f, 0, 1);
	add(f, LOG_STDOUT, "before|");
	fd_close(&f->writer.streams[LOG_STDOUT]);
	f->writer.streams[LOG_STDOUT] = open("/dev/full", O_WRONLY | O_CLOEXEC);
	add(f, LOG_STDOUT, "after");
	assert_int_equal(f->writer.lost, 0);
	reader(f);
	expect_rest(f, "1:before||1:after|");
}

/* It is full just when the next generation begins, and cannot take all of its head. */
static void test_full_at_rotation(void **state)
{
	const struct rlimit little = { 4, RLIM_INFINITY };
	struct fixture *f = *state;
	struct rlimit before;
	struct error err;

	begin(f, 4, 3);
	add(f, LOG_STDOUT, "1111");
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(log_writer_append(&f->writer, LOG_STDOUT, "lost", 4, &err), -1);
	assert_int_equal(err.code, ENOSPC);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	add(f, LOG_STDOUT, "2222");
	add(f, LOG_STDOUT, "3333");
	reader(f);
	expect_rest(f, "1:1111|1:2222|1:3333|");
}

/* Files that could not be opened are opened by the next append. */
static void test_want_of_descriptors(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, few;
	struct error err;

	begin(f, 4, 3);
	add(f, LOG_STDOUT, "1111");
	add(f, LOG_STDOUT, "2222");
	const rlim_t least = (rlim_t)f->writer.streams[LOG_STDOUT];
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (rlim_t more = 0; more < 3; more++) {
		few = (struct rlimit){ least + more, before.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		assert_int_equal(log_writer_append(&f->writer, LOG_STDOUT, "lost", 4, &err), -1);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	}
	add(f, LOG_STDOUT, "3333");
	reader(f);
	expect_rest(f, "1:1111|1:2222|1:3333|");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_full_disk),
		TEST(test_a_failure_for_a_moment_loses_nothing),
		TEST(test_full_at_rotation),
		TEST(test_want_of_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
