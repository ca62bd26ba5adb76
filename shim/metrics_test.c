/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/magic.h>
#include <sys/vfs.h>

#include "runtime/cgroup_fake_test.h"

#include "proto/metrics_v1.pb-c.h"
#include "proto/metrics_v2.pb-c.h"
#include "shim/metrics.h"
#include "shim/metrics_message.h"

typedef Io__Containerd__Cgroups__V1__Metrics v1_metrics;
typedef Io__Containerd__Cgroups__V2__Metrics v2_metrics;

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

typedef int pack_function(const struct cgroup_stats *stats, struct arena *arena,
			  Google__Protobuf__Any *ret, struct error *err);

static void read_and_pack(struct fake *fake, pack_function *pack, Google__Protobuf__Any *ret)
{
	struct cgroup_stats stats;

	assert_ok(cgroup_read_stats(&fake->cgroup, &fake->arena, &stats, &fake->err));
	assert_ok(pack(&stats, &fake->arena, ret, &fake->err));
}

static v1_metrics *read_v1(struct fake *fake)
{
	Google__Protobuf__Any any;

	read_and_pack(fake, metrics_pack_v1, &any);
	assert_string_equal(any.type_url, "io.containerd.cgroups.v1.Metrics");
	v1_metrics *metrics =
		io__containerd__cgroups__v1__metrics__unpack(NULL, any.value.len, any.value.data);
	assert_non_null(metrics);
	return metrics;
}

static v2_metrics *read_v2(struct fake *fake)
{
	Google__Protobuf__Any any;

	read_and_pack(fake, metrics_pack_v2, &any);
	assert_string_equal(any.type_url, "io.containerd.cgroups.v2.Metrics");
	v2_metrics *metrics =
		io__containerd__cgroups__v2__metrics__unpack(NULL, any.value.len, any.value.data);
	assert_non_null(metrics);
	return metrics;
}

/* The message has the key's place in the list as its value, so that a mix-up shows. */
static void make_memory_stat(const struct fake *fake, const char *path, const char *const *names)
{
	char text[4096];
	size_t n = 0;

	for (unsigned int i = 0; names[i]; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %u\n", names[i], i + 1);
	assert_true(n < sizeof(text));
	fake_file(fake, path, text);
}

/* Field by its number in the .proto, which is how containerd numbers them. */
static uint64_t uint64_field(const ProtobufCMessage *message, unsigned int id)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field(message->descriptor, id);

	assert_non_null(field);
	assert_int_equal(field->type, PROTOBUF_C_TYPE_UINT64);
	return *(const uint64_t *)(const void *)((const char *)message + field->offset);
}

/* ---- v1 ------------------------------------------------------------------------------------- */

static const char *const v1_names[] = {
	"cache",
	"rss",
	"rss_huge",
	"mapped_file",
	"dirty",
	"writeback",
	"pgpgin",
	"pgpgout",
	"pgfault",
	"pgmajfault",
	"inactive_anon",
	"active_anon",
	"inactive_file",
	"active_file",
	"unevictable",
	"hierarchical_memory_limit",
	"hierarchical_memsw_limit",
	"total_cache",
	"total_rss",
	"total_rss_huge",
	"total_mapped_file",
	"total_dirty",
	"total_writeback",
	"total_pgpgin",
	"total_pgpgout",
	"total_pgfault",
	"total_pgmajfault",
	"total_inactive_anon",
	"total_active_anon",
	"total_inactive_file",
	"total_active_file",
	"total_unevictable",
	"shmem",
	NULL,
};

static void make_v1(struct fake *fake)
{
	fake_directory(fake, "memory", "m");
	make_memory_stat(fake, "m/memory.stat", v1_names);
	fake_file(fake, "m/memory.limit_in_bytes", "9223372036854771712\n");
	fake_file(fake, "m/memory.usage_in_bytes", "101\n");
	fake_file(fake, "m/memory.max_usage_in_bytes", "102\n");
	fake_file(fake, "m/memory.failcnt", "103\n");
	fake_file(fake, "m/memory.memsw.limit_in_bytes", "104\n");
	fake_file(fake, "m/memory.kmem.usage_in_bytes", "105\n");
	fake_file(fake, "m/memory.oom_control", "oom_kill_disable 1\nunder_oom 2\noom_kill 3\n");
	fake_directory(fake, "cpuacct,cpu", "c");
	fake_file(fake, "c/cpuacct.usage", "201\n");
	fake_file(fake, "c/cpuacct.usage_user", "202\n");
	fake_file(fake, "c/cpuacct.usage_sys", "203\n");
	fake_file(fake, "c/cpuacct.usage_percpu", "11 12 13 \n");
	fake_file(fake, "c/cpu.stat", "nr_periods 204\nnr_throttled 205\nthrottled_time 206\n");
	fake_directory(fake, "pids", "p");
	fake_file(fake, "p/pids.current", "7\n");
	fake_file(fake, "p/pids.max", "max\n");
}

static void v1_numbers(void **state)
{
	struct fake *fake = *state;

	make_v1(fake);
	v1_metrics *metrics = read_v1(fake);
	for (unsigned int i = 1; i <= 32; i++)
		assert_int_equal(uint64_field(&metrics->memory->base, i), i);
	assert_true(metrics->memory->usage->limit ==
		    (uint64_t)INT64_MAX / (uint64_t)getpagesize() * (uint64_t)getpagesize());
	assert_int_equal(metrics->memory->usage->usage, 101);
	assert_int_equal(metrics->memory->usage->max, 102);
	assert_int_equal(metrics->memory->usage->failcnt, 103);
	assert_int_equal(metrics->memory->swap->limit, 104);
	assert_int_equal(metrics->memory->kernel->usage, 105);
	assert_null(metrics->memory->kernel_tcp);
	assert_int_equal(metrics->memory_oom_control->oom_kill_disable, 1);
	assert_int_equal(metrics->memory_oom_control->under_oom, 2);
	assert_int_equal(metrics->memory_oom_control->oom_kill, 3);
	assert_int_equal(metrics->cpu->usage->total, 201);
	assert_int_equal(metrics->cpu->usage->user, 202);
	assert_int_equal(metrics->cpu->usage->kernel, 203);
	assert_int_equal(metrics->cpu->usage->n_per_cpu, 3);
	assert_int_equal(metrics->cpu->usage->per_cpu[2], 13);
	assert_int_equal(metrics->cpu->throttling->periods, 204);
	assert_int_equal(metrics->cpu->throttling->throttled_periods, 205);
	assert_int_equal(metrics->cpu->throttling->throttled_time, 206);
	assert_int_equal(metrics->pids->current, 7);
	assert_int_equal(metrics->pids->limit, 0);
	assert_non_null(metrics->blkio);
	assert_null(metrics->rdma);
	io__containerd__cgroups__v1__metrics__free_unpacked(metrics, NULL);
}

static void v1_devices(void **state)
{
	struct fake *fake = *state;

	fake_directory(fake, "blkio", "b");
	fake_file(fake, "b/blkio.throttle.io_service_bytes",
		  "4095:1 Read 1\n4095:1 Write 2\nTotal 3\n");
	fake_file(fake, "b/blkio.throttle.io_serviced", "4095:1 Read 4\n");
	fake_file(fake, "b/blkio.io_queued_recursive", "8:0 Total 5\n");
	fake_file(fake, "b/blkio.io_service_time_recursive", "8:0 Total 6\n");
	fake_file(fake, "b/blkio.io_wait_time_recursive", "8:0 Total 7\n");
	fake_file(fake, "b/blkio.io_merged_recursive", "8:0 Total 8\n");
	fake_file(fake, "b/blkio.time_recursive", "8:0 9\n");
	fake_file(fake, "b/blkio.sectors_recursive", "8:0 10\n");
	fake_directory(fake, "hugetlb", "h");
	fake_file(fake, "h/hugetlb.2MB.usage_in_bytes", "21\n");
	fake_file(fake, "h/hugetlb.2MB.max_usage_in_bytes", "22\n");
	fake_file(fake, "h/hugetlb.2MB.failcnt", "23\n");
	fake_directory(fake, "rdma", "r");
	fake_file(fake, "r/rdma.current", "mlx4_0 hca_handle=1 hca_object=2\n");
	fake_file(fake, "r/rdma.max", "mlx4_0 hca_handle=max hca_object=3\n");
	v1_metrics *metrics = read_v1(fake);
	const Io__Containerd__Cgroups__V1__BlkIOStat *block = metrics->blkio;
	assert_int_equal(block->n_io_service_bytes_recursive, 2);
	assert_string_equal(block->io_service_bytes_recursive[1]->op, "Write");
	assert_string_equal(block->io_service_bytes_recursive[1]->device, ""); /* there is none */
	assert_int_equal(block->io_service_bytes_recursive[1]->major, 4095);
	assert_int_equal(block->io_service_bytes_recursive[1]->minor, 1);
	assert_int_equal(block->io_service_bytes_recursive[1]->value, 2);
	assert_int_equal(block->io_serviced_recursive[0]->value, 4);
	assert_int_equal(block->io_queued_recursive[0]->value, 5);
	assert_int_equal(block->io_service_time_recursive[0]->value, 6);
	assert_int_equal(block->io_wait_time_recursive[0]->value, 7);
	assert_int_equal(block->io_merged_recursive[0]->value, 8);
	assert_int_equal(block->io_time_recursive[0]->value, 9);
	assert_string_equal(block->io_time_recursive[0]->op, "");
	assert_int_equal(block->sectors_recursive[0]->value, 10);
	assert_int_equal(metrics->n_hugetlb, 1);
	assert_int_equal(metrics->hugetlb[0]->usage, 21);
	assert_int_equal(metrics->hugetlb[0]->max, 22);
	assert_int_equal(metrics->hugetlb[0]->failcnt, 23);
	assert_string_equal(metrics->hugetlb[0]->pagesize, "2MB");
	assert_string_equal(metrics->rdma->current[0]->device, "mlx4_0");
	assert_int_equal(metrics->rdma->current[0]->hca_objects, 2);
	assert_true(metrics->rdma->limit[0]->hca_handles == UINT32_MAX);
	assert_int_equal(metrics->rdma->limit[0]->hca_objects, 3);
	io__containerd__cgroups__v1__metrics__free_unpacked(metrics, NULL);
}

/* Clients look into these without asking whether they are there. */
static void v1_of_a_machine_that_counts_nothing(void **state)
{
	struct fake *fake = *state;

	fake_directory(fake, "memory", "m");
	fake_file(fake, "m/cgroup.procs", "");
	v1_metrics *metrics = read_v1(fake);
	assert_non_null(metrics->cpu->usage);
	assert_non_null(metrics->cpu->throttling);
	assert_non_null(metrics->memory->usage);
	assert_null(metrics->memory->swap);
	assert_null(metrics->memory->kernel);
	assert_non_null(metrics->pids);
	assert_non_null(metrics->memory_oom_control);
	io__containerd__cgroups__v1__metrics__free_unpacked(metrics, NULL);
}

/* ---- v2 ------------------------------------------------------------------------------------- */

static const char *const v2_names[] = {
	"anon",
	"file",
	"kernel_stack",
	"slab",
	"sock",
	"shmem",
	"file_mapped",
	"file_dirty",
	"file_writeback",
	"anon_thp",
	"inactive_anon",
	"active_anon",
	"inactive_file",
	"active_file",
	"unevictable",
	"slab_reclaimable",
	"slab_unreclaimable",
	"pgfault",
	"pgmajfault",
	"workingset_refault",
	"workingset_activate",
	"workingset_nodereclaim",
	"pgrefill",
	"pgscan",
	"pgsteal",
	"pgactivate",
	"pgdeactivate",
	"pglazyfree",
	"pglazyfreed",
	"thp_fault_alloc",
	"thp_collapse_alloc",
	"kernel",
	NULL,
};

static void make_v2(struct fake *fake)
{
	fake_directory(fake, "", "u");
	make_memory_stat(fake, "u/memory.stat", v2_names);
	fake_file(fake, "u/memory.events",
		  "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n");
	fake_file(fake, "u/memory.current", "32\n");
	fake_file(fake, "u/memory.max", "33\n");
	fake_file(fake, "u/memory.swap.current", "34\n");
	fake_file(fake, "u/memory.swap.max", "35\n");
	fake_file(fake, "u/memory.peak", "36\n");
	fake_file(fake, "u/memory.swap.peak", "37\n");
	fake_file(fake, "u/memory.pressure",
		  "some avg10=1.50 avg60=2.00 avg300=3.00 total=4\n"
		  "full avg10=5.00 avg60=6.00 avg300=7.00 total=8\n");
	fake_file(fake, "u/cpu.stat",
		  "usage_usec 1\nuser_usec 2\nsystem_usec 3\nnr_periods 4\nnr_throttled 5\n"
		  "throttled_usec 6\nnr_bursts 8\nburst_usec 9\n");
	fake_file(fake, "u/pids.current", "7\n");
	fake_file(fake, "u/pids.max", "max\n");
}

static void v2_numbers(void **state)
{
	static const unsigned int cpu_fields[] = { 1, 2, 3, 4, 5, 6, 8, 9 };
	struct fake *fake = *state;

	make_v2(fake);
	v2_metrics *metrics = read_v2(fake);
	for (unsigned int i = 1; i <= 37; i++)
		assert_int_equal(uint64_field(&metrics->memory->base, i), i);
	for (size_t i = 0; i < sizeof(cpu_fields) / sizeof(cpu_fields[0]); i++)
		assert_int_equal(uint64_field(&metrics->cpu->base, cpu_fields[i]), cpu_fields[i]);
	for (unsigned int i = 1; i <= 6; i++)
		assert_int_equal(uint64_field(&metrics->memory_events->base, i), i);
	assert_true(metrics->memory->psi->some->avg10 > 1.49 &&
		    metrics->memory->psi->some->avg10 < 1.51);
	assert_true(metrics->memory->psi->full->avg300 > 6.99);
	assert_int_equal(metrics->memory->psi->full->total, 8);
	assert_null(metrics->cpu->psi);
	assert_null(metrics->io->psi);
	assert_int_equal(metrics->pids->current, 7);
	assert_true(metrics->pids->limit == UINT64_MAX);
	assert_int_equal(metrics->n_hugetlb, 0);
	io__containerd__cgroups__v2__metrics__free_unpacked(metrics, NULL);
}

static void v2_devices_and_no_limits(void **state)
{
	struct fake *fake = *state;

	make_v2(fake);
	fake_file(fake, "u/memory.max", "max\n");
	fake_file(fake, "u/memory.swap.max", "max\n");
	fake_file(fake, "u/memory.stat", "workingset_refault_anon 2\nworkingset_refault_file 3\n");
	fake_file(fake, "u/pids.max", "12\n");
	fake_file(fake, "u/io.stat",
		  "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=9 dios=9\n"
		  "254:16 rbytes=5 rios=6\n7:0\n");
	fake_file(fake, "u/hugetlb.1GB.current", "41\n");
	fake_file(fake, "u/hugetlb.1GB.max", "max\n");
	fake_file(fake, "u/hugetlb.1GB.events", "max 43\n");
	fake_file(fake, "u/rdma.current", "mlx4_0 hca_handle=1 hca_object=2\n");
	fake_file(fake, "u/rdma.max", "mlx4_0 hca_handle=3 hca_object=max\n");
	v2_metrics *metrics = read_v2(fake);
	assert_true(metrics->memory->usage_limit == UINT64_MAX);
	assert_true(metrics->memory->swap_limit == UINT64_MAX);
	assert_int_equal(metrics->memory->workingset_refault, 5);
	assert_int_equal(metrics->pids->limit, 12);
	assert_int_equal(metrics->io->n_usage, 2);
	assert_int_equal(metrics->io->usage[0]->major, 8);
	assert_int_equal(metrics->io->usage[0]->rbytes, 1);
	assert_int_equal(metrics->io->usage[0]->wbytes, 2);
	assert_int_equal(metrics->io->usage[0]->rios, 3);
	assert_int_equal(metrics->io->usage[0]->wios, 4);
	assert_int_equal(metrics->io->usage[1]->minor, 16);
	assert_int_equal(metrics->io->usage[1]->rbytes, 5);
	assert_int_equal(metrics->io->usage[1]->rios, 6);
	assert_int_equal(metrics->hugetlb[0]->current, 41);
	assert_true(metrics->hugetlb[0]->max == UINT64_MAX);
	assert_int_equal(metrics->hugetlb[0]->failcnt, 43);
	assert_string_equal(metrics->hugetlb[0]->pagesize, "1GB");
	assert_int_equal(metrics->rdma->current[0]->hca_handles, 1);
	assert_true(metrics->rdma->limit[0]->hca_objects == UINT32_MAX);
	io__containerd__cgroups__v2__metrics__free_unpacked(metrics, NULL);
}

/* ---- both ----------------------------------------------------------------------------------- */

static void a_cgroup_that_is_gone_is_not_found(void **state)
{
	struct fake *fake = *state;
	Google__Protobuf__Any any;

	fake_directory(fake, "memory", "m");
	assert_error(metrics_read(&fake->cgroup, &fake->arena, &any, &fake->err), "cgroup");
	assert_int_equal(fake->err.code, ENOENT);
}

static void our_own_metrics(void **state)
{
	struct fake *fake = *state;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	struct statfs fs;

	if (cgroup_of_process(&cgroup_machine_default, getpid(), &fake->arena, &fake->cgroup,
			      &fake->err) < 0 ||
	    fake->cgroup.n_directories == 0 ||
	    metrics_read(&fake->cgroup, &fake->arena, &any, &fake->err) < 0) {
		print_message("skipped: %s\n", fake->err.text);
		skip();
	}
	assert_int_equal(statfs("/sys/fs/cgroup", &fs), 0);
	assert_string_equal(any.type_url, fs.f_type == CGROUP2_SUPER_MAGIC
						  ? "io.containerd.cgroups.v2.Metrics"
						  : "io.containerd.cgroups.v1.Metrics");
	assert_true(any.value.len > 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(v1_numbers),
		test(v1_devices),
		test(v1_of_a_machine_that_counts_nothing),
		test(v2_numbers),
		test(v2_devices_and_no_limits),
		test(a_cgroup_that_is_gone_is_not_found),
		test(our_own_metrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
