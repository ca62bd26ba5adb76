/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it keeps resource limits to itself
#include "runtime/child_test.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/rlimit.h"

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct rlimit64 present(int number)
{
	struct rlimit64 limit = { 0 };

	(void)prlimit64(0, (__rlimit_resource_t)number, NULL, &limit);
	return limit;
}

static int lower_in_two_steps(void)
{
	struct spec_rlimit limits[] = { { TEXT("RLIMIT_NOFILE"), 5, 20 },
					{ TEXT("RLIMIT_STACK"), 1 << 20, 1 << 21 } };
	const struct spec_process process = { .rlimits = limits, .n_rlimits = 2 };
	struct rlimit64 before = present(RLIMIT_NOFILE);
	struct error err;

	if (rlimit_raise(&process, &err) < 0)
		return 1;
	if (present(RLIMIT_NOFILE).rlim_cur != before.rlim_cur) /* still room for ourselves */
		return 2;
	if (rlimit_apply(&process, &err) < 0)
		return 3;
	struct rlimit64 files = present(RLIMIT_NOFILE), stack = present(RLIMIT_STACK);
	if (files.rlim_cur != 5 || files.rlim_max != 20 || stack.rlim_max != 1 << 21)
		return 4;
	return rlimit_apply(&process, &err) < 0 ? 5 : 0; /* again: nothing to do */
}

static int raise_without_privilege(void)
{
	struct spec_rlimit limits[] = { { TEXT("RLIMIT_NOFILE"), 10, 1000 } };
	const struct spec_process process = { .rlimits = limits, .n_rlimits = 1 };
	struct rlimit64 low = { 10, 10 };
	struct error err;

	if (prlimit64(0, RLIMIT_NOFILE, &low, NULL) < 0 || (getuid() == 0 && setuid(65534) < 0))
		return 77;
	if (rlimit_raise(&process, &err) == 0 || err.code != EPERM)
		return 1;
	return strstr(err.text, "the hard limit here is 10") && strstr(err.text, "CAP_SYS_RESOURCE")
		       ? 0
		       : 2;
}

static void test_low_limits_come_last(void **state)
{
	(void)state;
	in_child(lower_in_two_steps, NULL);
}

static void test_raising_is_refused_with_a_reason(void **state)
{
	(void)state;
	in_child(raise_without_privilege, NULL);
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(rlimit_from_name("RLIMIT_NOFILE"), RLIMIT_NOFILE);
	assert_int_equal(rlimit_from_name("RLIMIT_RTTIME"), RLIMIT_RTTIME);
	assert_int_equal(rlimit_from_name("nofile"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_low_limits_come_last),
		cmocka_unit_test(test_raising_is_refused_with_a_reason),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
