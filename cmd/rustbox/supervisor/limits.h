/* SPDX-License-Identifier: Apache-2.0 */
/* What ends a run by force (--timeout, --cpu-time, --output-limit), and its report. */
#pragma once

#include <stdint.h>

#include "base/loop.h"

struct supervisor;

struct limits {
	struct loop_timer wall, cpu;
	uint64_t cpu_begin_ns;
	int64_t begun_ns; /* the run, clock_now_ns() */
	/* Of the last run, for the report. */
	uint64_t wall_ns, user_ns, system_ns, memory_peak;
};

void limits_init(struct supervisor *s);
void limits_begin(struct supervisor *s);
/* The process has ended, its cgroup is still there. */
void limits_end(struct supervisor *s);
/* How many of these bytes of output are still allowed; the rest ends the run. */
uint64_t limits_take_output(struct supervisor *s, uint64_t size);
/* --report. Failing is logged. */
void limits_report(struct supervisor *s);
