/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_check_test.h"

#include <stdlib.h>

#include "oci/spec_sysctl.h"

#define NET_DEVICES(members)                                                                       \
	LINUX("\"namespaces\":[" NS("network") "],\"netDevices\":{" members "}")

static const struct row bad_linux[] = {
	{ LINUX("\"intelRdt\":{\"closID\":\"../x\"}"), "linux.intelRdt.closID: \"../x\" is not" },
	{ LINUX("\"intelRdt\":{\"closID\":\"info\"}"), "linux.intelRdt.closID: \"info\" is not" },
	{ LINUX("\"intelRdt\":{\"l3CacheSchema\":\"MB:0=1\"}"),
	  "linux.intelRdt.l3CacheSchema: \"MB:0=1\" does not begin with L3" },
	{ LINUX("\"intelRdt\":{\"memBwSchema\":\"MB:0=1\\nL3:0=1\"}"),
	  "linux.intelRdt.memBwSchema: must not contain a line break" },
	{ LINUX("\"intelRdt\":{\"memBwSchema\":\"L3:0=1\"}"),
	  "linux.intelRdt.memBwSchema: \"L3:0=1\" does not begin with MB:" },
	{ LINUX("\"intelRdt\":{\"schemata\":[\"L3:0=1\",\"a\\nb\"]}"),
	  "linux.intelRdt.schemata[1]: must not contain a line break" },
	{ LINUX("\"netDevices\":{\"eth0\":{}}"), "linux.netDevices: needs a network namespace" },
	{ NET_DEVICES("\"a/b\":{}"), "linux.netDevices: \"a/b\" is no name of an interface" },
	{ NET_DEVICES("\"net%d\":{}"), "linux.netDevices: \"net%d\" is no name" },
	{ NET_DEVICES("\"..\":{}"), "linux.netDevices: \"..\" is no name" },
	{ NET_DEVICES("\"a\":{\"name\":\"%d\"}"), "linux.netDevices[\"a\"].name: \"%d\" is no" },
	{ NET_DEVICES("\"a\":{\"name\":\"b%dc\"}"), "linux.netDevices[\"a\"].name: \"b%dc\"" },
	{ NET_DEVICES("\"a\":{\"name\":\"sixteen-letters-\"}"), "linux.netDevices[\"a\"].name: " },
	{ NET_DEVICES("\"a\":{\"name\":\"x\"},\"b\":{\"name\":\"x\"}"),
	  "linux.netDevices[\"b\"].name: \"x\" is there twice" },
	{ LINUX("\"memoryPolicy\":{}"), "linux.memoryPolicy.mode: invalid memory policy mode" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"BIND\"}"),
	  "linux.memoryPolicy.mode: invalid memory policy mode \"BIND\"" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"flags\":[\"x\"]}"),
	  "linux.memoryPolicy.flags[0]: invalid memory policy flag \"x\"" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0-99999\"}"),
	  "linux.memoryPolicy.nodes: invalid memory policy nodes" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_LOCAL\",\"nodes\":\"0-7\"}"),
	  "linux.memoryPolicy.nodes: MPOL_LOCAL mode requires 0 nodes but got 8" },
	{ LINUX("\"namespaces\":[" NS("x") "]"), "linux.namespaces[0].type: \"x\" is none of" },
	{ LINUX("\"namespaces\":[" NS("pid") "," NS("ipc") "," NS("pid") "]"),
	  "linux.namespaces[2].type: pid is there twice" },
	{ LINUX("\"namespaces\":[{\"type\":\"pid\",\"path\":\"proc/1\"}]"),
	  "linux.namespaces[0].path: \"proc/1\" is not absolute" },
	{ LINUX("\"namespaces\":[" NS("user") "]"),
	  "linux.uidMappings: user namespaces enabled, but no mappings found" },
	{ LINUX("\"namespaces\":[" NS("user") "],\"uidMappings\":[" MAP(0, 1, 1) "]"),
	  "linux.gidMappings: user namespaces enabled, but no mappings found" },
	{ LINUX("\"uidMappings\":[" MAP(0, 1, 1) "]"),
	  "linux.uidMappings: needs a user namespace" },
	{ LINUX("\"gidMappings\":[" MAP(0, 1, 1) "]"),
	  "linux.gidMappings: needs a user namespace" },
	{ MAPPED(MAP(0, 1, 0)), "linux.uidMappings[0].size: must not be 0" },
	{ MAPPED(MAP(4294967295, 1, 1)),
	  "linux.uidMappings[0].containerID: no room for 1 ids behind 4294967295" },
	{ MAPPED(MAP(0, 4294967290, 6)), "linux.uidMappings[0].hostID: no room for 6 ids" },
	{ MAPPED(MAP(0, 100, 10) "," MAP(9, 200, 10)),
	  "linux.uidMappings[1].containerID: the range overlaps with that of [0]" },
	{ MAPPED(MAP(0, 100, 10) "," MAP(10, 91, 10)),
	  "linux.uidMappings[1].hostID: the range overlaps with that of [0]" },
	{ LINUX("\"timeOffsets\":{\"boottime\":{\"secs\":1}}"),
	  "linux.timeOffsets: needs a time namespace" },
	{ LINUX("\"namespaces\":[{\"type\":\"time\",\"path\":\"/p\"}],"
		"\"timeOffsets\":{\"boottime\":{\"secs\":1}}"),
	  "linux.timeOffsets: cannot be set" },
	{ LINUX("\"namespaces\":[" NS(
		  "time") "],"
			  "\"timeOffsets\":{\"monotonic\":{\"nanosecs\":1000000000}}"),
	  "linux.timeOffsets.monotonic.nanosecs: more than 999999999" },
	{ DEVICE("\"path\":\"/dev/x\""), "linux.devices[0].type: missing" },
	{ DEVICE("\"type\":\"x\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1"),
	  "linux.devices[0].type: \"x\" is none of c, u, b, p" },
	{ DEVICE("\"type\":\"\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1"),
	  "linux.devices[0].type: \"\" is none" },
	{ DEVICE("\"type\":\"c\",\"path\":\"dev/x\",\"major\":1,\"minor\":1"),
	  "linux.devices[0].path: \"dev/x\" is not absolute" },
	{ DEVICE("\"type\":\"c\",\"path\":\"/dev/x\",\"minor\":1"),
	  "linux.devices[0].major: missing, or not within" },
	{ DEVICE("\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1"),
	  "linux.devices[0].minor: missing, or not within" },
	{ DEVICE("\"type\":\"b\",\"path\":\"/dev/x\",\"major\":4096,\"minor\":1"),
	  "linux.devices[0].major: " },
	{ DEVICE("\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1,\"fileMode\":4096"),
	  "linux.devices[0].fileMode: 4096 is more than 4095" },
	{ DEVICE("\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1,\"fileMode\":25008"),
	  "linux.devices[0].fileMode: 25008 is more than" },
	{ DEVICE("\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1,\"uid\":4294967295"),
	  "linux.devices[0].uid: 4294967295 is out of range" },
	{ DEVICE("\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1},"
		 "{\"type\":\"c\",\"path\":\"/dev/y\",\"major\":1,\"minor\":2},"
		 "{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":2"),
	  "linux.devices[2].path: /dev/x is another device already" },
	{ LINUX("\"rootfsPropagation\":\"x\""), "linux.rootfsPropagation: \"x\" is not known" },
	{ LINUX("\"maskedPaths\":[\"/a\",\"b\"]"), "linux.maskedPaths[1]: \"b\" is not absolute" },
	{ LINUX("\"readonlyPaths\":[\"\"]"), "linux.readonlyPaths[0]: \"\" is not absolute" },
	{ LINUX("\"mountLabel\":\"a\\nb\""), "linux.mountLabel: must not contain a line break" },
	{ LINUX("\"cgroupsPath\":\"/a/../../b\""), "linux.cgroupsPath: must not contain \"..\"" },
	{ LINUX("\"cgroupsPath\":\"..\""), "linux.cgroupsPath: must not contain \"..\"" },
	{ LINUX("\"cgroupsPath\":\"a\\nb\""), "linux.cgroupsPath: must not contain a line break" },
	{ LINUX("\"personality\":{}"), "linux.personality.domain: missing" },
	{ LINUX("\"personality\":{\"domain\":\"BSD\"}"),
	  "linux.personality.domain: \"BSD\" is none of LINUX, LINUX32" },
	{ LINUX("\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"X\"]}"),
	  "linux.personality.flags[0]: \"X\" is not known" },
};

/* SECURITY.md S6: only what belongs to a namespace of the container, and one line. */
static const struct row bad_sysctl[] = {
	{ SYSCTL("ipc", "vm.swappiness", "1"),
	  "linux.sysctl[\"vm.swappiness\"]: belongs to no namespace" },
	{ SYSCTL("ipc", "kernel.core_pattern", "|/x"),
	  "linux.sysctl[\"kernel.core_pattern\"]: belongs to no namespace" },
	{ SYSCTL("ipc", "kernel.shmx", "1"), "linux.sysctl[\"kernel.shmx\"]: belongs to no" },
	{ SYSCTL("pid", "kernel.shmmax", "1"),
	  "linux.sysctl[\"kernel.shmmax\"]: needs a ipc namespace" },
	{ SYSCTL("ipc", "net.ipv4.ip_forward", "1"),
	  "linux.sysctl[\"net.ipv4.ip_forward\"]: needs a network namespace" },
	{ SYSCTL("network", "fs.mqueue.msg_max", "1"),
	  "linux.sysctl[\"fs.mqueue.msg_max\"]: needs a ipc namespace" },
	{ SYSCTL("network", "user.max_pid_namespaces", "1"),
	  "linux.sysctl[\"user.max_pid_namespaces\"]: needs a user namespace" },
	{ SYSCTL("network", "kernel.domainname", "a"),
	  "linux.sysctl[\"kernel.domainname\"]: needs a uts namespace" },
	{ SYSCTL("uts", "kernel.hostname", "a"),
	  "linux.sysctl[\"kernel.hostname\"]: use \"hostname\" instead" },
	{ SYSCTL("uts", "kernel/hostname", "a"),
	  "linux.sysctl[\"kernel/hostname\"]: use \"hostname\" instead" },
	{ TOP("\"domainname\":\"a\",\"linux\":{\"namespaces\":[" NS(
		  "uts") "],\"sysctl\":{\"kernel.domainname\":\"b\"}}"),
	  "linux.sysctl[\"kernel.domainname\"]: \"domainname\" is set, too" },
	{ SYSCTL("network", "net/../kernel/core_pattern", "a"),
	  "linux.sysctl[\"net/../kernel/core_pattern\"]: not the name of" },
	{ SYSCTL("network", "net.//.kernel.core_pattern", "a"),
	  "linux.sysctl[\"net.//.kernel.core_pattern\"]: not the name of" },
	{ SYSCTL("network", "net..x", "a"), "linux.sysctl[\"net..x\"]: not the name of" },
	{ SYSCTL("network", "net/./x", "a"), "linux.sysctl[\"net/./x\"]: not the name of" },
	{ SYSCTL("network", "/net/x", "a"), "linux.sysctl[\"/net/x\"]: not the name of" },
	{ SYSCTL("network", "net", "a"), "linux.sysctl[\"net\"]: belongs to no namespace" },
	{ SYSCTL("network", "", "a"), "linux.sysctl[\"\"]: not the name of" },
	{ SYSCTL("network", "net.a\\nb", "a"), "linux.sysctl[\"net.a\nb\"]: not the name of" },
	{ SYSCTL("network", "net.ipv4.ip_forward", "1\\n2"),
	  "linux.sysctl[\"net.ipv4.ip_forward\"]: a value must not contain" },
	{ SYSCTL("network", "net.ipv4.ip_forward", "1+kernel.core_pattern=x"),
	  "linux.sysctl[\"net.ipv4.ip_forward\"]: a value must not contain" },
};

static const struct row bad_resources[] = {
	{ RESOURCES("\"devices\":[{\"type\":\"c\"}]"),
	  "linux.resources.devices[0].allow: missing" },
	{ RESOURCES("\"devices\":[{\"allow\":true,\"type\":\"p\"}]"),
	  "linux.resources.devices[0].type: \"p\" is none of a, c, b" },
	{ RESOURCES("\"devices\":[{\"allow\":true,\"major\":-2}]"),
	  "linux.resources.devices[0].major: -2 is out of range" },
	{ RESOURCES("\"devices\":[{\"allow\":true,\"minor\":4294967296}]"),
	  "linux.resources.devices[0].minor: 4294967296 is out of range" },
	{ RESOURCES("\"devices\":[{\"allow\":true,\"access\":\"rx\"}]"),
	  "linux.resources.devices[0].access: \"rx\" is not made of r, w and m" },
	{ RESOURCES("\"memory\":{\"limit\":-2}"), "linux.resources.memory.limit: -2 is less" },
	{ RESOURCES("\"memory\":{\"limit\":1.5}"),
	  "linux.resources.memory.limit: expected an integer, found 1.5" },
	{ RESOURCES("\"memory\":{\"reservation\":-2}"), "linux.resources.memory.reservation: " },
	{ RESOURCES("\"memory\":{\"kernelTCP\":-2}"), "linux.resources.memory.kernelTCP: " },
	{ RESOURCES("\"memory\":{\"limit\":10,\"swap\":9}"),
	  "linux.resources.memory.swap: memory and swap together, 9, are less than limit, 10" },
	{ RESOURCES("\"memory\":{\"swappiness\":101}"),
	  "linux.resources.memory.swappiness: 101 is more than 100" },
	{ RESOURCES("\"cpu\":{\"quota\":-2}"), "linux.resources.cpu.quota: -2 is less" },
	{ RESOURCES("\"cpu\":{\"quota\":10,\"burst\":11}"),
	  "linux.resources.cpu.burst: 11 is more than quota, 10" },
	{ RESOURCES("\"cpu\":{\"shares\":-1}"), "linux.resources.cpu.shares: -1 is out of range" },
	{ RESOURCES("\"cpu\":{\"idle\":2}"), "linux.resources.cpu.idle: 2 is neither 0 nor 1" },
	{ RESOURCES("\"cpu\":{\"cpus\":\"0-a\"}"), "linux.resources.cpu.cpus: \"0-a\" is not" },
	{ RESOURCES("\"cpu\":{\"mems\":\"0\\n1\"}"), "linux.resources.cpu.mems: " },
	{ RESOURCES("\"pids\":{\"limit\":-2}"), "linux.resources.pids.limit: -2 is less" },
	{ RESOURCES("\"blockIO\":{\"weight\":9}"),
	  "linux.resources.blockIO.weight: 9 is not within 10 and 1000" },
	{ RESOURCES("\"blockIO\":{\"leafWeight\":1001}"), "linux.resources.blockIO.leafWeight: " },
	{ RESOURCES("\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0}]}"),
	  "linux.resources.blockIO.weightDevice[0].weight: missing, and so is leafWeight" },
	{ RESOURCES("\"blockIO\":{\"weightDevice\":[{\"major\":8,\"weight\":10}]}"),
	  "linux.resources.blockIO.weightDevice[0].minor: missing" },
	{ RESOURCES("\"blockIO\":{\"throttleWriteIOPSDevice\":[{\"major\":-1,\"minor\":0,"
		    "\"rate\":1}]}"),
	  "linux.resources.blockIO.throttleWriteIOPSDevice[0].major: -1 is not within" },
	{ RESOURCES("\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":1,\"minor\":0}]}"),
	  "linux.resources.blockIO.throttleReadBpsDevice[0].rate: missing" },
	{ RESOURCES("\"hugepageLimits\":[{\"limit\":1,\"pageSize\":\"64kB\"}]"),
	  "linux.resources.hugepageLimits[0].pageSize: \"64kB\" is not a size" },
	{ RESOURCES("\"hugepageLimits\":[{\"limit\":1,\"pageSize\":\"02MB\"}]"),
	  "linux.resources.hugepageLimits[0].pageSize: \"02MB\" is not" },
	{ RESOURCES("\"hugepageLimits\":[{\"limit\":1,\"pageSize\":\"2\"}]"),
	  "linux.resources.hugepageLimits[0].pageSize: \"2\" is not" },
	{ RESOURCES("\"hugepageLimits\":[{\"limit\":1,\"pageSize\":\"2MB/../x\"}]"),
	  "linux.resources.hugepageLimits[0].pageSize: " },
	{ RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"2MB\"}]"),
	  "linux.resources.hugepageLimits[0].limit: missing" },
	{ RESOURCES("\"network\":{\"priorities\":[{\"name\":\"a b\",\"priority\":1}]}"),
	  "linux.resources.network.priorities[0].name: \"a b\" is not" },
	{ RESOURCES("\"network\":{\"classID\":4294967296}"),
	  "linux.resources.network.classID: 4294967296 is out of range" },
	{ RESOURCES("\"rdma\":{\"a\":{}}"), "linux.resources.rdma[\"a\"].hcaHandles: missing" },
	{ RESOURCES("\"rdma\":{\"a b\":{\"hcaObjects\":1}}"),
	  "linux.resources.rdma[\"a b\"]: not the name" },
	{ RESOURCES("\"rdma\":{\"a\":{\"hcaHandles\":\"x\"}}"),
	  "linux.resources.rdma[\"a\"].hcaHandles: expected an unsigned integer" },
	{ RESOURCES("\"unified\":{\"../memory.max\":\"1\"}"),
	  "linux.resources.unified[\"../memory.max\"]: not the name" },
	{ RESOURCES("\"unified\":{\"a/b\":\"1\"}"), "linux.resources.unified[\"a/b\"]: not the" },
	{ RESOURCES("\"unified\":{\"..\":\"1\"}"), "linux.resources.unified[\"..\"]: not the" },
	{ RESOURCES("\"unified\":{\"\":\"1\"}"), "linux.resources.unified[\"\"]: not the name" },
	{ RESOURCES("\"unified\":{\"cgroup.procs\":\"1\"}"),
	  "linux.resources.unified[\"cgroup.procs\"]: is the runtime's to write" },
	{ RESOURCES("\"unified\":{\"memory.max\":1}"),
	  "linux.resources.unified[\"memory.max\"]: expected a string" },
};

static const struct row bad_seccomp[] = {
	{ SECCOMP("\"flags\":[]"), "linux.seccomp.defaultAction: missing" },
	{ SECCOMP("\"defaultAction\":\"X\""), "linux.seccomp.defaultAction: \"X\" is not known" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_NOTIFY\",\"listenerPath\":\"/l\""),
	  "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1"),
	  "linux.seccomp.defaultErrnoRet: SCMP_ACT_ALLOW takes no errno" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096"),
	  "linux.seccomp.defaultErrnoRet: 4096 is more than 4095" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X\"]"),
	  "linux.seccomp.architectures[0]: \"SCMP_ARCH_X\" is not known" },
	{ SECCOMP("\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"X\"]"),
	  "linux.seccomp.flags[0]: \"X\" is not known" },
	{ CALL("\"names\":[\"a\"]"), "linux.seccomp.syscalls[1].action: missing" },
	{ CALL("\"action\":\"SCMP_ACT_LOG\""),
	  "linux.seccomp.syscalls[1].names: must have at least one entry" },
	{ CALL("\"names\":[\"a\",\"\"],\"action\":\"SCMP_ACT_LOG\""),
	  "linux.seccomp.syscalls[1].names[1]: must not be empty" },
	{ CALL("\"names\":[\"a\"],\"action\":\"SCMP_ACT_LOG\",\"errnoRet\":1"),
	  "linux.seccomp.syscalls[1].errnoRet: SCMP_ACT_LOG takes no errno" },
	{ CALL("\"names\":[\"a\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":65536"),
	  "linux.seccomp.syscalls[1].errnoRet: 65536 is more than 65535" },
	{ CALL("\"names\":[\"a\"],\"action\":\"SCMP_ACT_LOG\","
	       "\"args\":[{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]"),
	  "linux.seccomp.syscalls[1].args[0].index: 6 is not within 0 and 5" },
	{ CALL("\"names\":[\"a\"],\"action\":\"SCMP_ACT_LOG\","
	       "\"args\":[{\"index\":5,\"value\":1,\"op\":\"EQ\"}]"),
	  "linux.seccomp.syscalls[1].args[0].op: \"EQ\" is not known" },
	{ CALL("\"names\":[\"a\"],\"action\":\"SCMP_ACT_LOG\",\"args\":[{\"index\":5,\"value\":1}"
	       "]"),
	  "linux.seccomp.syscalls[1].args[0].op: missing" },
};

static void bad_linux_is_refused(void **state)
{
	MUST_REFUSE(bad_linux);
}

static void s6_bad_sysctl_is_refused(void **state)
{
	MUST_REFUSE(bad_sysctl);
}

static void bad_resources_are_refused(void **state)
{
	MUST_REFUSE(bad_resources);
}

static void bad_seccomp_is_refused(void **state)
{
	MUST_REFUSE(bad_seccomp);
}

/* 400 mappings more than the kernel takes, which are not compared pair by pair. */
static void many_mappings_are_refused(void **state)
{
	struct spec_id_mapping *mappings = calloc(341, sizeof(*mappings));
	struct spec_namespace user = { .type = NAMESPACE_USER };
	struct spec_linux linux = { .uid_mappings = mappings, .gid_mappings = mappings };
	struct spec spec = { .oci_version = (char[]){ "1.0.0" }, .linux = &linux };
	struct error err = { 0 };

	assert_non_null(mappings);
	for (uint32_t i = 0; i < 341; i++)
		mappings[i] = (struct spec_id_mapping){ i, i, 1 };
	linux.namespaces = &user;
	linux.n_namespaces = 1;
	linux.n_uid_mappings = linux.n_gid_mappings = 340;
	assert_int_equal(spec_check(&spec, &err), 0);
	linux.n_uid_mappings = 341;
	assert_int_equal(spec_check(&spec, &err), -1);
	assert_string_equal(err.text,
			    "linux.uidMappings[340]: the kernel takes 340 mappings at most");
	free(mappings);
}

static void sysctl_names_become_paths(void **state)
{
	static const struct {
		const char *name, *path;
	} rows[] = {
		{ "net.ipv4.ip_forward", "net/ipv4/ip_forward" },
		{ "net/ipv4/ip_forward", "net/ipv4/ip_forward" },
		{ "net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding" },
		{ "net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding" },
		{ "kernel", "kernel" },
		{ "", NULL },
		{ ".", NULL },
		{ "a..b", NULL },
		{ "a.", NULL },
		{ "a/../b", NULL },
		{ "a.//.b", NULL },
		{ "..", NULL },
		{ "../a", NULL },
		{ "a\nb", NULL },
	};
	char path[SPEC_SYSCTL_PATH_SIZE], long_name[SPEC_SYSCTL_PATH_SIZE + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool taken = spec_sysctl_path(rows[i].name, path);
		assert_int_equal(taken, rows[i].path != NULL);
		if (taken)
			assert_string_equal(path, rows[i].path);
	}
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_false(spec_sysctl_path(long_name, path));
	long_name[sizeof(long_name) - 2] = '\0';
	assert_true(spec_sysctl_path(long_name, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_linux_is_refused),
		cmocka_unit_test(s6_bad_sysctl_is_refused),
		cmocka_unit_test(bad_resources_are_refused),
		cmocka_unit_test(bad_seccomp_is_refused),
		cmocka_unit_test(many_mappings_are_refused),
		cmocka_unit_test(sysctl_names_become_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
