/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/rustbox/bundle/bundle.h"

enum { MIB = 1024 * 1024 };

struct fixture {
	struct arena arena;
	struct create_options options;
	struct spec_memory memory;
	struct spec_cpu cpu;
	struct spec_resources old, changes;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->memory.limit = (struct json_int){ true, 64 * MIB };
	f->memory.swap = (struct json_int){ true, 128 * MIB };
	f->cpu.quota = (struct json_int){ true, 50000 };
	f->cpu.period = (struct json_uint){ true, 100000 };
	f->old.memory = &f->memory;
	f->old.cpu = &f->cpu;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(&f->arena);
	free(f);
	return 0;
}

static void plan(struct fixture *f)
{
	struct error err;

	if (bundle_plan_update(&f->options, &f->old, &f->arena, &f->changes, &err) < 0)
		fail_msg("%s", err.text);
}

static void expect_failure(struct fixture *f, const char *part)
{
	struct error err = { .text = "" };

	assert_int_equal(bundle_plan_update(&f->options, &f->old, &f->arena, &f->changes, &err),
			 -1);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, err.text);
}

static void test_only_what_is_given(void **state)
{
	struct fixture *f = *state;

	f->options.pids_limit = (struct option_int){ true, 10 };
	plan(f);
	assert_int_equal(f->changes.pids->limit, 10);
	assert_false(f->changes.memory->limit.set);
	assert_false(f->changes.memory->swap.set);
	assert_false(f->changes.cpu->quota.set);
	assert_int_equal(f->old.pids->limit, 10);
	assert_int_equal(f->memory.limit.value, 64 * MIB);
	assert_int_equal(f->cpu.quota.value, 50000);
}

static void test_lifted(void **state)
{
	struct fixture *f = *state;

	f->options.memory = "0";
	f->options.memory_reservation = "-1";
	f->options.cpus = "0";
	f->options.cpu_shares = (struct option_int){ true, 0 };
	f->options.pids_limit = (struct option_int){ true, -1 };
	plan(f);
	assert_int_equal(f->changes.memory->limit.value, -1);
	assert_int_equal(f->changes.memory->swap.value, -1);
	assert_int_equal(f->changes.memory->reservation.value, -1);
	assert_int_equal(f->changes.cpu->quota.value, -1);
	assert_int_equal(f->changes.cpu->shares.value, 1024);
	assert_int_equal(f->changes.pids->limit, -1);
	assert_int_equal(f->memory.limit.value, -1);
	assert_int_equal(f->cpu.quota.value, -1);
}

/* Swap that was never asked for goes with the memory; swap that was asked for stays. */
static void test_swap(void **state)
{
	struct fixture *f = *state;

	f->options.memory = "32M";
	plan(f);
	assert_int_equal(f->memory.limit.value, 32 * MIB);
	if (f->changes.memory->swap.set)
		assert_int_equal(f->memory.swap.value, 64 * MIB);
	f->memory.swap = (struct json_int){ true, 100 * MIB };
	f->options.memory = "80M";
	plan(f);
	assert_false(f->changes.memory->swap.set);
	assert_int_equal(f->memory.swap.value, 100 * MIB);
	f->options.memory = "101M";
	expect_failure(f, "give --memory-swap, too");
	assert_int_equal(f->memory.limit.value, 80 * MIB);
	f->options.memory_swap = "-1";
	plan(f);
	assert_int_equal(f->memory.swap.value, -1);
	f->options.memory = "1G";
	f->options.memory_swap = NULL;
	plan(f);
	assert_int_equal(f->memory.swap.value, -1);
}

static void test_swap_alone(void **state)
{
	struct fixture *f = *state;

	f->options.memory_swap = "65M";
	plan(f);
	assert_int_equal(f->memory.swap.value, 65 * MIB);
	assert_int_equal(f->memory.limit.value, 64 * MIB);
	f->options.memory_swap = "63M";
	expect_failure(f, "cannot be less than --memory");
	f->old.memory = NULL;
	expect_failure(f, "needs --memory");
}

static void test_first_limits(void **state)
{
	struct fixture *f = *state;

	f->old = (struct spec_resources){ 0 };
	f->options.memory = "10M";
	f->options.cpus = "1.5";
	f->options.blkio_weight = (struct option_int){ true, 300 };
	plan(f);
	assert_int_equal(f->old.memory->limit.value, 10 * MIB);
	assert_int_equal(f->old.cpu->quota.value, 150000);
	assert_int_equal(f->old.block_io->weight.value, 300);
}

static void test_mistakes(void **state)
{
	struct fixture *f = *state;

	f->options.cpuset_cpus = "";
	expect_failure(f, "--cpuset-cpus: a list");
	f->options.cpuset_cpus = "x";
	expect_failure(f, "--cpuset-cpus x");
	f->options.cpuset_cpus = NULL;
	f->options.memory = "much";
	expect_failure(f, "\"much\" is no size");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_only_what_is_given, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lifted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_swap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_swap_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mistakes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
