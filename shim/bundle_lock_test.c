/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/bundle_lock.h"

#include <poll.h>
#include <sys/time.h>

#include "shim/bootstrap_test.h"

static struct stage stage;

static int set_up(void **state)
{
	return stage_begin(&stage);
}

static int tear_down(void **state)
{
	static const char *const names[] = { NULL };

	return stage_end(&stage, names);
}

static int open_plainly(void)
{
	int fd = open(stage.top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void any_number_works_on_a_bundle(void **state)
{
	struct error err;
	cleanup_fd int first = bundle_lock_open(stage.top, &err);
	cleanup_fd int second = bundle_lock_open(stage.top, &err);

	assert_true(first >= 0 && second >= 0);
	assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC);
}

static void nobody_begins_while_it_is_deleted(void **state)
{
	struct error err;
	cleanup_fd int deleter = open_plainly();

	assert_int_equal(bundle_lock_wait(deleter, 0, &err), 0);
	assert_int_equal(bundle_lock_open(stage.top, &err), -1);
	assert_int_equal(err.code, EBUSY);
	assert_non_null(strstr(err.text, stage.top));
	fd_close(&deleter);
	cleanup_fd int next = bundle_lock_open(stage.top, &err);
	assert_true(next >= 0);
}

static void a_bundle_that_is_not_there_is_an_error(void **state)
{
	struct error err;

	assert_int_equal(bundle_lock_open("/no/such/bundle", &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "/no/such/bundle"));
}

/* The server's end is not enough: what it has started holds the lock, too. */
static void the_last_heir_is_waited_for(void **state)
{
	struct error err;
	int gate[2], status;
	int worker = bundle_lock_open(stage.top, &err);
	cleanup_fd int deleter = open_plainly();

	assert_true(worker >= 0);
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	pid_t heir = fork();
	if (heir == 0) {
		char byte;
		(void)close(gate[1]);
		(void)!read(gate[0], &byte, 1);
		_exit(0);
	}
	(void)close(gate[0]);
	fd_close(&worker);
	assert_int_equal(bundle_lock_wait(deleter, 30, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_int_equal(bundle_lock_wait(deleter, 0, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);

	pid_t opener = fork(); /* lets the heir end while we wait */
	if (opener == 0) {
		struct pollfd none = { .fd = -1 };
		(void)poll(&none, 1, 20);
		_exit(0); /* with it, the last writer of the gate */
	}
	(void)close(gate[1]);
	assert_int_equal(bundle_lock_wait(deleter, 20000, &err), 0);
	assert_int_equal(waitpid(heir, &status, 0), heir);
	assert_int_equal(waitpid(opener, &status, 0), opener);
}

static void the_alarm_is_as_it_was(void **state)
{
	struct error err;
	struct sigaction before, after;
	struct itimerval timer;
	cleanup_fd int worker = bundle_lock_open(stage.top, &err);
	cleanup_fd int deleter = open_plainly();

	assert_true(worker >= 0);
	(void)sigaction(SIGALRM, NULL, &before);
	assert_int_equal(bundle_lock_wait(deleter, 1, &err), -1);
	(void)sigaction(SIGALRM, NULL, &after);
	assert_ptr_equal(before.sa_handler, after.sa_handler);
	assert_int_equal(getitimer(ITIMER_REAL, &timer), 0);
	assert_true(timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_number_works_on_a_bundle),
		TEST(nobody_begins_while_it_is_deleted),
		TEST(a_bundle_that_is_not_there_is_an_error),
		TEST(the_last_heir_is_waited_for),
		TEST(the_alarm_is_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
