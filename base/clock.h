/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time: of the machine's run, for deadlines and durations (CLOCK_MONOTONIC,
 * clock_gettime(2)), and of the calendar, for what is written down (CLOCK_REALTIME).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/* CLOCK_MONOTONIC */
int64_t clock_now_ns(void);
int64_t clock_now_ms(void);
/* Milliseconds until then, as poll(2) takes them: 0 when it has come, INT_MAX at most. */
int clock_left_ms(int64_t deadline_ms);

/* CLOCK_REALTIME: nanoseconds since 1970, and the text "2024-05-06T07:08:09.123456789Z" (RFC 3339).
 */
uint64_t clock_date_ns(void);
char *clock_date_text(struct arena *arena, struct error *err);

/*
 * "2024-05-06T07:08:09" of that many seconds since 1970, in UTC. gmtime_r(3)
 * reads the machine's time zone for it, from a file that may be a container's.
 */
enum { CLOCK_DATE_SIZE = sizeof("2024-05-06T07:08:09") };
void clock_write_date(int64_t seconds, char ret[CLOCK_DATE_SIZE]);
