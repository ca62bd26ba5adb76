/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/spec_check_test.h"

#define NOTE(key, value) TOP("\"annotations\":{\"" key "\":\"" value "\"}")

static void bad_values_are_refused(void **state)
{
	static const struct row rows[] = {
		{ NOTE("run.oci.hooks.stdout", "log"),
		  "annotations[\"run.oci.hooks.stdout\"]: \"log\" is not an absolute path" },
		{ NOTE("run.oci.hooks.stderr", ""), "annotations[\"run.oci.hooks.stderr\"]: " },
		{ NOTE("run.oci.pidfd_receiver", "s"),
		  "annotations[\"run.oci.pidfd_receiver\"]: " },
		{ NOTE("run.oci.keep_original_groups", "yes"),
		  "annotations[\"run.oci.keep_original_groups\"]: \"yes\" is neither 1 nor 0" },
		{ NOTE("run.oci.mount_context_type", "con"),
		  "annotations[\"run.oci.mount_context_type\"]: \"con\" is none of" },
		{ NOTE("run.oci.delegate-cgroup", "../x"),
		  "annotations[\"run.oci.delegate-cgroup\"]: \"../x\" is not the name" },
		{ NOTE("run.oci.delegate-cgroup", "a/b"), "annotations[\"run.oci.delegate-" },
		{ NOTE("run.oci.delegate-cgroup", "cgroup.kill"), "annotations[\"run.oci.del" },
		{ NOTE("run.oci.seccomp_bpf_data", "AAA"),
		  "annotations[\"run.oci.seccomp_bpf_data\"]: is not base64" },
		{ NOTE("run.oci.seccomp_bpf_data", "A=AA"), "annotations[\"run.oci.seccomp_bpf" },
		{ NOTE("run.oci.seccomp_bpf_data", "BgAAAAAA/38A"),
		  "annotations[\"run.oci.seccomp_bpf_data\"]: 9 bytes are not" },
		{ NOTE("run.oci.seccomp_bpf_data", ""), "annotations[\"run.oci.seccomp_bpf" },
		{ NOTE("run.oci.handler", "wasm"),
		  "annotations[\"run.oci.handler\"]: is not built" },
		{ NOTE("run.oci.seccomp.plugins", ""),
		  "annotations[\"run.oci.seccomp.plugins\"]: \"\" has an empty entry" },
		{ NOTE("run.oci.seccomp.plugins", "/a::/b"),
		  "annotations[\"run.oci.seccomp.plugi" },
		{ NOTE("run.oci.seccomp.plugins", "/a:b/c"),
		  "annotations[\"run.oci.seccomp.plugins\"]: \"b/c\": not an absolute path" },
		{ NOTE("run.oci.systemd.force_cgroup_v1", "a"), "annotations[\"run.oci.systemd." },
		{ NOTE("org.rustbox.core-scheduling", "on"), "annotations[\"org.rustbox.core-" },
		{ NOTE("org.rustbox.landlock", "x"), "annotations[\"org.rustbox.landlock\"]: " },
		{ NOTE("org.rustbox.landlock", "{}"),
		  "annotations[\"org.rustbox.landlock\"]: ruleset: missing" },
		{ NOTE("org.rustbox.landlock",
		       "{\\\"ruleset\\\":{},\\\"rules\\\":{\\\"pathBeneath\\\":"
		       "[{\\\"paths\\\":[\\\"usr\\\"]}]}}"),
		  "annotations[\"org.rustbox.landlock\"]: rules.pathBeneath[0].paths[0]: \"usr\"" },
		{ NOTE("org.rustbox.landlock", "{\\\"ruleset\\\":{},\\\"rules\\\":{\\\"netPort\\\":"
					       "[{\\\"ports\\\":[1,65536]}]}}"),
		  "annotations[\"org.rustbox.landlock\"]: rules.netPort[0].ports[1]: 65536" },
		{ TOP("\"annotations\":{\"run.oci.seccomp.receiver\":\"/"
		      "b\"},\"linux\":{\"seccomp\":{"
		      "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/l\"}}"),
		  "annotations[\"run.oci.seccomp.receiver\"]: linux.seccomp.listenerPath" },
		{ TOP("\"annotations\":{\"run.oci.seccomp.plugins\":\"/"
		      "p\"},\"linux\":{\"seccomp\":{"
		      "\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/l\"}}"),
		  "annotations[\"run.oci.seccomp.plugins\"]: linux.seccomp.listenerPath is there" },
		{ TOP("\"annotations\":{\"run.oci.seccomp.plugins\":\"/p\","
		      "\"run.oci.seccomp.receiver\":\"/r\"},\"linux\":{\"seccomp\":{"
		      "\"defaultAction\":\"SCMP_ACT_ALLOW\"}}"),
		  "annotations[\"run.oci.seccomp.plugins\"]: run.oci.seccomp.receiver is there" },
	};

	MUST_REFUSE(rows);
}

static void values_are_read(void **state)
{
	static const char text[] = TOP(
		"\"annotations\":{\"run.oci.hooks.stdout\":\"/o\",\"run.oci.hooks.stderr\":\"/e\","
		"\"run.oci.pidfd_receiver\":\"/p\",\"run.oci.keep_original_groups\":\"1\","
		"\"run.oci.mount_context_type\":\"fscontext\",\"run.oci.delegate-cgroup\":\"d\","
		"\"run.oci.seccomp_bpf_data\":\"BgAAAAAA/38=\",\"run.oci.other\":\"x\","
		"\"run.oci.seccomp_fail_unknown_syscall\":\"true\","
		"\"run.oci.seccomp.receiver\":\"/r\",\"org.rustbox.core-scheduling\":\"0\","
		"\"org.rustbox.landlock\":\"{\\\"ruleset\\\":{\\\"scoped\\\":[\\\"signal\\\"]}}\"},"
		"\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}}");
	static const unsigned char program[] = { 6, 0, 0, 0, 0, 0, 0xff, 0x7f };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct spec spec;

	if (load(text, &spec, &arena, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(spec.extensions.hooks_stdout, "/o");
	assert_string_equal(spec.extensions.hooks_stderr, "/e");
	assert_string_equal(spec.extensions.pidfd_receiver, "/p");
	assert_true(spec.extensions.keep_original_groups);
	assert_string_equal(spec.extensions.mount_context_type, "fscontext");
	assert_string_equal(spec.extensions.delegate_cgroup, "d");
	assert_int_equal(spec.extensions.seccomp_program_size, sizeof(program));
	assert_memory_equal(spec.extensions.seccomp_program, program, sizeof(program));
	assert_true(spec.linux->seccomp->fail_unknown_syscall);
	assert_string_equal(spec.linux->seccomp->listener_path, "/r");
	assert_false(spec.extensions.core_scheduling);
	assert_string_equal(spec.extensions.landlock->ruleset->scoped[0], "signal");
}

static void plugins_answer_instead_of_a_path(void **state)
{
	static const char text[] =
		TOP("\"annotations\":{\"run.oci.seccomp.plugins\":\"/a.so:b.so\"},"
		    "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}}");
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct spec spec;

	if (load(text, &spec, &arena, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(spec.linux->seccomp->plugins, "/a.so:b.so");
	assert_null(spec.linux->seccomp->listener_path);
}

static void names_are_sorted_and_without_the_refused(void **state)
{
	const char *const *names = spec_extension_names();
	size_t n = 0;

	for (; names[n]; n++) {
		assert_true(n == 0 || strcmp(names[n - 1], names[n]) < 0);
		assert_string_not_equal(names[n], "run.oci.handler");
	}
	assert_int_equal(n, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_values_are_refused),
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(plugins_answer_instead_of_a_path),
		cmocka_unit_test(names_are_sorted_and_without_the_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
