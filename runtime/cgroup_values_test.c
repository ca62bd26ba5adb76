/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_fake_test.h"

static void weights_follow_the_curve(void **state)
{
	static const struct {
		uint64_t shares, weight;
	} cases[] = { { 0, 1 },	       { 1, 1 },	  { 2, 1 },	     { 3, 2 },
		      { 10, 4 },       { 100, 17 },	  { 500, 58 },	     { 512, 59 },
		      { 1024, 100 },   { 2048, 174 },	  { 3333, 256 },     { 10240, 639 },
		      { 65536, 3023 }, { 262143, 10000 }, { 262144, 10000 }, { 1000000, 10000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cgroup_weight_of_shares(cases[i].shares), cases[i].weight);
}

static void weights_never_fall(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (uint64_t shares = 0; shares <= 262144; shares += 7) {
		uint64_t weight = cgroup_weight_of_shares(shares);
		assert_true(weight >= last && weight >= 1 && weight <= 10000);
		last = weight;
	}
}

static void io_weights_fill_the_range(void **state)
{
	(void)state;
	assert_int_equal(cgroup_io_weight_of_blkio(10), 1);
	assert_int_equal(cgroup_io_weight_of_blkio(500), 4950);
	assert_int_equal(cgroup_io_weight_of_blkio(750), 7475);
	assert_int_equal(cgroup_io_weight_of_blkio(1000), 10000);
}

static void swap_is_what_is_above_memory(void **state)
{
	static const struct {
		int64_t swap, limit;
		bool set;
		int64_t only;
	} cases[] = {
		{ 0, 0, false, 0 },	{ 0, 100, false, 0 },  { 0, -1, true, -1 },
		{ -1, 100, true, -1 },	{ -1, 0, true, -1 },   { 150, -1, true, 150 },
		{ 150, 100, true, 50 }, { 100, 100, true, 0 },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool set = false;
		int64_t only = 0;
		assert_int_equal(
			cgroup_swap_of_total(cases[i].swap, cases[i].limit, &set, &only, &err), 0);
		assert_int_equal(set, cases[i].set);
		assert_int_equal(only, cases[i].only);
	}
}

static void swap_without_or_below_memory_is_refused(void **state)
{
	bool set;
	int64_t only;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_swap_of_total(100, 0, &set, &only, &err), -1);
	assert_non_null(strstr(err.text, "memory.limit"));
	assert_int_equal(cgroup_swap_of_total(50, 100, &set, &only, &err), -1);
	assert_non_null(strstr(err.text, "less than"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_follow_the_curve),
		cmocka_unit_test(weights_never_fall),
		cmocka_unit_test(io_weights_fill_the_range),
		cmocka_unit_test(swap_is_what_is_above_memory),
		cmocka_unit_test(swap_without_or_below_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
