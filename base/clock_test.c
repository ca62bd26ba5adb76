/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

static void what_is_left_fits_poll(void **state)
{
	int64_t now = clock_now_ms();

	assert_int_equal(clock_left_ms(now), 0);
	assert_int_equal(clock_left_ms(INT64_MIN), 0);
	assert_int_equal(clock_left_ms(-1), 0);
	assert_int_equal(clock_left_ms(INT64_MAX), INT_MAX);
	assert_in_range(clock_left_ms(now + INT_MAX / 2), INT_MAX / 4, INT_MAX / 2);
}

static void both_units_are_one_clock(void **state)
{
	int64_t before = clock_now_ns(), ms = clock_now_ms(), after = clock_now_ns();

	assert_true(before / 1000000 <= ms && ms <= after / 1000000);
}

static void the_date_is_that_of_the_calendar(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct tm tm = { 0 };
	struct error err;
	uint64_t before = clock_date_ns() / 1000000000;
	const char *text = clock_date_text(&arena, &err);
	uint64_t after = clock_date_ns() / 1000000000;

	assert_non_null(text);
	assert_int_equal(strlen(text), strlen("2024-05-06T07:08:09.123456789Z"));
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	assert_non_null(rest);
	assert_int_equal(rest[0], '.');
	assert_string_equal(rest + 10, "Z");
	assert_in_range((uint64_t)timegm(&tm), before, after);
	assert_in_range((uint64_t)time(NULL), before, after + 1);
}

/* Each day of more than 400 years, at another time of it. */
static void days_are_those_of_the_calendar(void **state)
{
	for (int64_t day = 0; day < 150000; day++) {
		time_t seconds = (time_t)(day * 86400 + day % 86400);
		char expected[64], text[CLOCK_DATE_SIZE];
		struct tm tm;

		assert_non_null(gmtime_r(&seconds, &tm));
		assert_int_not_equal(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm),
				     0);
		clock_write_date(seconds, text);
		assert_string_equal(text, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_fits_poll),
		cmocka_unit_test(both_units_are_one_clock),
		cmocka_unit_test(the_date_is_that_of_the_calendar),
		cmocka_unit_test(days_are_those_of_the_calendar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
