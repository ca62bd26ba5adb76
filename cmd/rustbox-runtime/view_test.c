/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "cmd/rustbox-runtime/view.h"

static void columns_are_12_wide_at_least(void **state)
{
	const char *const titles[] = { "ID", "PID", "OWNER" };
	const char *const cells[] = { "a", "1", "root" };
	const struct view_row rows[] = { { titles }, { cells } };
	cleanup_str struct str s = STR_EMPTY;

	view_add_table(&s, rows, 2, 3);
	assert_string_equal(s.text, "ID          PID         OWNER\n"
				    "a           1           root\n");
}

static void columns_grow(void **state)
{
	const char *const titles[] = { "ID", "BUNDLE", "X" };
	const char *const cells[] = { "0123456789", "/b\303\274ndel/is/long", "" };
	const struct view_row rows[] = { { titles }, { cells } };
	cleanup_str struct str s = STR_EMPTY;

	view_add_table(&s, rows, 2, 3);
	assert_string_equal(s.text, "ID           BUNDLE            X\n"
				    "0123456789   /b\303\274ndel/is/long   \n");
}

static void owners_by_the_passwd_file(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	char path[] = "/tmp/view_test.XXXXXX";
	static const char content[] = "root:x:0:0::/root:/bin/sh\n"
				      "broken line\n"
				      "me:x:1000:1000::/home/me:/bin/sh\n";
	struct error err;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, sizeof(content) - 1), sizeof(content) - 1);
	assert_int_equal(close(fd), 0);
	assert_string_equal(view_owner(path, "0", &arena, &err), "root");
	assert_string_equal(view_owner(path, "1000", &arena, &err), "me");
	assert_string_equal(view_owner(path, "77", &arena, &err), "#77");
	assert_string_equal(view_owner(path, "x", &arena, &err), "#x");
	assert_string_equal(view_owner(path, NULL, &arena, &err), "");
	assert_int_equal(unlink(path), 0);
	assert_string_equal(view_owner(path, "0", &arena, &err), "#0");
}

static void a_stopped_container_has_no_pid(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct container_view view = { .state = { .pid = 42 }, .status = CONTAINER_RUNNING };
	struct state_public public;
	struct error err;

	assert_int_equal(view_public(&view, &arena, &public, &err), 0);
	assert_int_equal(public.pid, 42);
	assert_string_equal(public.status, "running");
	view.status = CONTAINER_STOPPED;
	assert_int_equal(view_public(&view, &arena, &public, &err), 0);
	assert_int_equal(public.pid, 0);
	assert_string_equal(public.status, "stopped");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_12_wide_at_least),
		cmocka_unit_test(columns_grow),
		cmocka_unit_test(owners_by_the_passwd_file),
		cmocka_unit_test(a_stopped_container_has_no_pid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
