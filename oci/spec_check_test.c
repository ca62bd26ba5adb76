/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_check_test.h"

static const struct row bad_top[] = {
	{ "{}", "ociVersion: missing" },
	{ "{\"ociVersion\":\"\"}", "ociVersion: \"\" is not a semantic version" },
	{ "{\"ociVersion\":\"1.0\"}", "ociVersion: \"1.0\" is not" },
	{ "{\"ociVersion\":\"01.0.0\"}", "ociVersion: \"01.0.0\" is not" },
	{ "{\"ociVersion\":\"1.0.0-\"}", "ociVersion: \"1.0.0-\" is not" },
	{ "{\"ociVersion\":\"1.0.0-a..b\"}", "ociVersion: \"1.0.0-a..b\" is not" },
	{ "{\"ociVersion\":\"1.0.0 \"}", "ociVersion: \"1.0.0 \" is not" },
	{ "{\"ociVersion\":\"v1.0.0\"}", "ociVersion: \"v1.0.0\" is not" },
	{ "{\"ociVersion\":1}", "ociVersion: expected a string" },
	{ TOP("\"root\":{}"), "root.path: missing" },
	{ TOP("\"root\":{\"path\":\"\"}"), "root.path: must not be empty" },
	{ TOP("\"linux\":{\"namespaces\":[" NS("uts") "]},\"hostname\":\"a\\nb\""),
	  "hostname: must not contain a line break" },
	{ TOP("\"linux\":{\"namespaces\":[" NS(
		  "uts") "]},\"hostname\":"
			 "\"01234567890123456789012345678901234567890123456789012345678901234\""),
	  "hostname: longer than 64 bytes" },
	{ TOP("\"annotations\":{\"\":\"a\"}"), "annotations: a key must not be empty" },
	{ MOUNT("\"type\":\"tmpfs\""), "mounts[1].destination: missing" },
	{ MOUNT("\"destination\":\"\""), "mounts[1].destination: must not be empty" },
	{ MOUNT("\"destination\":\"/b\",\"uidMappings\":[" MAP(0, 1, 1) "]"),
	  "mounts[1].gidMappings: missing" },
	{ MOUNT("\"destination\":\"/b\",\"gidMappings\":[" MAP(0, 1, 1) "]"),
	  "mounts[1].uidMappings: missing" },
	{ MOUNT("\"destination\":\"/b\",\"options\":[\"bind\",\"ridmap\"]"),
	  "mounts[1].options: an id-mapped mount needs" },
	{ MOUNT("\"destination\":\"/b\",\"uidMappings\":[" MAP(0, 1, 0) "],\"gidMappings\":[" MAP(
		  0, 1, 1) "]"),
	  "mounts[1].uidMappings[0].size: must not be 0" },
	{ HOOK("\"path\":\"bin/x\""), "hooks.poststop[0].path: \"bin/x\" is not absolute" },
	{ HOOK("\"path\":\"/x\",\"timeout\":0"), "hooks.poststop[0].timeout: must be at least 1" },
	{ HOOK("\"path\":\"/x\",\"env\":[\"A=1\",\"B\"]"),
	  "hooks.poststop[0].env[1]: \"B\" is not of the form NAME=value" },
	{ HOOK("\"args\":[]"), "hooks.poststop[0].path: missing" },
};

static const struct row bad_process[] = {
	{ TOP("\"process\":{\"args\":[\"sh\"]}"), "process.cwd: missing" },
	{ TOP("\"process\":{\"cwd\":\"/\"}"), "process.args: must have at least one entry" },
	{ TOP("\"process\":{\"cwd\":\"/\",\"args\":[]}"), "process.args: must have at least one" },
	{ TOP("\"process\":{\"cwd\":\"/\",\"args\":[\"\"]}"), "process.args[0]: must not be" },
	{ TOP("\"process\":{\"cwd\":\"a\",\"args\":[\"sh\"]}"),
	  "process.cwd: \"a\" is not absolute" },
	{ PROCESS("\"env\":[\"A=\",\"NAME\"]"),
	  "process.env[1]: \"NAME\" is not of the form NAME=value" },
	{ PROCESS("\"env\":[\"=x\"]"), "process.env[0]: \"=x\" is not" },
	{ PROCESS("\"terminal\":true,\"consoleSize\":{\"height\":65536,\"width\":1}"),
	  "process.consoleSize.height: more than 65535" },
	{ PROCESS("\"consoleSize\":{\"height\":1}"), "process.consoleSize.width: missing" },
	{ PROCESS("\"user\":{\"uid\":4294967295,\"gid\":0}"),
	  "process.user.uid: 4294967295 is not a user id" },
	{ PROCESS("\"user\":{\"uid\":-1,\"gid\":0}"), "process.user.uid: -1 is out of range" },
	{ PROCESS("\"user\":{\"uid\":0,\"gid\":4294967295}"),
	  "process.user.gid: 4294967295 is not a group id" },
	{ PROCESS("\"user\":{\"uid\":4294967296,\"gid\":0}"),
	  "process.user.uid: 4294967296 is out of range" },
	{ PROCESS("\"user\":{\"gid\":0}"), "process.user.uid: missing" },
	{ USER("\"additionalGids\":[1,4294967295]"),
	  "process.user.additionalGids[1]: 4294967295 is not a group id" },
	{ USER("\"umask\":512"), "process.user.umask: 512 is more than 511" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}]"),
	  "process.rlimits[0].type: \"RLIMIT_X\" is not known" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":2,\"hard\":1}]"),
	  "process.rlimits[0].soft: 2 is more than hard, 1" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1},"
		  "{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1}]"),
	  "process.rlimits[1].type: RLIMIT_AS is there twice" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1}]"),
	  "process.rlimits[0].hard: missing" },
	{ PROCESS("\"oomScoreAdj\":1001"), "process.oomScoreAdj: 1001 is not within" },
	{ PROCESS("\"oomScoreAdj\":-1001"), "process.oomScoreAdj: -1001 is not within" },
	{ PROCESS("\"apparmorProfile\":\"a\\nb\""), "process.apparmorProfile: must not contain" },
	{ PROCESS("\"selinuxLabel\":\"a\\nb\""), "process.selinuxLabel: must not contain" },
	{ SCHEDULER("\"nice\":1"), "process.scheduler.policy: missing" },
	{ SCHEDULER("\"policy\":\"SCHED_X\""), "process.scheduler.policy: \"SCHED_X\" is not" },
	{ SCHEDULER("\"policy\":\"SCHED_OTHER\",\"nice\":20"),
	  "process.scheduler.nice: 20 is not within -20 and 19" },
	{ SCHEDULER("\"policy\":\"SCHED_OTHER\",\"priority\":1"),
	  "process.scheduler.priority: is for SCHED_FIFO and SCHED_RR only" },
	{ SCHEDULER("\"policy\":\"SCHED_RR\""),
	  "process.scheduler.priority: SCHED_RR takes 1 to 99, not 0" },
	{ SCHEDULER("\"policy\":\"SCHED_FIFO\",\"priority\":100"),
	  "process.scheduler.priority: SCHED_FIFO takes 1 to 99, not 100" },
	{ SCHEDULER("\"policy\":\"SCHED_BATCH\",\"flags\":[\"X\"]"),
	  "process.scheduler.flags[0]: \"X\" is not known" },
	{ SCHEDULER("\"policy\":\"SCHED_BATCH\",\"flags\":[\"SCHED_FLAG_RECLAIM\"]"),
	  "process.scheduler.flags[0]: SCHED_FLAG_RECLAIM is for SCHED_DEADLINE only" },
	{ SCHEDULER("\"policy\":\"SCHED_BATCH\",\"deadline\":5"),
	  "process.scheduler.deadline: is for SCHED_DEADLINE only" },
	{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\""), "process.scheduler.runtime: must not be 0" },
	{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":5,\"deadline\":4"),
	  "process.scheduler.deadline: must not be less than runtime" },
	{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":5,\"deadline\":6,\"period\":5"),
	  "process.scheduler.period: must not be less than deadline" },
	{ PROCESS("\"ioPriority\":{\"class\":\"IOPRIO_CLASS_X\",\"priority\":1}"),
	  "process.ioPriority.class: \"IOPRIO_CLASS_X\" is not known" },
	{ PROCESS("\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}"),
	  "process.ioPriority.priority: 8 is not within 0 and 7" },
	{ PROCESS("\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\"}"),
	  "process.ioPriority.priority: missing" },
	{ PROCESS("\"execCPUAffinity\":{\"initial\":\"a\"}"),
	  "process.execCPUAffinity.initial: \"a\" is not a list of CPUs" },
	{ PROCESS("\"execCPUAffinity\":{\"final\":\"3-1\"}"), "process.execCPUAffinity.final: " },
	{ PROCESS("\"execCPUAffinity\":{\"final\":\"1,\"}"), "process.execCPUAffinity.final: " },
	{ PROCESS("\"execCPUAffinity\":{\"final\":\"1-\"}"), "process.execCPUAffinity.final: " },
	{ PROCESS("\"execCPUAffinity\":{\"final\":\"99999999999\"}"),
	  "process.execCPUAffinity.final: " },
};

static void bad_top_level_is_refused(void **state)
{
	MUST_REFUSE(bad_top);
}

static void s13_bad_process_is_refused(void **state)
{
	MUST_REFUSE(bad_process);
}

static const char *const good[] = {
	"{\"ociVersion\":\"1.0.0\"}",
	"{\"ociVersion\":\"0.5.0-dev\"}",
	"{\"ociVersion\":\"1.99.0-rc.1+build.5\"}",
	"{\"ociVersion\":\"2.0.0\"}",
	TOP("\"hostname\":\"a\",\"root\":{\"path\":\"a\"},\"zos\":{}"),
	LINUX("\"namespaces\":[" NS(
		"network") "],\"netDevices\":{\"eth0\":{\"name\":\"eth1\"},"
			   "\"a.1\":{\"name\":\"net%d\"},\"b\":{\"name\":\"net%d\"},\"c\":{}}"),
	TOP("\"zos\":{\"namespaces\":[{\"type\":\"x\"}]},\"windows\":{\"a\":[1]},\"vm\":{},"
	    "\"solaris\":{},\"freebsd\":{\"jail\":{\"vnet\":\"new\"}}"),
	TOP("\"hostname\":\"\""),
	PROCESS("\"consoleSize\":{\"height\":99999,\"width\":1}"),
	PROCESS("\"env\":[\"A=\",\"B=c=d\"],\"oomScoreAdj\":-1000"),
	USER("\"umask\":511,\"additionalGids\":[0,4294967294]"),
	SCHEDULER("\"policy\":\"SCHED_OTHER\",\"nice\":-20"),
	SCHEDULER("\"policy\":\"SCHED_FIFO\",\"priority\":99,"
		  "\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"]"),
	SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":5,\"deadline\":5,"
		  "\"flags\":[\"SCHED_FLAG_RECLAIM\"]"),
	PROCESS("\"execCPUAffinity\":{\"initial\":\"7\",\"final\":\"0-3,7,9-9\"}"),
	MOUNT("\"destination\":\"relative\""),
	HOOK("\"path\":\"/x\",\"timeout\":1,\"args\":[]"),
	MAPPED(MAP(0, 0, 4294967295)),
	MAPPED(MAP(0, 100, 10) "," MAP(10, 110, 10)),
	LINUX("\"namespaces\":[{\"type\":\"user\",\"path\":\"/p\"}]"),
	LINUX("\"netDevices\":{}"),
	LINUX("\"namespaces\":[" NS("time") "],\"timeOffsets\":{\"boottime\":{\"secs\":-1}}"),
	SYSCTL("ipc", "kernel.shmmax", "1"),
	SYSCTL("ipc", "kernel/sem", "1 2 3 4"),
	SYSCTL("ipc", "fs.mqueue.msg_max", "1"),
	SYSCTL("network", "net.ipv4.conf.eth0/1.forwarding", "1"),
	SYSCTL("network", "net/ipv4/conf/eth0.1/forwarding", "1"),
	SYSCTL("uts", "kernel.domainname", "a"),
	DEVICE("\"type\":\"p\",\"path\":\"/dev/x\""),
	DEVICE("\"type\":\"u\",\"path\":\"/dev/x\",\"major\":0,\"minor\":0,\"fileMode\":438"),
	DEVICE("\"type\":\"c\",\"path\":\"/dev/x\",\"major\":4095,\"minor\":1048575,"
	       "\"fileMode\":8612"),
	DEVICE("\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1},"
	       "{\"type\":\"c\",\"path\":\"/dev/x\",\"major\":1,\"minor\":1"),
	LINUX("\"rootfsPropagation\":\"rslave\",\"cgroupsPath\":\"a.slice:b:..c\""),
	LINUX("\"personality\":{\"domain\":\"LINUX32\",\"flags\":[]}"),
	RESOURCES("\"memory\":{\"limit\":-1,\"swap\":-1,\"reservation\":0,\"swappiness\":100}"),
	RESOURCES("\"memory\":{\"limit\":10,\"swap\":0}"),
	RESOURCES("\"cpu\":{\"quota\":-1,\"burst\":5,\"cpus\":\"0-3,7\",\"idle\":1}"),
	RESOURCES("\"blockIO\":{\"weight\":0,\"weightDevice\":[{\"major\":8,\"minor\":0,"
		  "\"leafWeight\":10}]}"),
	RESOURCES("\"hugepageLimits\":[{\"limit\":0,\"pageSize\":\"64KB\"}]"),
	RESOURCES(
		"\"unified\":{\"io.max\":\"8:0 rbps=1\\n8:16 rbps=1\",\"cgroup.max.depth\":\"1\"}"),
	RESOURCES(
		"\"devices\":[{\"allow\":false},{\"allow\":true,\"major\":-1,\"access\":\"rwm\"}]"),
	CALL("\"names\":[\"a\"],\"action\":\"SCMP_ACT_NOTIFY\","
	     "\"args\":[{\"index\":0,\"value\":18446744073709551615,\"valueTwo\":1,"
	     "\"op\":\"SCMP_CMP_MASKED_EQ\"}]"),
};

static void good_documents_are_taken(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		cleanup_arena struct arena arena = ARENA_EMPTY;
		struct error err = { 0 };
		struct spec spec;
		if (load(good[i], &spec, &arena, &err) < 0)
			fail_msg("%s: %s", good[i], err.text);
	}
}

/* All that create needs, these namespaces, more of linux, and more at the top. */
#define WHOLE(namespaces, more_of_linux, more)                                                     \
	PROCESS("\"user\":null},\"root\":{\"path\":\"a\"},\"linux\":{\"namespaces\":[" namespaces  \
		"]" more_of_linux "}," more ",\"hooks\":{")

#define FILTER(members) ",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"," members "}"

#define FORCED(more) "\"annotations\":{\"run.oci.systemd.force_cgroup_v1\":\"/c\"}" more

static void create_needs_more(void **state)
{
	static const struct row rows[] = {
		{ TOP("\"process\":{\"args\":[\"a\"],\"cwd\":\"/\"}"), "root: missing" },
		{ TOP("\"root\":{\"path\":\"a\"}"), "process: missing" },
		{ PROCESS("\"user\":null},\"root\":{\"path\":\"a\""),
		  "linux.namespaces: a mount namespace is needed" },
		{ WHOLE(NS("mount"), "", "\"hostname\":\"a\""), "hostname: needs a uts" },
		{ WHOLE(NS("mount"), "", "\"domainname\":\"a\""), "domainname: needs a uts" },
		{ WHOLE(NS("mount"), FILTER("\"listenerMetadata\":\"m\""), "\"hostname\":\"\""),
		  "linux.seccomp.listenerMetadata: needs listenerPath" },
		{ WHOLE(NS("mount"),
			FILTER("\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_NOTIFY\"}]"),
			"\"hostname\":\"\""),
		  "linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY needs "
		  "linux.seccomp.listenerPath" },
		{ WHOLE(NS("mount"), "", FORCED("")),
		  "annotations[\"run.oci.systemd.force_cgroup_v1\"]: needs a cgroup namespace" },
		{ WHOLE(NS("mount") "," NS("cgroup"), "",
			FORCED(",\"mounts\":[{\"destination\":\"/c\",\"type\":\"tmpfs\"}]")),
		  "annotations[\"run.oci.systemd.force_cgroup_v1\"]: mounts has none of type "
		  "cgroup "
		  "at /c" },
	};
	static const char complete[] =
		PROCESS("\"user\":null},\"root\":{\"path\":\"a\"},\"linux\":{\"namespaces\":[" NS(
			"mount") "]");
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct spec spec;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(load(rows[i].text, &spec, &arena, &err), 0);
		assert_int_equal(spec_check_create(&spec, &err), -1);
		assert_true(str_starts_with(err.text, rows[i].message));
	}
	assert_int_equal(load(complete, &spec, &arena, &err), 0);
	assert_int_equal(spec_check_create(&spec, &err), 0);
}

static void where_is_part_of_the_message(void **state)
{
	struct spec_process process = { .cwd = (char[]){ "/" } };
	struct spec_memory memory = { .limit = { true, -5 } };
	struct spec_resources resources = { .memory = &memory };
	struct error err = { 0 };

	assert_int_equal(spec_check_process(&process, "process.json", &err), -1);
	assert_string_equal(err.text, "process.json.args: must have at least one entry");
	assert_int_equal(spec_check_resources(&resources, "resources", &err), -1);
	assert_true(str_starts_with(err.text, "resources.memory.limit: -5 is less"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_top_level_is_refused),
		cmocka_unit_test(s13_bad_process_is_refused),
		cmocka_unit_test(good_documents_are_taken),
		cmocka_unit_test(create_needs_more),
		cmocka_unit_test(where_is_part_of_the_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
