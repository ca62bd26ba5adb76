/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "base/str.h"
#include "runtime/capability.h"

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(capability_from_name("CAP_KILL"), CAP_KILL);
	assert_int_equal(capability_from_name("cap_net_raw"), CAP_NET_RAW);
	assert_int_equal(capability_from_name("sys_admin"), CAP_SYS_ADMIN);
	assert_int_equal(capability_from_name("CAP_CHECKPOINT_RESTORE"), 40);
	assert_int_equal(capability_from_name("CAP_"), -1);
	assert_int_equal(capability_from_name(""), -1);
	assert_int_equal(capability_from_name("CAP_CAP_KILL"), -1);
	assert_int_equal(capability_from_name("CAP_KILLER"), -1);
	assert_null(capability_name(-1));
	assert_null(capability_name(capability_count()));
	for (int i = 0; i < capability_count(); i++) {
		assert_non_null(capability_name(i)); /* the table has no hole */
		assert_int_equal(capability_from_name(capability_name(i)), i);
	}
}

static void test_table_is_as_long_as_the_header(void **state)
{
	(void)state;
	assert_int_equal(capability_count(), CAP_LAST_CAP + 1);
}

static void test_permitted_is_what_proc_says(void **state)
{
	char *text;
	size_t size;
	struct error err;
	uint64_t expected;

	(void)state;
	assert_int_equal(fd_read_file(-1, "/proc/self/status", 1 << 16, &text, &size, &err), 0);
	char *line = strstr(text, "CapPrm:\t");
	assert_non_null(line);
	line[8 + 16] = '\0';
	assert_true(str_to_uint(line + 8, 16, UINT64_MAX, &expected));
	assert_true(capability_permitted() == expected);
	free(text);
}

static void test_no_configuration_is_no_capability(void **state)
{
	struct capability_sets sets = { 1, 1, 1, 1, 1 };
	struct error err;

	(void)state;
	assert_int_equal(capability_resolve(NULL, &sets, &err), 0);
	assert_true(!sets.bounding && !sets.effective && !sets.inheritable && !sets.permitted &&
		    !sets.ambient);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_table_is_as_long_as_the_header),
		cmocka_unit_test(test_permitted_is_what_proc_says),
		cmocka_unit_test(test_no_configuration_is_no_capability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
