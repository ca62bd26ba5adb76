/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New limits for a container that there is. Options are understood as those of
 * create; but where a limit that is not wanted is just left out there, it has to
 * be lifted here.
 */
#include <string.h>

#include "cmd/rustbox/bundle/plan.h"

enum { DEFAULT_SHARES = 1024, DEFAULT_PERIOD = 100000 };

static const struct json_int unlimited = { true, -1 };

/* ---- memory ---- */

/* What create would set beside --memory is no reason to change what was said by --memory-swap. */
static int keep_swap(const struct spec_memory *old, struct spec_memory *memory, struct error *err)
{
	bool follows = old && old->limit.set && old->limit.value > 0 && old->swap.set &&
		       old->swap.value == old->limit.value * 2;

	if (!old || !old->swap.set || follows) {
		if (!memory->swap.set && follows)
			memory->swap = unlimited;
		return 0;
	}
	memory->swap = (struct json_int){ false, 0 };
	if (old->swap.value <= 0 ||
	    (memory->limit.value > 0 && memory->limit.value <= old->swap.value))
		return 0;
	return error_set(err, 0,
			 "memory and swap together are limited to %lld bytes, which is less: give "
			 "--memory-swap, too (-1: no limit)",
			 (long long)old->swap.value);
}

static int lift_memory(const struct create_options *options, const struct spec_memory *old,
		       struct spec_memory *memory, struct error *err)
{
	if (options->memory && !memory->limit.set)
		memory->limit = unlimited;
	if (options->memory && !options->memory_swap && keep_swap(old, memory, err) < 0)
		return -1;
	if (options->memory_swap && !memory->swap.set)
		memory->swap = unlimited;
	if (options->memory_reservation && !memory->reservation.set)
		memory->reservation = unlimited;
	return 0;
}

/* ---- CPU and the rest ---- */

static int lift_cpu(const struct create_options *options, struct spec_cpu *cpu, struct error *err)
{
	if ((options->cpus || options->cpu_quota.set) && !cpu->quota.set)
		cpu->quota = unlimited;
	if (options->cpu_period.set && !cpu->period.set)
		cpu->period = (struct json_uint){ true, DEFAULT_PERIOD };
	if (options->cpu_shares.set && !cpu->shares.set)
		cpu->shares = (struct json_uint){ true, DEFAULT_SHARES };
	if ((options->cpuset_cpus && !cpu->cpus) || (options->cpuset_mems && !cpu->mems))
		return error_set(err, 0, "--cpuset-%s: a list such as 0-3,7 is expected",
				 options->cpuset_cpus && !cpu->cpus ? "cpus" : "mems");
	return 0;
}

static int lift_others(const struct create_options *options, struct spec_resources *changes,
		       struct arena *arena, struct error *err)
{
	if (options->pids_limit.set && !changes->pids) {
		changes->pids = arena_alloc(arena, sizeof(*changes->pids), err);
		if (!changes->pids)
			return -1;
		changes->pids->limit = -1;
	}
	if (options->blkio_weight.set && !changes->block_io)
		return error_set(err, 0, "--blkio-weight: from 10 to 1000");
	return 0;
}

/* ---- merging ---- */

#define TAKE(to, from)                                                                             \
	do {                                                                                       \
		if ((from).set)                                                                    \
			(to) = (from);                                                             \
	} while (0)

static void merge_memory(struct spec_memory *old, const struct spec_memory *changes)
{
	TAKE(old->limit, changes->limit);
	TAKE(old->swap, changes->swap);
	TAKE(old->reservation, changes->reservation);
}

static void merge_cpu(struct spec_cpu *old, const struct spec_cpu *changes)
{
	TAKE(old->shares, changes->shares);
	TAKE(old->period, changes->period);
	TAKE(old->quota, changes->quota);
	if (changes->cpus)
		old->cpus = changes->cpus;
	if (changes->mems)
		old->mems = changes->mems;
}

static void merge(struct spec_resources *old, const struct spec_resources *changes)
{
	if (old->memory)
		merge_memory(old->memory, changes->memory);
	else
		old->memory = changes->memory;
	if (old->cpu)
		merge_cpu(old->cpu, changes->cpu);
	else
		old->cpu = changes->cpu;
	if (changes->pids)
		old->pids = changes->pids;
	if (changes->block_io && old->block_io)
		old->block_io->weight = changes->block_io->weight;
	else if (changes->block_io)
		old->block_io = changes->block_io;
}

/* ---- the plan ---- */

/* --memory-swap alone counts together with the memory that there is already. */
static int complete(struct create_options *options, const struct spec_resources *old,
		    struct arena *arena, struct error *err)
{
	const struct spec_memory *memory = old->memory;

	if (!options->memory_swap || options->memory || !memory || !memory->limit.set ||
	    memory->limit.value <= 0)
		return 0;
	options->memory = arena_format(arena, err, "%lld", (long long)memory->limit.value);
	return options->memory ? 0 : -1;
}

int bundle_plan_update(const struct create_options *options, struct spec_resources *old,
		       struct arena *arena, struct spec_resources *ret_changes, struct error *err)
{
	struct create_options completed = *options;
	struct spec_resources changes = { 0 };
	struct spec_linux linux = { .resources = &changes };
	struct spec spec = { .linux = &linux };
	struct plan plan = { .options = &completed, .arena = arena, .spec = &spec, .root = -1 };

	if (complete(&completed, old, arena, err) < 0 || plan_resources(&plan, err) < 0)
		return -1;
	/* Both are made always. */
	if (!changes.memory || !changes.cpu)
		return error_memory(err);
	if (lift_memory(&completed, old->memory, changes.memory, err) < 0 ||
	    lift_cpu(&completed, changes.cpu, err) < 0 ||
	    lift_others(&completed, &changes, arena, err) < 0)
		return -1;
	merge(old, &changes);
	*ret_changes = changes;
	return 0;
}
