/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number_list.h"

static void lists_become_masks(void **state)
{
	struct number_list list = { { 0 } };

	(void)state;
	assert_true(number_list_parse("0-3, 7,64\n", &list));
	assert_true(list.mask[0] == 0x8f);
	assert_true(list.mask[64 / NUMBER_LIST_WORD] & 1UL << 64 % NUMBER_LIST_WORD);
	assert_int_equal(number_list_count(&list), 6);
	assert_true(number_list_parse("8191", &list));
	assert_true(number_list_parse("", &list));
	assert_int_equal(number_list_count(&list), 7);
}

static void other_texts_are_refused(void **state)
{
	static const char *const bad[] = { ",",	  "1,",	  "3-1",      "-",   "1-", "a",
					   "1 2", "8192", "99999999", "0x1", "+1" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct number_list list = { { 0 } };

		assert_false(number_list_parse(bad[i], &list));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_become_masks),
		cmocka_unit_test(other_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
