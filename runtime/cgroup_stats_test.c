/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_fake_test.h"
#include "runtime/cgroup_stats.h"
#include "runtime/cgroup_stats_parse.h"

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

static void numbers_and_rows(void **state)
{
	struct cgroup_number numbers[3];
	uint64_t row[4], value = 7;

	(void)state;
	assert_int_equal(cgroup_parse_numbers("cache 12\nbad\nrss -3\nfile 18446744073709551615\n"
					      "x 1\ny 2\n",
					      numbers, 3),
			 3);
	assert_string_equal(numbers[0].name, "cache");
	assert_true(numbers[1].value == UINT64_MAX);
	assert_string_equal(numbers[2].name, "x");
	assert_int_equal(cgroup_parse_row("1 2 3 \n", row, 4), 3);
	assert_int_equal(cgroup_parse_row("1 2 3 4 5", row, 4), 4);
	assert_int_equal(cgroup_parse_row("", row, 4), 0);
	assert_true(cgroup_text_find("oom 1\noom_kill 3\n", "oom_kill", &value));
	assert_int_equal(value, 3);
	assert_false(cgroup_text_find("oom_kills 1\n", "oom_kill", &value));
	assert_false(cgroup_text_find("oom_kill x\n", "oom_kill", &value));
}

static void pressure_lines(void **state)
{
	struct cgroup_pressure pressure;

	(void)state;
	assert_true(cgroup_parse_pressure("some avg10=1.25 avg60=0.07 avg300=100.00 total=9\n"
					  "full avg10=0.00 avg60=0.50 avg300=0.00 total=4\n",
					  &pressure));
	assert_true(pressure.some.avg10 > 1.249 && pressure.some.avg10 < 1.251);
	assert_true(pressure.some.avg60 > 0.069 && pressure.some.avg60 < 0.071);
	assert_int_equal(pressure.some.total, 9);
	assert_int_equal(pressure.full.total, 4);
	assert_false(cgroup_parse_pressure("some\nfull x\n", &pressure));
}

static void block_entries(void **state)
{
	struct cgroup_block_list bytes = CGROUP_BLOCK_LIST_EMPTY, ops = CGROUP_BLOCK_LIST_EMPTY;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_parse_block_v1("8:0 Read 4096\n8:0 Write 1\nTotal 4097\n9 x\n",
					       &bytes, &err),
			 0);
	assert_int_equal(bytes.count, 2);
	assert_string_equal(bytes.entries[1].op, "Write");
	cgroup_block_list_done(&bytes);
	/* Time and sectors are not divided by operation. */
	assert_int_equal(cgroup_parse_block_v1("8:16 77\n8:0 x\n8:0\n8:0 Read -1\n", &bytes, &err),
			 0);
	assert_int_equal(bytes.count, 1);
	assert_string_equal(bytes.entries[0].op, "");
	assert_int_equal(bytes.entries[0].minor, 16);
	assert_int_equal(bytes.entries[0].value, 77);
	cgroup_block_list_done(&bytes);
	assert_int_equal(cgroup_parse_block_v2("254:16 rbytes=5 wbytes=6 rios=7 wios=8 dbytes=0 "
					       "cost.usage=1\n8:1\n",
					       &bytes, &ops, &err),
			 0);
	assert_int_equal(bytes.count, 3);
	assert_int_equal(ops.count, 2);
	assert_int_equal(ops.entries[0].major, 254);
	assert_int_equal(ops.entries[0].minor, 16);
	assert_int_equal(ops.entries[1].value, 8);
	cgroup_block_list_done(&bytes);
	cgroup_block_list_done(&ops);
}

static void rdma_lines(void **state)
{
	struct cgroup_rdma_entry entries[2];

	(void)state;
	assert_int_equal(cgroup_parse_rdma("mlx4_0 hca_handle=2 hca_object=max\n\n"
					   "ocrdma1 hca_object=4294967296 hca_handle=1\nx\n",
					   entries, 2),
			 2);
	assert_string_equal(entries[0].device, "mlx4_0");
	assert_int_equal(entries[0].handles, 2);
	assert_true(entries[0].objects == UINT32_MAX);
	assert_string_equal(entries[1].device, "ocrdma1");
	assert_int_equal(entries[1].objects, 0);
	assert_int_equal(cgroup_parse_rdma("", entries, 2), 0);
}

static void v1_is_read(void **state)
{
	struct fake *fake = *state;
	struct cgroup_stats stats;

	fake_directory(fake, "memory", "m");
	fake_file(fake, "m/memory.usage_in_bytes", "100\n");
	fake_file(fake, "m/memory.limit_in_bytes", "9223372036854771712\n");
	fake_file(fake, "m/memory.memsw.limit_in_bytes", "5000\n");
	fake_file(fake, "m/memory.stat", "cache 60\nrss 40\n");
	fake_file(fake, "m/memory.oom_control", "oom_kill_disable 1\nunder_oom 3\noom_kill 2\n");
	fake_directory(fake, "cpu,cpuacct", "c");
	fake_file(fake, "c/cpuacct.usage", "30\n");
	fake_file(fake, "c/cpuacct.usage_percpu", "10 20 \n");
	fake_file(fake, "c/cpu.stat",
		  "nr_periods 3\nnr_throttled 2\nthrottled_time 1\n"
		  "nr_bursts 6\nburst_time 7\n");
	fake_directory(fake, "blkio", "b");
	fake_file(fake, "b/blkio.bfq.io_service_bytes_recursive", "Total 0\n");
	fake_file(fake, "b/blkio.throttle.io_service_bytes_recursive", "8:0 Read 9\nTotal 9\n");
	fake_file(fake, "b/blkio.bfq.io_queued_recursive", "8:0 Read 1\n8:0 Total 1\nTotal 1\n");
	fake_file(fake, "b/blkio.sectors_recursive", "8:0 12\n");
	fake_directory(fake, "rdma", "r");
	fake_file(fake, "r/rdma.current", "a hca_handle=1 hca_object=2\nb hca_handle=3\n");
	fake_file(fake, "r/rdma.max", "");
	fake_directory(fake, "", "u");
	fake_file(fake, "u/cpu.stat", "usage_usec 999\nuser_usec 4\n");
	assert_ok(cgroup_read_stats(&fake->cgroup, &fake->arena, &stats, &fake->err));
	assert_int_equal(stats.memory.usage, 100);
	assert_true(stats.memory.limit == UINT64_MAX);
	assert_int_equal(stats.memory_swap.limit, 5000);
	assert_int_equal(stats.memory_cache, 60);
	assert_int_equal(stats.n_memory_raw, 2);
	assert_int_equal(stats.oom_kills, 2);
	assert_int_equal(stats.cpu_total_ns, 30);
	assert_int_equal(stats.cpu_user_ns, 4000);
	assert_int_equal(stats.n_cpu_per_cpu_ns, 2);
	assert_int_equal(stats.cpu_throttled_ns, 1);
	assert_int_equal(stats.n_io_service_bytes, 1);
	assert_int_equal(stats.n_io_serviced, 0);
	assert_int_equal(stats.oom_kill_disable, 1);
	assert_int_equal(stats.under_oom, 3);
	assert_int_equal(stats.cpu_bursts, 6);
	assert_int_equal(stats.cpu_burst_ns, 7);
	assert_int_equal(stats.cpu_per_cpu_ns[1], 20);
	assert_int_equal(stats.block[CGROUP_BLOCK_QUEUED].count, 2);
	assert_string_equal(stats.block[CGROUP_BLOCK_QUEUED].entries[1].op, "Total");
	assert_int_equal(stats.block[CGROUP_BLOCK_SECTORS].entries[0].value, 12);
	assert_int_equal(stats.block[CGROUP_BLOCK_TIME].count, 0);
	assert_int_equal(stats.n_rdma_current, 2);
	assert_int_equal(stats.rdma_current[1].handles, 3);
	assert_int_equal(stats.n_rdma_limit, 0);
}

static void v2_is_read(void **state)
{
	struct fake *fake = *state;
	struct cgroup_stats stats;

	fake_directory(fake, "", "u");
	fake_file(fake, "u/memory.events",
		  "low 2\nhigh 3\nmax 5\noom 4\noom_kill 1\n"
		  "oom_group_kill 6\n");
	fake_file(fake, "u/memory.current", "100\n");
	fake_file(fake, "u/memory.max", "200\n");
	fake_file(fake, "u/memory.swap.current", "10\n");
	fake_file(fake, "u/memory.swap.max", "max\n");
	fake_file(fake, "u/memory.swap.peak", "11\n");
	fake_file(fake, "u/hugetlb.2MB.max", "max\n");
	fake_file(fake, "u/rdma.max", "a hca_handle=max hca_object=2\n");
	fake_file(fake, "u/memory.stat", "anon 1\nfile 60\nkernel 7\n");
	fake_file(fake, "u/cpu.stat",
		  "usage_usec 9\nthrottled_usec 2\n"
		  "nr_bursts 1\nburst_usec 8\n");
	fake_file(fake, "u/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=3\n");
	fake_file(fake, "u/pids.current", "4\n");
	fake_file(fake, "u/pids.max", "max\n");
	fake_file(fake, "u/hugetlb.2MB.current", "1\n");
	fake_file(fake, "u/hugetlb.2MB.rsvd.current", "2\n");
	fake_file(fake, "u/hugetlb.2MB.events", "max 6\n");
	fake_file(fake, "u/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4\n");
	assert_ok(cgroup_read_stats(&fake->cgroup, &fake->arena, &stats, &fake->err));
	assert_int_equal(stats.memory.failcnt, 5);
	assert_int_equal(stats.memory_swap.usage, 110);
	assert_true(stats.memory_swap.limit == UINT64_MAX);
	assert_int_equal(stats.memory_kernel.usage, 7);
	assert_int_equal(stats.cpu_total_ns, 9000);
	assert_int_equal(stats.cpu_throttled_ns, 2000);
	assert_true(stats.cpu_pressure.has);
	assert_false(stats.io_pressure.has);
	assert_int_equal(stats.pids_current, 4);
	assert_int_equal(stats.pids_limit, 0);
	assert_int_equal(stats.n_hugetlb, 1);
	assert_string_equal(stats.hugetlb[0].page_size, "2MB");
	assert_int_equal(stats.hugetlb[0].usage, 2);
	assert_int_equal(stats.hugetlb[0].failcnt, 6);
	assert_int_equal(stats.n_io_serviced, 2);
	assert_int_equal(stats.oom_kills, 1);
	assert_int_equal(stats.memory_events.low, 2);
	assert_int_equal(stats.memory_events.high, 3);
	assert_int_equal(stats.memory_events.max, 5);
	assert_int_equal(stats.memory_events.oom, 4);
	assert_int_equal(stats.memory_events.oom_group_kill, 6);
	assert_int_equal(stats.swap.usage, 10);
	assert_int_equal(stats.swap.max_usage, 11);
	assert_true(stats.swap.limit == UINT64_MAX);
	assert_int_equal(stats.cpu_bursts, 1);
	assert_int_equal(stats.cpu_burst_ns, 8000);
	assert_true(stats.hugetlb[0].limit == UINT64_MAX);
	assert_int_equal(stats.n_rdma_limit, 1);
	assert_true(stats.rdma_limit[0].handles == UINT32_MAX);
}

static void a_cgroup_that_is_gone_is_an_error(void **state)
{
	struct fake *fake = *state;
	struct cgroup_stats stats;

	fake_directory(fake, "", "u");
	assert_error(cgroup_read_stats(&fake->cgroup, &fake->arena, &stats, &fake->err),
		     "No such file");
	assert_int_equal(fake->err.code, ENOENT);
	assert_int_equal(cgroup_oom_kills(&fake->cgroup, &fake->err), -1);
	assert_int_equal(cgroup_watch_oom(&fake->cgroup, &fake->err), -1);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_rows),
		cmocka_unit_test(pressure_lines),
		cmocka_unit_test(block_entries),
		cmocka_unit_test(rdma_lines),
		test(v1_is_read),
		test(v2_is_read),
		test(a_cgroup_that_is_gone_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
