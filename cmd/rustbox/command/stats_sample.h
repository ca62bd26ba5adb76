/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses, read from its cgroup and its network namespace. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/format/value.h"

/* Sums since the container's start; all zeroes for one that does not run. */
struct stats_sample {
	bool runs;
	uint64_t at_ns, cpu_ns;
	uint64_t memory, memory_limit; /* bytes, without the page cache that can be dropped */
	uint64_t received, sent;       /* bytes; 0 in the host's network */
	uint64_t block_read, block_written, pids;
};

/* A container that ends meanwhile is one that does not run. */
int stats_sample_take(const struct invocation *call, const struct record *record,
		      struct stats_sample *ret, struct error *err);

/* The row of the table; `before` is an earlier sample, for what happened between the two. */
struct value *stats_sample_row(const struct invocation *call, const struct record *record,
			       const struct stats_sample *before, const struct stats_sample *now,
			       struct error *err);

/*
 * Adds up what a text of /proc/PID/net/dev's form (proc(5)) counts, but for the
 * loopback's.
 */
void stats_sample_add_network(const char *text, uint64_t *received, uint64_t *sent);
