/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "oci/state.h"

#define T(s) ((char[]){ s })

static void state_survives_a_round_trip(void **unused)
{
	static const char text[] =
		"{\"ociVersion\":\"1.3.0\",\"id\":\"c1\",\"bundle\":\"/b\",\"rootfs\":\"/b/r\","
		"\"phase\":\"created\",\"pid\":4422,\"startTime\":18446744073709551615,"
		"\"pidfdInode\":7,\"created\":\"2026-01-02T03:04:05.000000006Z\",\"owner\":\"0\","
		"\"cgroupManager\":\"cgroupfs\",\"cgroupPaths\":{\"\":{\"path\":\"/cgroup/a\"},"
		"\"cpu,cpuacct\":{\"path\":\"/b\"}},\"annotations\":{\"a\":\"b\"},"
		"\"notifySocket\":true}";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct state state = { 0 };
	struct error err = { 0 };

	if (json_read(&state_type, text, strlen(text), &state, &arena, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(state.n_cgroup_paths, 2);
	assert_string_equal(state.cgroup_paths[1].controllers, "cpu,cpuacct");
	assert_string_equal(state.cgroup_paths[0].path, "/cgroup/a");
	cleanup_free char *written = json_write(&state_type, &state, false, &err);
	assert_non_null(written);
	assert_string_equal(written, text);
}

static void damaged_state_is_refused(void **unused)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "", "line 1, column 1: " },
		{ "{]", "line 1, column 2: " },
		{ "{\"ociVersion\":\"1.0.0\",\"bundle\":\"/b\",\"phase\":\"created\"}",
		  "id: missing" },
		{ "{\"ociVersion\":\"1.0.0\",\"id\":\"a\",\"bundle\":\"/b\"}", "phase: missing" },
		{ "{\"pid\":2147483648}", "pid: 2147483648 is out of range" },
		{ "{\"pid\":\"1\"}", "pid: expected an integer, found a string" },
		{ "{\"startTime\":-1}", "startTime: -1 is out of range" },
		{ "{\"cgroupPaths\":{\"a\":{}}}", "cgroupPaths[\"a\"].path: missing" },
		{ "{\"cgroupPaths\":{\"a\":{\"path\":\"/\"},\"a\":{\"path\":\"/\"}}}",
		  "cgroupPaths: duplicate key \"a\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cleanup_arena struct arena arena = ARENA_EMPTY;
		struct state state = { 0 };
		struct error err = { 0 };
		assert_int_equal(json_read(&state_type, rows[i].text, strlen(rows[i].text), &state,
					   &arena, &err),
				 -1);
		if (!str_starts_with(err.text, rows[i].message))
			fail_msg("\"%s\" instead of \"%s\"", err.text, rows[i].message);
	}
}

static struct json_pair annotations[] = { { T("key"), T("value") } };
static const struct state_public example = {
	.oci_version = T("1.3.0"),
	.id = T("c1"),
	.pid = 4422,
	.status = T("running"),
	.bundle = T("/b"),
	.rootfs = T("/r"),
	.created = T("now"),
	.owner = T("0"),
	.annotations = annotations,
	.n_annotations = 1,
};

static void public_and_hook_state_have_their_members(void **unused)
{
	struct state_public state = example;
	struct error err = { 0 };
	cleanup_free char *shown = json_write(&state_public_type, &state, false, &err);
	cleanup_free char *given = json_write(&state_hook_type, &state, false, &err);

	assert_string_equal(shown, "{\"ociVersion\":\"1.3.0\",\"id\":\"c1\",\"pid\":4422,"
				   "\"status\":\"running\",\"bundle\":\"/b\",\"rootfs\":\"/r\","
				   "\"created\":\"now\",\"annotations\":{\"key\":\"value\"},"
				   "\"owner\":\"0\"}");
	assert_string_equal(given, "{\"ociVersion\":\"1.3.0\",\"id\":\"c1\",\"status\":\"running\","
				   "\"pid\":4422,\"bundle\":\"/b\","
				   "\"annotations\":{\"key\":\"value\"}}");
}

static void a_pid_of_0_is_shown_but_not_given_to_hooks(void **unused)
{
	struct state_public state = example;
	struct error err = { 0 };

	state.pid = 0;
	state.annotations = NULL;
	cleanup_free char *given = json_write(&state_hook_type, &state, false, &err);
	assert_string_equal(given, "{\"ociVersion\":\"1.3.0\",\"id\":\"c1\",\"status\":\"running\","
				   "\"bundle\":\"/b\"}");
	cleanup_free char *shown = json_write(&state_public_type, &state, false, &err);
	assert_true(str_starts_with(shown, "{\"ociVersion\":\"1.3.0\",\"id\":\"c1\",\"pid\":0,"));
}

static void process_state_holds_the_state(void **unused)
{
	struct state_public state = example;
	char *fds[] = { T("seccompFd") };
	struct state_process process = { T("1.3.0"), fds, 1, 4422, T("meta"), &state };
	struct error err = { 0 };
	cleanup_free char *text = json_write(&state_process_type, &process, false, &err);

	assert_string_equal(text, "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":4422,"
				  "\"metadata\":\"meta\",\"state\":{\"ociVersion\":\"1.3.0\","
				  "\"id\":\"c1\",\"status\":\"running\",\"pid\":4422,"
				  "\"bundle\":\"/b\",\"annotations\":{\"key\":\"value\"}}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_survives_a_round_trip),
		cmocka_unit_test(damaged_state_is_refused),
		cmocka_unit_test(public_and_hook_state_have_their_members),
		cmocka_unit_test(a_pid_of_0_is_shown_but_not_given_to_hooks),
		cmocka_unit_test(process_state_holds_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
