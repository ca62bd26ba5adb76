/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/utf8.h"

static const struct {
	const char *bytes;
	size_t n, length;
} rows[] = {
	{ "a", 1, 1 },
	{ "\0", 1, 1 },
	{ "\x7f", 1, 1 },
	{ "\xc3\xa9", 2, 2 },
	{ "\xdf\xbf", 2, 2 },
	{ "\xe0\xa0\x80", 3, 3 },
	{ "\xe2\x82\xac", 3, 3 },
	{ "\xed\x9f\xbf", 3, 3 },
	{ "\xef\xbf\xbd", 3, 3 },
	{ "\xf0\x90\x80\x80", 4, 4 },
	{ "\xf4\x8f\xbf\xbf", 4, 4 },
	/* cut short, by the end or by another byte */
	{ "\xc3", 1, 0 },
	{ "\xc3z", 2, 0 },
	{ "\xe2\x82", 2, 0 },
	{ "\xe2\x82z", 3, 0 },
	{ "\xf0\x9f\x98", 3, 0 },
	/* no first byte */
	{ "\x80", 1, 0 },
	{ "\xff\xff\xff\xff", 4, 0 },
	/* overlong, a surrogate, too high */
	{ "\xc0\x80", 2, 0 },
	{ "\xc1\xbf", 2, 0 },
	{ "\xe0\x9f\xbf", 3, 0 },
	{ "\xf0\x8f\xbf\xbf", 4, 0 },
	{ "\xed\xa0\x80", 3, 0 },
	{ "\xf4\x90\x80\x80", 4, 0 },
	{ "\xf5\x80\x80\x80", 4, 0 },
};

static void sequences_are_told_from_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(utf8_sequence((const uint8_t *)rows[i].bytes, rows[i].n),
				 rows[i].length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequences_are_told_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
