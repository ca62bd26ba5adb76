/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "proto/task.pb-c.h"
#include "proto/ttrpc.pb-c.h"
#include "proto/unpack.h"

static void *unpack(const ProtobufCMessageDescriptor *d, const void *data, size_t n,
		    struct error *err)
{
	size_t memory = 0;
	ProtobufCMessage *m = unpack_message(d, n, data, &memory, err);

	assert_true(!m || (memory >= d->sizeof_message && memory <= UNPACK_MEMORY_MAX));
	return m;
}

static void good_messages_come_through(void **state)
{
	static const char bytes[] = "\x0a\x02w1\x12\x01/\x1a\x03\x0a\x01t\x20\x01"
				    "\xaa\x06\x01x"; /* field 101 is unknown */
	struct error err;
	Containerd__Task__V2__CreateTaskRequest *m =
		unpack(&containerd__task__v2__create_task_request__descriptor, bytes,
		       sizeof(bytes) - 1, &err);

	(void)state;
	assert_non_null(m);
	assert_string_equal(m->id, "w1");
	assert_int_equal(m->n_rootfs, 1);
	assert_string_equal(m->rootfs[0]->type, "t");
	assert_true(m->terminal);
	protobuf_c_message_free_unpacked(&m->base, NULL);
	m = unpack(&containerd__task__v2__create_task_request__descriptor, NULL, 0, &err);
	assert_non_null(m);
	assert_string_equal(m->id, "");
	protobuf_c_message_free_unpacked(&m->base, NULL);
}

static void bad_messages_are_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *complaint;
	} rows[] = {
		{ "\x0a", 1, "a number that does not end" },
		{ "\x0a\x05w1", 4, "where 5 should follow" },
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01w", 12, "should follow" },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, "does not end" },
		{ "\x21w1", 3, "where 8 should follow" },
		{ "\x25w1", 3, "where 4 should follow" },
		{ "\x0b", 1, "wire type 3" },
		{ "\x0f", 1, "wire type 7" },
		{ "\x02\x00", 2, "a field of number 0" },
		{ "\x0a\x02w\xff", 4, "\"id\" is not text: it is not UTF-8" },
		{ "\x0a\x03w\0x", 5, "\"id\" is not text: it has a NUL byte" },
		{ "\x1a\x05\x0a\x03w\0x", 7, "\"type\" is not text: it has a NUL byte" },
		{ "\x08\x01", 2, "malformed" }, /* a number where text belongs */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct error err = { 0 };
		assert_null(unpack(&containerd__task__v2__create_task_request__descriptor,
				   rows[i].bytes, rows[i].n, &err));
		assert_non_null(strstr(err.text, rows[i].complaint));
		assert_non_null(strstr(err.text, "containerd.task.v2.CreateTaskRequest"));
	}
}

/* Two bytes in the frame, a hundred in memory. */
static void what_grows_too_large_is_refused(void **state)
{
	size_t size = 4 << 20;
	char *bytes = malloc(size);
	struct error err = { 0 };

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i += 2)
		memcpy(bytes + i, "\x2a\x00", 2); /* metadata without key and value */
	void *message = unpack(&ttrpc__request__descriptor, bytes, size, &err);
	void *small = unpack(&ttrpc__request__descriptor, bytes, 2000, &err);
	free(bytes);
	assert_null(message);
	assert_non_null(strstr(err.text, "too large"));
	assert_non_null(small);
	assert_int_equal(((Ttrpc__Request *)small)->n_metadata, 1000);
	ttrpc__request__free_unpacked(small, NULL);
}

static void large_payloads_are_fine(void **state)
{
	size_t size = (4 << 20) - 5;
	uint8_t *bytes = calloc(1, size + 5);
	struct error err;

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, "\x1a\xfb\xff\xff\x01", 5);
	Ttrpc__Request *message = unpack(&ttrpc__request__descriptor, bytes, size + 5, &err);
	free(bytes);
	assert_non_null(message);
	assert_int_equal(message->payload.len, size);
	ttrpc__request__free_unpacked(message, NULL);
}

static void an_arena_holds_them_as_well(void **state)
{
	static const char bytes[] = "\x0a\x02w1\x1a\x03\x0a\x01t", bad[] = "\x0a\x02w\0";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	const Containerd__Task__V2__CreateTaskRequest *m =
		unpack_message_in_arena(&containerd__task__v2__create_task_request__descriptor,
					sizeof(bytes) - 1, bytes, &arena, &err);

	(void)state;
	assert_non_null(m);
	assert_string_equal(m->id, "w1");
	assert_string_equal(m->rootfs[0]->type, "t");
	assert_null(unpack_message_in_arena(&containerd__task__v2__create_task_request__descriptor,
					    sizeof(bad) - 1, bad, &arena, &err));
	assert_non_null(strstr(err.text, "\"id\" is not text: it has a NUL byte"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_messages_come_through),
		cmocka_unit_test(bad_messages_are_refused),
		cmocka_unit_test(what_grows_too_large_is_refused),
		cmocka_unit_test(large_payloads_are_fine),
		cmocka_unit_test(an_arena_holds_them_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
