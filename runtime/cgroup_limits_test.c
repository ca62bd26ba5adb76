/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_fake_test.h"

static int setup(void **state)
{
	*state = fake_new();
	return 0;
}

static int teardown(void **state)
{
	fake_free(*state);
	return 0;
}

static void make_v1(struct fake *fake)
{
	static const char *const files[] = {
		"memory/memory.limit_in_bytes",
		"memory/memory.memsw.limit_in_bytes",
		"memory/memory.soft_limit_in_bytes",
		"memory/memory.swappiness",
		"memory/memory.oom_control",
		"cpu/cpu.shares",
		"cpu/cpu.cfs_quota_us",
		"cpu/cpu.cfs_period_us",
		"cpu/cpu.cfs_burst_us",
		"cpu/cpu.idle",
		"cpu/cpu.rt_runtime_us",
		"cpu/cpu.rt_period_us",
		"cpuset/cpuset.cpus",
		"cpuset/cpuset.mems",
		"pids/pids.max",
		"blkio/blkio.bfq.weight",
		"blkio/blkio.throttle.read_bps_device",
		"net/net_cls.classid",
		"net/net_prio.ifpriomap",
		"u/hugetlb.2MB.max",
		"u/hugetlb.2MB.rsvd.max",
		"u/cgroup.procs",
		"u/cgroup.controllers",
	};
	static const char *const rows[][2] = {
		{ "memory", "memory" },
		{ "cpu,cpuacct", "cpu" },
		{ "cpuset", "cpuset" },
		{ "pids", "pids" },
		{ "blkio", "blkio" },
		{ "net_cls,net_prio", "net" },
		{ "", "u" },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		fake_file(fake, files[i], "0\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		fake_directory(fake, rows[i][0], rows[i][1]);
}

static void make_v2(struct fake *fake)
{
	static const char *const files[] = {
		"u/memory.max", "u/memory.low",	   "u/memory.swap.max", "u/cpu.weight",
		"u/cpu.idle",	"u/cpu.max.burst", "u/cpuset.cpus",	"u/pids.max",
		"u/io.weight",	"u/io.max",	   "u/rdma.max",	"u/cgroup.procs",
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		fake_file(fake, files[i], "0\n");
	fake_file(fake, "u/cpu.max", "max 100000\n");
	fake_file(fake, "u/cgroup.controllers", "cpuset cpu io memory pids rdma\n");
	fake_directory(fake, "", "u");
}

static int update(struct fake *fake, const struct spec_resources *resources)
{
	return cgroup_set_limits(&fake->cgroup, resources, true, &fake->err);
}

#define assert_file(path, text) assert_string_equal(fake_text(fake, path), text)

static void v1_files_get_their_values(void **state)
{
	struct fake *fake = *state;
	struct spec_memory memory = { .limit = { true, 1000 },
				      .swap = { true, 3000 },
				      .reservation = { true, 500 },
				      .swappiness = { true, 0 },
				      .disable_oom_killer = true };
	char cpus[] = "0-1", name[] = "eth0", size[] = "2MB";
	struct spec_cpu cpu = { .shares = { true, 512 },
				.quota = { true, -7 },
				.period = { true, 50000 },
				.burst = { true, 5 },
				.cpus = cpus };
	struct spec_pids pids = { 20 };
	struct spec_block_throttle throttle = { 8, 0, 0 };
	struct spec_block_io block = { .weight = { true, 300 },
				       .throttle_read_bps = &throttle,
				       .n_throttle_read_bps = 1 };
	struct spec_network_priority priority = { name, 7 };
	struct spec_network_limits network = { { true, 1048577 }, &priority, 1 };
	struct spec_hugepage_limit huge = { size, 4096 };
	struct spec_resources resources = { .memory = &memory,
					    .cpu = &cpu,
					    .pids = &pids,
					    .block_io = &block,
					    .network = &network,
					    .hugepage_limits = &huge,
					    .n_hugepage_limits = 1 };

	make_v1(fake);
	assert_ok(update(fake, &resources));
	assert_file("memory/memory.limit_in_bytes", "1000");
	assert_file("memory/memory.memsw.limit_in_bytes", "3000");
	assert_file("memory/memory.soft_limit_in_bytes", "500");
	assert_file("memory/memory.swappiness", "0");
	assert_file("memory/memory.oom_control", "1");
	assert_file("cpu/cpu.shares", "512");
	assert_file("cpu/cpu.cfs_quota_us", "-1");
	assert_file("cpu/cpu.cfs_period_us", "50000");
	assert_file("cpu/cpu.cfs_burst_us", "5");
	assert_file("cpuset/cpuset.cpus", "0-1");
	assert_file("pids/pids.max", "20");
	assert_file("blkio/blkio.bfq.weight", "300");
	assert_file("blkio/blkio.throttle.read_bps_device", "8:0 0");
	assert_file("net/net_cls.classid", "1048577");
	assert_file("net/net_prio.ifpriomap", "eth0 7");
	/* This controller is cgroup2's here. */
	assert_file("u/hugetlb.2MB.max", "4096");
	assert_file("u/hugetlb.2MB.rsvd.max", "4096");
}

static void v2_files_get_their_values(void **state)
{
	struct fake *fake = *state;
	struct spec_memory memory = { .limit = { true, 1000 },
				      .swap = { true, 3000 },
				      .reservation = { true, -1 } };
	char cpus[] = "0", device[] = "mlx5";
	struct spec_cpu cpu = { .shares = { true, 1024 },
				.quota = { true, 5000 },
				.burst = { true, 5 },
				.cpus = cpus };
	struct spec_pids pids = { -1 };
	struct spec_block_throttle throttle = { 8, 16, 600 };
	struct spec_block_io block = { .weight = { true, 750 },
				       .throttle_write_iops = &throttle,
				       .n_throttle_write_iops = 1 };
	struct spec_rdma rdma = { device, { true, 3 }, { true, 10 } };
	struct spec_resources resources = { .memory = &memory,
					    .cpu = &cpu,
					    .pids = &pids,
					    .block_io = &block,
					    .rdma = &rdma,
					    .n_rdma = 1 };

	make_v2(fake);
	assert_ok(update(fake, &resources));
	assert_file("u/memory.max", "1000");
	assert_file("u/memory.swap.max", "2000");
	assert_file("u/memory.low", "max");
	assert_file("u/cpu.weight", "100");
	assert_file("u/cpu.max", "5000");
	assert_file("u/cpu.max.burst", "5");
	assert_file("u/cpuset.cpus", "0");
	assert_file("u/pids.max", "max");
	assert_file("u/io.weight", "7475");
	assert_file("u/io.max", "8:16 wiops=600");
	assert_file("u/rdma.max", "mlx5 hca_handle=3 hca_object=10");
}

static void zero_is_not_zero_bytes(void **state)
{
	struct fake *fake = *state;
	struct spec_memory memory = { .limit = { true, 0 },
				      .swap = { true, 0 },
				      .reservation = { true, 0 } };
	struct spec_cpu cpu = { .shares = { true, 0 },
				.quota = { true, 0 },
				.period = { true, 0 } };
	struct spec_resources resources = { .memory = &memory, .cpu = &cpu };

	make_v2(fake);
	assert_ok(update(fake, &resources));
	assert_file("u/memory.max", "0"); /* as it was, newline cut */
	assert_file("u/cpu.max", "max 100000");
	/* Nor do they need the controllers. */
	fake->cgroup.n_directories = 0;
	assert_ok(update(fake, &resources));
}

static void a_pids_limit_of_zero_keeps_one(void **state)
{
	struct fake *fake = *state;
	struct spec_pids pids = { 0 };
	struct spec_resources resources = { .pids = &pids };

	make_v2(fake);
	assert_ok(update(fake, &resources));
	assert_file("u/pids.max", "1");
}

static void a_period_alone_keeps_the_quota(void **state)
{
	struct fake *fake = *state;
	struct spec_cpu cpu = { .period = { true, 9000 } };
	struct spec_resources resources = { .cpu = &cpu };

	make_v2(fake);
	fake_file(fake, "u/cpu.max", "4000 100000\n");
	assert_ok(update(fake, &resources));
	assert_file("u/cpu.max", "4000 9000");
	cpu.quota = (struct json_int){ true, -1 };
	assert_ok(update(fake, &resources));
	assert_file("u/cpu.max", "max 9000");
}

static void unlimited_memory_takes_swap_along(void **state)
{
	struct fake *fake = *state;
	struct spec_memory memory = { .limit = { true, -1 } };
	struct spec_resources resources = { .memory = &memory };

	make_v2(fake);
	assert_ok(update(fake, &resources));
	assert_file("u/memory.max", "max");
	assert_file("u/memory.swap.max", "max");
	/* Without swap in the kernel there is nothing to set. */
	fake->cgroup.n_directories = 0;
	fake_directory(fake, "memory", "m");
	fake_file(fake, "m/memory.limit_in_bytes", "5\n");
	assert_ok(update(fake, &resources));
	assert_file("m/memory.limit_in_bytes", "-1");
}

static void swap_alone_counts_from_the_present_limit(void **state)
{
	struct fake *fake = *state;
	struct spec_memory memory = { .swap = { true, 3000 } };
	struct spec_resources resources = { .memory = &memory };

	make_v2(fake);
	fake_file(fake, "u/memory.max", "1000\n");
	assert_ok(update(fake, &resources));
	assert_file("u/memory.swap.max", "2000");
	fake_file(fake, "u/memory.max", "max\n");
	assert_error(update(fake, &resources), "memory.limit");
}

static void limits_below_the_usage_are_rejected_when_asked(void **state)
{
	struct fake *fake = *state;
	struct spec_memory memory = { .limit = { true, 1024 }, .check_before_update = true };
	struct spec_resources resources = { .memory = &memory };

	make_v2(fake);
	fake_file(fake, "u/memory.current", "4096\n");
	fake_file(fake, "u/memory.swap.current", "0\n");
	assert_error(update(fake, &resources), "rejecting memory limit");
	memory.swap = (struct json_int){ true, 2048 };
	assert_error(update(fake, &resources), "rejecting memory+swap limit");
	assert_file("u/memory.max", "0");
}

static void idle_and_weight_are_ordered(void **state)
{
	struct fake *fake = *state;
	struct spec_cpu cpu = { .shares = { true, 2 }, .idle = { true, 1 } };
	struct spec_resources resources = { .cpu = &cpu };

	make_v2(fake);
	assert_ok(update(fake, &resources));
	assert_file("u/cpu.idle", "1");
	assert_file("u/cpu.weight", "1");
}

static void a_missing_controller_is_named(void **state)
{
	struct fake *fake = *state;
	char size[] = "2MB";
	struct spec_hugepage_limit huge = { size, 1 };
	struct spec_resources resources = { .hugepage_limits = &huge, .n_hugepage_limits = 1 };
	struct spec_pids pids = { 5 };

	make_v2(fake);
	assert_error(update(fake, &resources), "\"hugetlb\" controller is not enabled");
	resources = (struct spec_resources){ .pids = &pids };
	fake->cgroup.n_directories = 0;
	fake_directory(fake, "memory", "m");
	assert_error(update(fake, &resources), "no pids controller");
	fake_directory(fake, "pids", "gone");
	assert_error(update(fake, &resources), "could not join or create its pids cgroup");
}

static void what_v2_has_not_is_refused(void **state)
{
	struct fake *fake = *state;
	struct spec_network_limits network = { .class_id = { true, 1 } };
	struct spec_cpu cpu = { .realtime_runtime = { true, 1 } };
	struct spec_block_io block = { .leaf_weight = { true, 10 } };
	struct spec_memory memory = { .swappiness = { true, 5 } };
	struct spec_resources resources = { .network = &network };

	make_v2(fake);
	assert_error(update(fake, &resources), "net_cls");
	resources = (struct spec_resources){ .cpu = &cpu };
	assert_error(update(fake, &resources), "real-time");
	resources = (struct spec_resources){ .block_io = &block };
	assert_error(update(fake, &resources), "leafWeight");
	resources = (struct spec_resources){ .memory = &memory };
	assert_error(update(fake, &resources), "swappiness");
	memory = (struct spec_memory){ .disable_oom_killer = true };
	assert_error(update(fake, &resources), "OOM killer");
}

static void unified_files_are_written(void **state)
{
	struct fake *fake = *state;
	char max[] = "memory.max", lines[] = "io.max", value[] = "42", two[] = "8:0 a=1\n8:1 b=2\n";
	struct json_pair pairs[] = { { max, value }, { lines, two } };
	struct spec_memory memory = { .limit = { true, 1000 } };
	struct spec_resources resources = { .memory = &memory, .unified = pairs, .n_unified = 2 };

	make_v2(fake);
	assert_ok(update(fake, &resources));
	assert_file("u/memory.max", "42");
	assert_file("u/io.max", "8:1 b=2");
}

static void bad_unified_keys_are_refused(void **state)
{
	struct fake *fake = *state;
	static char keys[][32] = { "../memory.max", "memory", ".x", "nosuch.max", "memory.nosuch" };
	static const char *const words[] = { "not the name", "not the name", "not the name",
					     "controller \"nosuch\" is not available",
					     "memory.nosuch" };
	char value[] = "1";

	make_v2(fake);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct json_pair pair = { keys[i], value };
		struct spec_resources resources = { .unified = &pair, .n_unified = 1 };
		assert_error(update(fake, &resources), words[i]);
	}
	char max[] = "memory.max";
	struct json_pair pair = { max, value };
	struct spec_resources resources = { .unified = &pair, .n_unified = 1 };
	fake->cgroup.n_directories = 0;
	fake_directory(fake, "memory", "m");
	assert_error(update(fake, &resources), "invalid configuration");
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(v1_files_get_their_values),
		test(v2_files_get_their_values),
		test(zero_is_not_zero_bytes),
		test(a_pids_limit_of_zero_keeps_one),
		test(a_period_alone_keeps_the_quota),
		test(unlimited_memory_takes_swap_along),
		test(swap_alone_counts_from_the_present_limit),
		test(limits_below_the_usage_are_rejected_when_asked),
		test(idle_and_weight_are_ordered),
		test(a_missing_controller_is_named),
		test(what_v2_has_not_is_refused),
		test(unified_files_are_written),
		test(bad_unified_keys_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
