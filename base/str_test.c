/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"

static void builder_grows(void **state)
{
	cleanup_str struct str s = STR_EMPTY;
	struct error err;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		str_add(&s, "ab");
		str_add_format(&s, "%03d", i);
	}
	assert_int_equal(s.size, 5000);
	cleanup_free char *text = str_take(&s, &err);
	assert_non_null(text);
	assert_int_equal(strlen(text), 5000);
	assert_memory_equal(text + 4995, "ab999", 5);
	assert_null(s.text);
}

static void empty_builder_gives_an_empty_text(void **state)
{
	cleanup_str struct str s = STR_EMPTY;
	struct error err;
	cleanup_free char *text = str_take(&s, &err);

	(void)state;
	assert_string_equal(text, "");
}

static void unsigned_numbers_are_whole_texts(void **state)
{
	static const char *const bad[] = { "",		"-1", "+1", " 1",
					   "1 ",	"1x", "0x", "18446744073709551616",
					   "4294967296" };
	uint64_t u = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(str_to_uint(bad[i], 10, UINT32_MAX, &u));
	assert_int_equal(u, 7);
	assert_true(str_to_uint("4294967295", 10, UINT32_MAX, &u));
	assert_int_equal(u, UINT32_MAX);
	assert_true(str_to_uint("18446744073709551615", 10, UINT64_MAX, &u));
	assert_true(u == UINT64_MAX);
	assert_true(str_to_uint("0755", 8, 07777, &u));
	assert_int_equal(u, 0755);
	assert_true(str_to_uint("ff", 16, 255, &u));
	assert_int_equal(u, 255);
	assert_false(str_to_uint("0xff", 16, 255, &u));
	assert_false(str_to_uint("8", 8, 100, &u));
}

static void signed_numbers_are_whole_texts(void **state)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1.0", "--1", "1001", "-1001" };
	int64_t i = 7;

	(void)state;
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		assert_false(str_to_int(bad[k], -1000, 1000, &i));
	assert_int_equal(i, 7);
	assert_true(str_to_int("-1000", -1000, 1000, &i));
	assert_int_equal(i, -1000);
}

static void comparisons(void **state)
{
	(void)state;
	assert_true(str_equal(NULL, NULL));
	assert_false(str_equal(NULL, ""));
	assert_true(str_equal("a", "a"));
	assert_true(str_starts_with("abc", "ab"));
	assert_false(str_starts_with("ab", "abc"));
	assert_true(str_ends_with("abc", "bc"));
	assert_false(str_ends_with("bc", "abc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builder_grows),
		cmocka_unit_test(empty_builder_gives_an_empty_text),
		cmocka_unit_test(unsigned_numbers_are_whole_texts),
		cmocka_unit_test(signed_numbers_are_whole_texts),
		cmocka_unit_test(comparisons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
