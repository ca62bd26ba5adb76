/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of the kernel that the cgroup modules read. A container can have
 * its say in some of them: names of cgroups, of devices, of mount points.
 * The first byte chooses the parser.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cgroup_backend.h"
#include "runtime/cgroup_devices.h"
#include "runtime/cgroup_stats_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_membership(char *text)
{
	char *controllers, *path;

	while (cgroup_membership_next(&text, &controllers, &path)) {
		const char *below = cgroup_path_below("/sys/fs/cgroup/a/box", path);
		if (path[0] != '/' || (below && strlen(below) > strlen(path)))
			abort();
	}
}

static void read_mountinfo(char *text)
{
	static const char *const wanted[] = { "", "memory", "cpu,cpuacct", "name=systemd" };
	struct error err;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct cgroup_mount mount = { NULL, NULL };
		if (cgroup_mount_find(text, wanted[i], &mount, &err) > 0 &&
		    (!mount.root || !mount.point))
			abort();
		cgroup_mount_done(&mount);
	}
}

static void read_processes(char *text)
{
	struct cgroup_pids pids = CGROUP_PIDS_EMPTY;
	struct error err;

	if (cgroup_pids_parse(text, &pids, &err) < 0)
		abort();
	cgroup_pids_sort(&pids);
	for (size_t i = 0; i < pids.count; i++)
		if (pids.pids[i] <= 0 || (i > 0 && pids.pids[i] <= pids.pids[i - 1]))
			abort();
	cgroup_pids_done(&pids);
}

static void read_numbers(char *text)
{
	struct cgroup_number numbers[8];
	uint64_t row[8], value;

	(void)cgroup_parse_numbers(text, numbers, 8);
	(void)cgroup_parse_row(text, row, 8);
	(void)cgroup_text_find(text, "oom_kill", &value);
}

static void read_pressure(char *text)
{
	struct cgroup_pressure pressure;

	(void)cgroup_parse_pressure(text, &pressure);
}

static void read_blocks(char *text)
{
	struct cgroup_block_list bytes = CGROUP_BLOCK_LIST_EMPTY, ops = CGROUP_BLOCK_LIST_EMPTY;
	struct cgroup_rdma_entry entries[4];
	struct error err;

	if (cgroup_parse_rdma(text, entries, 4) > 4)
		abort();
	if (cgroup_parse_block_v1(text, &bytes, &err) < 0 ||
	    cgroup_parse_block_v2(text, &bytes, &ops, &err) < 0)
		abort();
	cgroup_block_list_done(&bytes);
	cgroup_block_list_done(&ops);
}

static void read_devices(char *text)
{
	struct cgroup_device_rules rules, exceptions;
	struct bpf_insn *program = NULL;
	struct error err;
	size_t count;

	if (cgroup_device_list_parse(text, &rules, &err) < 0)
		abort();
	if (cgroup_device_exceptions(&rules, &exceptions, &err) == 0)
		cgroup_device_rules_done(&exceptions);
	if (cgroup_device_program(&rules, &program, &count, &err) < 0)
		abort();
	free(program);
	cgroup_device_rules_done(&rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(char *) = { read_membership, read_mountinfo, read_processes,
						   read_numbers,    read_pressure,  read_blocks,
						   read_devices };
	char *text;

	if (size == 0)
		return 0;
	text = calloc(1, size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](text);
	free(text);
	return 0;
}
