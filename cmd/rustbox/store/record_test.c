/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/store/store_test.h"

#define MINIMUM                                                                                    \
	"\"id\":\"0123456789ab\",\"name\":\"web\",\"created\":\"2026-01-02T03:04:05.000000006Z\""
#define STATE "\"state\":{\"status\":\"Exited\",\"exitCode\":3}"

static void a_record_comes_back(void **state)
{
	static const char text[] =
		"{" MINIMUM ",\"state\":{\"status\":\"Running\",\"bootId\":\"b\",\"pid\":7,"
		"\"started\":\"s\",\"exitCode\":0,\"health\":\"healthy\"},"
		"\"image\":\"busybox\",\"lower\":[\"/a\",\"/b\"],\"policy\":{\"restart\":"
		"\"on-failure\",\"restartMost\":3,\"stopTimeout\":-1},\"network\":{\"mode\":"
		"\"host\",\"ports\":[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\"}]"
		"},"
		"\"mounts\":[{\"type\":\"volume\",\"name\":\"v\",\"destination\":\"/d\","
		"\"anonymous\":true}],\"autoRemove\":true,\"labels\":{\"k\":\"v\"}}";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *first, *again;
	struct error err;

	(void)state;
	assert_ok(record_read(text, strlen(text), &arena, &first, &err));
	cleanup_free char *written = record_write(first, &err);
	assert_non_null(written);
	assert_ok(record_read(written, strlen(written), &arena, &again, &err));
	assert_int_equal(again->state->status, RECORD_RUNNING);
	assert_int_equal(again->state->health, HEALTH_HEALTHY);
	assert_int_equal(again->policy->restart, RESTART_ON_FAILURE);
	assert_true(again->policy->stop_timeout.set);
	assert_int_equal(again->policy->stop_timeout.value, -1);
	assert_false(again->policy->stopped_timeout.set);
	assert_int_equal(again->network->ports[0].host_port, 8080);
	assert_true(again->mounts[0].anonymous);
	assert_true(again->auto_remove && !again->tty);
	assert_string_equal(again->lower[1], "/b");
	assert_string_equal(again->labels[0].value, "v");
	assert_true(record_is_live(again));
}

static void what_is_missing_is_made_or_named(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "", "line 1" },
		{ "{" MINIMUM "}", "state: missing" },
		{ "{\"name\":\"web\",\"created\":\"c\"," STATE "}", "id: missing" },
		{ "{\"id\":\"../etc\",\"name\":\"w\",\"created\":\"c\"," STATE "}",
		  "is not 12 hex digits" },
		{ "{\"id\":\"0123456789AB\",\"name\":\"w\",\"created\":\"c\"," STATE "}",
		  "is not 12 hex digits" },
		{ "{\"id\":\"0123456789ab\",\"name\":\"../w\",\"created\":\"c\"," STATE "}",
		  "name: name \"../w\"" },
		{ "{" MINIMUM ",\"state\":{\"status\":\"Gone\",\"exitCode\":0}}", "state.status" },
		{ "{" MINIMUM "," STATE ",\"network\":{\"ports\":[{\"containerPort\":70000,"
		  "\"protocol\":\"tcp\"}]}}",
		  "70000 is out of range" },
	};
	static const char text[] = "{" MINIMUM "," STATE "}";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *record;
	struct error err;

	(void)state;
	assert_ok(record_read(text, strlen(text), &arena, &record, &err));
	assert_non_null(record->policy);
	assert_non_null(record->network);
	assert_non_null(record->settings);
	assert_null(record->health);
	assert_int_equal(record->state->exit_code, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			record_read(bad[i].text, strlen(bad[i].text), &arena, &record, &err), -1);
		if (!strstr(err.text, bad[i].message))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
}

/* A health check may print anything; the state has to be saved all the same. */
static void texts_of_containers_become_utf8(void **state)
{
	static char bytes[] = "a\xff\xc3\xa4\xc3(\xe2\x82", name[] = "web", id[] = "0123456789ab";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record *again, *record;
	struct error err;

	(void)state;
	record = record_new(&arena, &err);
	assert_non_null(record);
	record->id = id;
	record->name = name;
	record->created = clock_date_text(&arena, &err);
	record->state->health_output = bytes;
	cleanup_free char *text = record_write(record, &err);
	assert_ok(text ? 0 : -1);
	assert_ok(record_read(text ? text : "", text ? strlen(text) : 0, &arena, &again, &err));
	assert_string_equal(again->state->health_output, "a?\xc3\xa4?(??");
	assert_ptr_equal(record->state->health_output, bytes);
	assert_int_equal(bytes[1], '\xff');
}

static void restart_policies(void **state)
{
	struct record_policy policy = { .log_max_file = 7 };
	struct error err;

	(void)state;
	assert_ok(record_set_restart(&policy, "on-failure:3", false, &err));
	assert_int_equal(policy.restart, RESTART_ON_FAILURE);
	assert_int_equal(policy.restart_most, 3);
	assert_ok(record_set_restart(&policy, "always", false, &err));
	assert_int_equal(policy.restart, RESTART_ALWAYS);
	assert_int_equal(policy.restart_most, 0);
	assert_ok(record_set_restart(&policy, "on-failure", false, &err));
	static const char *const wrong[] = { "",
					     "sometimes",
					     "always ",
					     "always:3",
					     "on-failure:",
					     "on-failure:x",
					     "on-failure:-1",
					     "no:" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(record_set_restart(&policy, wrong[i], false, &err), -1);
		assert_non_null(strstr(err.text, "--restart"));
	}
	assert_int_equal(record_set_restart(&policy, "always", true, &err), -1);
	assert_non_null(strstr(err.text, "--rm"));
	assert_int_equal(policy.restart, RESTART_ON_FAILURE);
	assert_int_equal(policy.log_max_file, 7);
	assert_ok(record_set_restart(&policy, "no", true, &err));
	assert_int_equal(policy.restart, RESTART_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back),
		cmocka_unit_test(what_is_missing_is_made_or_named),
		cmocka_unit_test(texts_of_containers_become_utf8),
		cmocka_unit_test(restart_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
