/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>
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

char *clock_date_text(struct arena *arena, struct error *err)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return arena_format(arena, err, "%s.%09ldZ", text, now.tv_nsec);
}
