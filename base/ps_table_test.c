/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ps_table.h"

static const pid_t pids[] = { 7, 12 };

static void picks_the_lines(void **state)
{
	static const char output[] = "UID        PID  PPID CMD\n"
				     "root         1     0 init 7\n"
				     "root         7     1 sh -c PID\n"
				     "\n"
				     "me         112     1 x\n"
				     "me          12     1 last";
	cleanup_str struct str s = STR_EMPTY;
	struct error err;

	assert_int_equal(ps_table_add(&s, output, pids, 2, &err), 0);
	assert_string_equal(s.text, "UID        PID  PPID CMD\n"
				    "root         7     1 sh -c PID\n"
				    "me          12     1 last\n");
}

static void titles_alone(void **state)
{
	cleanup_str struct str s = STR_EMPTY;
	struct error err;

	assert_int_equal(ps_table_add(&s, "  PID\n    1\n", pids, 0, &err), 0);
	assert_string_equal(s.text, "  PID\n");
}

static void assert_fails(const char *output, const char *message)
{
	cleanup_str struct str s = STR_EMPTY;
	struct error err;

	assert_int_equal(ps_table_add(&s, output, pids, 2, &err), -1);
	assert_non_null(strstr(err.text, message));
}

static void strange_output(void **state)
{
	assert_fails("", "no column PID");
	assert_fails("UID PPID\nroot 1\n", "no column PID");
	assert_fails("UID PID\nroot\n", "no process id");
	assert_fails("UID PID\nroot x7\n", "no process id");
	assert_fails("PID\n99999999999999999999999999999\n", "no process id");
	assert_fails("PID\n   \n", "no process id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(picks_the_lines),
		cmocka_unit_test(titles_alone),
		cmocka_unit_test(strange_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
