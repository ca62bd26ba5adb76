/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mountinfo.h"

static void lines_become_fields(void **state)
{
	char text[] = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		      "nonsense\n"
		      "30 22 0:5 /a\\040b /mnt/x\\134y rw - tmpfs tmpfs rw,size=4k\n"
		      "31 x 0:5 / /bad rw - tmpfs tmpfs rw\n"
		      "32 22 0:6 / /end rw shared:1 master:2 - cgroup cgroup rw,cpu,cpuacct";
	char *cursor = text;
	struct mountinfo m;

	(void)state;
	assert_true(mountinfo_next(&cursor, &m));
	assert_int_equal(m.id, 22);
	assert_int_equal(m.parent, 1);
	assert_string_equal(m.point, "/");
	assert_string_equal(m.type, "ext4");
	assert_true(mountinfo_next(&cursor, &m));
	assert_string_equal(m.root, "/a b");
	assert_string_equal(m.point, "/mnt/x\\y");
	assert_true(mountinfo_next(&cursor, &m));
	assert_int_equal(m.id, 32);
	assert_string_equal(m.type, "cgroup");
	assert_true(mountinfo_has_options(&m, "cpu,cpuacct"));
	assert_true(mountinfo_has_options(&m, "cpuacct"));
	assert_true(mountinfo_has_options(&m, ""));
	assert_false(mountinfo_has_options(&m, "cpu,memory"));
	assert_false(mountinfo_has_options(&m, "cp"));
	assert_false(mountinfo_next(&cursor, &m));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines_become_fields) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
