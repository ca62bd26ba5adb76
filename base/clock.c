/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

int64_t clock_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_now_ms(void)
{
	return clock_now_ns() / 1000000;
}

int clock_left_ms(int64_t deadline_ms)
{
	int64_t now = clock_now_ms();

	if (deadline_ms <= now)
		return 0;
	return deadline_ms - now < INT_MAX ? (int)(deadline_ms - now) : INT_MAX;
}

uint64_t clock_date_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)(t.tv_sec * NS_PER_S + t.tv_nsec);
}

/*
 * Years begin with March here, so that the day that is not always there is the
 * last one; the calendar repeats itself every 400 years.
 */
void clock_write_date(int64_t seconds, char ret[CLOCK_DATE_SIZE])
{
	const unsigned int days_of_400_years = 146097, march_of_year_0 = 719468;
	unsigned int time = (unsigned int)(seconds % 86400);
	unsigned int days = (unsigned int)(seconds / 86400) + march_of_year_0;
	unsigned int day = days % days_of_400_years;
	unsigned int year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	unsigned int month = (5 * day + 2) / 153; /* 0: March; 153 days are five months */
	day -= (153 * month + 2) / 5;
	year += days / days_of_400_years * 400 + (month >= 10);
	(void)snprintf(ret, CLOCK_DATE_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u", year % 10000,
		       (month + 2) % 12 + 1, (day + 1) % 100, time / 3600 % 24, time / 60 % 60,
		       time % 60);
}

char *clock_date_text(struct arena *arena, struct error *err)
{
	struct timespec now;
	char text[CLOCK_DATE_SIZE];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	clock_write_date(now.tv_sec, text);
	return arena_format(arena, err, "%s.%09ldZ", text, now.tv_nsec);
}
