/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/scheduler.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))

/* Runs the body in a child, whose scheduling does not matter; its result. */
static int in_child(int (*body)(struct error *err))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct error err = { 0 };
		_exit(body(&err));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int batch(struct error *err)
{
	const struct spec_scheduler config = { .policy = TEXT("SCHED_BATCH"), .nice = 5 };

	if (scheduler_set(&config, err) < 0)
		return 1;
	return sched_getscheduler(0) == SCHED_BATCH ? 0 : 2;
}

static int deadline(struct error *err)
{
	char *flags[] = { TEXT("SCHED_FLAG_RESET_ON_FORK"), NULL };
	const struct spec_scheduler config = { .policy = TEXT("SCHED_DEADLINE"),
					       .flags = flags,
					       .n_flags = 1,
					       .runtime = 42000,
					       .deadline = 1000000,
					       .period = 1000000 };

	if (scheduler_set(&config, err) < 0) /* machines differ in whether they allow it */
		return err->code == EPERM && strstr(err->text, "AllowedCPUs") ? 77 : 1;
	return sched_getscheduler(0) == (SCHED_DEADLINE | SCHED_RESET_ON_FORK) ? 0 : 2;
}

static int impossible(struct error *err)
{
	struct spec_scheduler config = { .policy = TEXT("SCHED_DEADLINE"), .runtime = 5 };

	if (scheduler_set(&config, err) == 0 || err->code != EINVAL ||
	    !strstr(err->text, "1024 ns"))
		return 1;
	config.policy = TEXT("SCHED_ISO");
	if (scheduler_set(&config, err) == 0 || !strstr(err->text, "reserved"))
		return 2;
	char *flags[] = { TEXT("SCHED_FLAG_FUN"), NULL };
	config = (struct spec_scheduler){ .policy = TEXT("SCHED_IDLE"),
					  .flags = flags,
					  .n_flags = 1 };
	return scheduler_set(&config, err) == 0 ? 3 : 0;
}

static void test_policies(void **state)
{
	(void)state;
	assert_int_equal(in_child(batch), 0);
	assert_int_equal(in_child(impossible), 0);
}

static void test_deadline(void **state)
{
	(void)state;
	int result = in_child(deadline);
	if (result == 77) {
		print_message("the deadline scheduler is refused here\n");
		skip();
	}
	assert_int_equal(result, 0);
}

static int io_priority(struct error *err)
{
	struct spec_io_priority config = { TEXT("IOPRIO_CLASS_BE"), 4 };

	if (scheduler_set_io_priority(&config, err) < 0 ||
	    syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) != IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 4))
		return 1;
	config.class = TEXT("IOPRIO_CLASS_IDLE");
	config.priority = 0;
	if (scheduler_set_io_priority(&config, err) < 0 ||
	    IOPRIO_PRIO_CLASS(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0)) != IOPRIO_CLASS_IDLE)
		return 2;
	config.priority = 8;
	if (scheduler_set_io_priority(&config, err) == 0)
		return 3;
	config.priority = -2;
	if (scheduler_set_io_priority(&config, err) == 0)
		return 4;
	config.priority = -1; /* none given */
	return scheduler_set_io_priority(&config, err) < 0 ? 5 : 0;
}

static void test_io_priority(void **state)
{
	(void)state;
	assert_int_equal(in_child(io_priority), 0);
}

static int affinity(struct error *err)
{
	static const char *const wrong[] = { "",    "a",  "0-",	 "-1",	 "1-0",		"0,,1",
					     "0,",  ",0", "0 1", "8192", "99999999999", "0-8192",
					     "0x1", "0;1" };
	cpu_set_t before, set;

	if (sched_getaffinity(0, sizeof(before), &before) < 0 || !CPU_ISSET(0, &before))
		return 77;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (scheduler_set_affinity(0, wrong[i], err) == 0)
			return 10 + (int)i;
	if (scheduler_set_affinity(0, "0", err) < 0 ||
	    sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) != 1 ||
	    !CPU_ISSET(0, &set))
		return 1;
	scheduler_reset_affinity(0);
	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) < CPU_COUNT(&before))
		return 2;
	if (scheduler_set_affinity(0, "0-3, 7,8191\n", err) < 0) /* those that are there */
		return 3;
	return scheduler_set_affinity(0, "8190-8191", err) == 0 ? 4 : 0;
}

static void test_affinity(void **state)
{
	(void)state;
	int result = in_child(affinity);
	if (result == 77) {
		print_message("CPU 0 is not ours\n");
		skip();
	}
	assert_int_equal(result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_io_priority),
		cmocka_unit_test(test_affinity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
