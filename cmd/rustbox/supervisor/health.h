/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks: a command in the container, again and again; one at a time.
 * Without a health check in the record nothing happens.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/loop.h"

enum { HEALTH_OUTPUT_MAX = 4096 };

struct supervisor;
struct exec;

struct health {
	struct exec *check; /* that runs */
	struct loop_timer next, timeout;
	char output[HEALTH_OUTPUT_MAX + 1];
	size_t n_output;
	bool has_timed_out, is_on;
};

void health_init(struct supervisor *s);
void health_begin(struct supervisor *s); /* it runs */
void health_end(struct supervisor *s);	 /* it has ended */
/* Checks now; client_tell_health() has the result. -1 with err where there is nothing to check. */
int health_check_now(struct supervisor *s, struct error *err);
