/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void set_names_the_reason(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(error_set(&err, ENOENT, "open %s", "/x"), -1);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.text, "open /x: No such file or directory");
	assert_int_equal(error_set(&err, 0, "plain"), -1);
	assert_string_equal(err.text, "plain");
	assert_int_equal(error_plain(&err, ENOENT, "no such %s", "box"), -1);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.text, "no such box");
}

static void wrap_and_hint_surround(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, EPERM, "mount");
	assert_int_equal(error_wrap(&err, "mounts[%d]", 3), -1);
	assert_int_equal(error_hint(&err, "be %s", "root"), -1);
	assert_string_equal(err.text, "mounts[3]: mount: Operation not permitted (be root)");
	assert_int_equal(err.code, EPERM);
}

static void long_texts_are_cut_with_a_mark(void **state)
{
	char path[2 * ERROR_TEXT_SIZE];
	struct error err;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	error_set(&err, EIO, "%s", path);
	assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 1);
	assert_string_equal(err.text + ERROR_TEXT_SIZE - 4, "...");
	error_wrap(&err, "%s", "open");
	assert_memory_equal(err.text, "open: aaa", 9);
	assert_string_equal(err.text + ERROR_TEXT_SIZE - 4, "...");
	error_hint(&err, "hint");
	assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_names_the_reason),
		cmocka_unit_test(wrap_and_hint_surround),
		cmocka_unit_test(long_texts_are_cut_with_a_mark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
