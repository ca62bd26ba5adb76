/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/rustbox-runtime/stats_json.h"
#include "oci/json.h"

/* Enough of the document to see that it is JSON with the right nesting. */
struct usage {
	uint64_t limit, usage;
};
static const struct json_field usage_fields[] = {
	FIELD(usage, limit, "limit"),
	FIELD(usage, usage, "usage"),
	{ NULL },
};
static const struct json_type usage_type = { sizeof(struct usage), usage_fields };

struct memory {
	struct usage *usage;
	uint64_t cache;
};
static const struct json_field memory_fields[] = {
	OBJECT(memory, usage, "usage", &usage_type),
	FIELD(memory, cache, "cache"),
	{ NULL },
};
static const struct json_type memory_type = { sizeof(struct memory), memory_fields };

struct pids {
	uint64_t current;
};
static const struct json_field pids_fields[] = { FIELD(pids, current, "current"), { NULL } };
static const struct json_type pids_type = { sizeof(struct pids), pids_fields };

struct data {
	struct memory *memory;
	struct pids *pids;
};
static const struct json_field data_fields[] = {
	OBJECT(data, memory, "memory", &memory_type),
	OBJECT(data, pids, "pids", &pids_type),
	{ NULL },
};
static const struct json_type data_type = { sizeof(struct data), data_fields };

struct event {
	char *type, *id;
	struct data *data;
};
static const struct json_field event_fields[] = {
	REQUIRED(event, type, "type"),
	REQUIRED(event, id, "id"),
	OBJECT(event, data, "data", &data_type),
	{ NULL },
};
static const struct json_type event_type = { sizeof(struct event), event_fields };

static void read_back(const struct str *s, struct event *ret, struct arena *arena)
{
	struct error err;

	memset(ret, 0, sizeof(*ret));
	if (json_read(&event_type, s->text, s->size, ret, arena, &err) < 0)
		fail_msg("%s in %s", err.text, s->text);
	assert_ptr_equal(strchr(s->text, '\n'), s->text + s->size - 1);
}

static void empty_stats_are_json(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str s = STR_EMPTY;
	const struct cgroup_stats stats = { 0 };
	struct event event;

	stats_json_add_stats(&s, "box", &stats);
	read_back(&s, &event, &arena);
	assert_string_equal(event.type, "stats");
	assert_string_equal(event.id, "box");
	assert_non_null(strstr(s.text, "\"hugetlb\":{}"));
	assert_null(strstr(s.text, "psi"));
}

static void full_stats_are_json(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str s = STR_EMPTY;
	uint64_t cpus[] = { 1, 2 };
	struct cgroup_block_entry blocks[] = { { 8, 0, 4096, "Read" }, { 8, 0, 1, "Write" } };
	struct cgroup_hugetlb_stats pages[] = { { "2MB", 1, 2, 3 }, { "1GB", 0, 0, 0 } };
	struct cgroup_stats stats = {
		.cpu_total_ns = 10,
		.cpu_per_cpu_ns = cpus,
		.n_cpu_per_cpu_ns = 2,
		.cpu_pressure = { true, { 0.5, 0.25, 0, 7 }, { 0, 0, 0, 0 } },
		.io_pressure = { .has = true },
		.memory_pressure = { .has = true },
		.memory = { .usage = 5, .limit = UINT64_MAX },
		.memory_cache = 3,
		.memory_raw = { { "anon", 1 }, { "file", 2 } },
		.n_memory_raw = 2,
		.pids_current = 4,
		.io_service_bytes = blocks,
		.n_io_service_bytes = 2,
		.hugetlb = pages,
		.n_hugetlb = 2,
	};
	struct event event;

	stats_json_add_stats(&s, "box", &stats);
	read_back(&s, &event, &arena);
	assert_true(event.data->memory->usage->limit == UINT64_MAX);
	assert_int_equal(event.data->memory->usage->usage, 5);
	assert_int_equal(event.data->memory->cache, 3);
	assert_int_equal(event.data->pids->current, 4);
	assert_non_null(strstr(s.text, "\"percpu\":[1,2]"));
	assert_non_null(strstr(s.text, "\"psi\":{\"some\":{\"avg10\":0.50,\"avg60\":0.25,"
				       "\"avg300\":0.00,\"total\":7},\"full\":{"));
	assert_non_null(strstr(s.text, "\"raw\":{\"anon\":1,\"file\":2}"));
	assert_non_null(
		strstr(s.text, "{\"major\":8,\"minor\":0,\"op\":\"Read\",\"value\":4096},"));
	assert_non_null(strstr(s.text, "\"2MB\":{\"usage\":1,\"max\":2,\"failcnt\":3},\"1GB\""));
}

static void oom_events(void **state)
{
	cleanup_str struct str s = STR_EMPTY;

	stats_json_add_oom(&s, "box");
	assert_string_equal(s.text, "{\"type\":\"oom\",\"id\":\"box\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_stats_are_json),
		cmocka_unit_test(full_stats_are_json),
		cmocka_unit_test(oom_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
