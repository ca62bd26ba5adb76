/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "oci/spec_check.h"
#include "oci/spec_default.h"

/* Every member that the tables know, once, in the tables' order and as the writer writes it. */
static const char everything[] =
	"{\"ociVersion\":\"1.3.0\",\"process\":{\"terminal\":true,"
	"\"consoleSize\":{\"height\":25,\"width\":80},"
	"\"user\":{\"uid\":1,\"gid\":2,\"umask\":63,\"additionalGids\":[5,6]},"
	"\"args\":[\"sh\",\"-c\",\"\"],\"env\":[\"A=b\"],\"cwd\":\"/root\","
	"\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"effective\":[],\"inheritable\":[],"
	"\"permitted\":[],\"ambient\":[]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"hard\":18446744073709551615,\"soft\":0}],"
	"\"noNewPrivileges\":true,\"apparmorProfile\":\"profile\",\"oomScoreAdj\":0,"
	"\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"nice\":-1,"
	"\"flags\":[\"SCHED_FLAG_RECLAIM\"],\"runtime\":1,\"deadline\":2,\"period\":3},"
	"\"selinuxLabel\":\"label\",\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":0},"
	"\"execCPUAffinity\":{\"initial\":\"7\",\"final\":\"0-3,7\"}},"
	"\"root\":{\"path\":\"rootfs\",\"readonly\":true},"
	"\"hostname\":\"host\",\"domainname\":\"domain\","
	"\"mounts\":[{\"destination\":\"/tmp\",\"type\":\"tmpfs\",\"source\":\"tmpfs\","
	"\"options\":[\"nosuid\"],\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":2}],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":2}]}],"
	"\"hooks\":{\"prestart\":[{\"path\":\"/a\",\"args\":[\"a\"],\"env\":[\"k=v\"],"
	"\"timeout\":1}],\"createRuntime\":[{\"path\":\"/b\"}],"
	"\"createContainer\":[{\"path\":\"/c\"}],\"startContainer\":[{\"path\":\"/d\"}],"
	"\"poststart\":[{\"path\":\"/e\"}],\"poststop\":[{\"path\":\"/f\"}]},"
	"\"annotations\":{\"com.example.key\":\"value\"},"
	"\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":32000}],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":32000}],"
	"\"sysctl\":{\"net.core.somaxconn\":\"256\"},"
	"\"resources\":{\"devices\":[{\"allow\":false,\"type\":\"c\",\"major\":10,\"minor\":-1,"
	"\"access\":\"rwm\"}],\"memory\":{\"limit\":5,\"reservation\":4,\"swap\":-1,\"kernel\":-1,"
	"\"kernelTCP\":-1,\"swappiness\":0,\"disableOOMKiller\":true,\"useHierarchy\":true,"
	"\"checkBeforeUpdate\":true},\"cpu\":{\"shares\":1024,\"quota\":1000000,\"burst\":1000000,"
	"\"period\":500000,\"realtimeRuntime\":950000,\"realtimePeriod\":1000000,\"cpus\":\"2-3\","
	"\"mems\":\"0-7\",\"idle\":0},\"pids\":{\"limit\":0},"
	"\"blockIO\":{\"weight\":10,\"leafWeight\":10,"
	"\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500,\"leafWeight\":300}],"
	"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":1,\"rate\":600}],"
	"\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":2,\"rate\":601}],"
	"\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":3,\"rate\":602}],"
	"\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":4,\"rate\":603}]},"
	"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":209715200}],"
	"\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\",\"priority\":500}]},"
	"\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":10000}},"
	"\"unified\":{\"memory.high\":\"1\"}},\"cgroupsPath\":\"/a/b\","
	"\"namespaces\":[{\"type\":\"pid\",\"path\":\"/proc/1/ns/pid\"},{\"type\":\"network\"},"
	"{\"type\":\"mount\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"user\"},"
	"{\"type\":\"cgroup\"},{\"type\":\"time\"}],"
	"\"devices\":[{\"type\":\"c\",\"path\":\"/dev/fuse\",\"major\":10,\"minor\":229,"
	"\"fileMode\":438,\"uid\":0,\"gid\":0},{\"type\":\"p\",\"path\":\"/dev/fifo\"}],"
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
	"\"architectures\":[\"SCMP_ARCH_X86_64\"],\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
	"\"listenerPath\":\"/run/l\",\"listenerMetadata\":\"m\","
	"\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":0,"
	"\"args\":[{\"index\":0,\"value\":18446744073709551615,\"valueTwo\":1,"
	"\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]},\"rootfsPropagation\":\"slave\","
	"\"maskedPaths\":[\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/sys\"],"
	"\"mountLabel\":\"label\",\"personality\":{\"domain\":\"LINUX\",\"flags\":[]},"
	"\"timeOffsets\":{\"monotonic\":{\"secs\":-1,\"nanosecs\":2},\"boottime\":{\"secs\":3}}}}";

static int load(const char *text, struct spec *out, struct arena *arena, struct error *err)
{
	*out = (struct spec){ 0 };
	return spec_load(text, strlen(text), "config.json", out, arena, err);
}

static void every_member_survives_a_round_trip(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct spec spec;

	if (load(everything, &spec, &arena, &err) < 0)
		fail_msg("%s", err.text);
	cleanup_free char *written = json_write(&spec_type, &spec, false, &err);
	assert_non_null(written);
	assert_string_equal(written, everything);
}

/* Refused by spec_check(), but read, so that the message can name them. */
static void what_is_not_built_is_read(void **state)
{
	static const char text[] =
		"{\"ociVersion\":\"1.3.0\",\"linux\":{\"netDevices\":{\"eth0\":{\"name\":\"a\"}},"
		"\"intelRdt\":{\"closID\":\"c\",\"schemata\":[\"L3:0=1\"],\"l3CacheSchema\":\"l\","
		"\"memBwSchema\":\"m\",\"enableMonitoring\":true},"
		"\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"f\"]}}}";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct spec spec = { 0 };
	struct error err = { 0 };

	assert_int_equal(json_read(&spec_type, text, strlen(text), &spec, &arena, &err), 0);
	assert_string_equal(spec.linux->net_devices[0].host_name, "eth0");
	assert_string_equal(spec.linux->net_devices[0].name, "a");
	cleanup_free char *written = json_write(&spec_type, &spec, false, &err);
	assert_non_null(written);
	assert_string_equal(written, text);
}

static void absent_parts_have_their_defaults(void **state)
{
	static const char text[] =
		"{\"ociVersion\":\"1.0.0\",\"process\":{\"args\":[\"a\"],\"cwd\":\"/\"},"
		"\"linux\":{\"resources\":{\"pids\":{}},\"namespaces\":[{\"type\":\"pid\","
		"\"path\":\"\"}],\"devices\":[{\"type\":\"p\",\"path\":\"/dev/x\"}]}}";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct spec spec;

	assert_int_equal(load("{\"ociVersion\":\"1.0.0\"}", &spec, &arena, &err), 0);
	assert_non_null(spec.linux);
	assert_null(spec.process);
	assert_int_equal(load(text, &spec, &arena, &err), 0);
	assert_non_null(spec.process->user);
	assert_int_equal(spec.process->user->uid, 0);
	assert_int_equal(spec.linux->resources->pids->limit, -1);
	assert_null(spec.linux->namespaces[0].path);
	assert_int_equal(spec.linux->devices[0].major, -1);
	assert_false(spec.linux->devices[0].file_mode.set);
}

static void things_are_found(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct spec spec;

	assert_int_equal(load(everything, &spec, &arena, &err), 0);
	assert_string_equal(spec_find_namespace(&spec, NAMESPACE_PID)->path, "/proc/1/ns/pid");
	for (int i = 0; i < NAMESPACE_TYPES; i++)
		assert_int_equal(spec_find_namespace(&spec, (enum spec_namespace_type)i)->type, i);
	assert_string_equal(spec_namespace_name(NAMESPACE_NETWORK), "network");
	assert_string_equal(spec_find_annotation(&spec, "com.example.key"), "value");
	assert_null(spec_find_annotation(&spec, "com.example"));
	assert_int_equal(load("{\"ociVersion\":\"1.0.0\"}", &spec, &arena, &err), 0);
	assert_null(spec_find_namespace(&spec, NAMESPACE_PID));
	assert_null(spec_find_annotation(&spec, ""));
}

static void messages_name_the_file(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct spec spec;

	assert_int_equal(load("{", &spec, &arena, &err), -1);
	assert_true(str_starts_with(err.text, "config.json: line 1, column 2: "));
	assert_int_equal(load("{\"ociVersion\":\"1\"}", &spec, &arena, &err), -1);
	assert_true(str_starts_with(err.text, "config.json: ociVersion: "));
}

static void a_process_loads_by_itself(void **state)
{
	static const char text[] = "{\"args\":[\"a\"],\"cwd\":\"/\"}";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct spec_process process = { 0 };
	struct error err = { 0 };

	assert_int_equal(spec_load_process(text, strlen(text), "p.json", &process, &arena, &err),
			 0);
	assert_non_null(process.user);
	process = (struct spec_process){ 0 };
	assert_int_equal(spec_load_process("{}", 2, "p.json", &process, &arena, &err), -1);
	assert_string_equal(err.text, "p.json: cwd: missing");
	assert_int_equal(spec_load_process("{\"cwd\":\"/\"}", 11, "p.json", &process, &arena, &err),
			 -1);
	assert_string_equal(err.text, "p.json: process.args: must have at least one entry");
}

static void the_default_can_be_created(void **state)
{
	for (int rootless = 0; rootless < 2; rootless++) {
		cleanup_arena struct arena arena = ARENA_EMPTY;
		struct error err = { 0 };
		struct spec spec;
		cleanup_free char *text = spec_default_json(rootless, &err);
		assert_non_null(text);
		if (load(text, &spec, &arena, &err) < 0 || spec_check_create(&spec, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(!spec_find_namespace(&spec, NAMESPACE_USER), !rootless);
		assert_int_equal(!spec_find_namespace(&spec, NAMESPACE_NETWORK), rootless);
		assert_string_equal(spec.process->args[0], "sh");
		assert_true(spec.process->terminal);
		assert_true(spec.process->no_new_privileges);
		assert_int_equal(spec.process->capabilities->n_bounding, 3);
		assert_int_equal(spec.process->capabilities->n_inheritable, 0);
		assert_int_equal(spec.n_mounts, 7);
		assert_true(spec.root->readonly);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_member_survives_a_round_trip),
		cmocka_unit_test(what_is_not_built_is_read),
		cmocka_unit_test(absent_parts_have_their_defaults),
		cmocka_unit_test(things_are_found),
		cmocka_unit_test(messages_name_the_file),
		cmocka_unit_test(a_process_loads_by_itself),
		cmocka_unit_test(the_default_can_be_created),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
