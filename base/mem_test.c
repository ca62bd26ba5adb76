/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void arena_memory_is_zeroed_and_aligned(void **state)
{
	struct arena cleanup_arena arena = ARENA_EMPTY;
	struct error err;

	(void)state;
	for (size_t n = 0; n < 300; n++) {
		unsigned char *p = arena_alloc(&arena, n, &err);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % sizeof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	char *large = arena_alloc(&arena, 1 << 20, &err);
	assert_non_null(large);
	large[(1 << 20) - 1] = 'x';
}

static void arena_refuses_overflow(void **state)
{
	struct arena cleanup_arena arena = ARENA_EMPTY;
	struct error err;

	(void)state;
	assert_null(arena_array(&arena, SIZE_MAX / 2, 3, &err));
	assert_int_equal(err.code, ENOMEM);
	assert_null(arena_alloc(&arena, SIZE_MAX, &err));
	assert_int_equal(err.code, ENOMEM);
}

static void arena_copies_texts(void **state)
{
	struct arena cleanup_arena arena = ARENA_EMPTY;
	struct error err;

	(void)state;
	assert_string_equal(arena_strdup(&arena, "abc", &err), "abc");
	assert_string_equal(arena_strndup(&arena, "abc", 2, &err), "ab");
	assert_string_equal(arena_strndup(&arena, "abc", 0, &err), "");
	assert_string_equal(arena_format(&arena, &err, "%d-%s", 7, "x"), "7-x");
}

static void move_leaves_nothing_behind(void **state)
{
	cleanup_free char *p = strdup("x");
	char *q = move_ptr(&p);

	(void)state;
	assert_null(p);
	assert_string_equal(q, "x");
	free(q);
}

static void grow_keeps_the_items(void **state)
{
	cleanup_free int *items = NULL;
	size_t room = 0;
	struct error err;

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(mem_grow((void **)&items, i, &room, sizeof(*items), &err), 0);
		items[i] = (int)i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
		cmocka_unit_test(arena_refuses_overflow),
		cmocka_unit_test(arena_copies_texts),
		cmocka_unit_test(move_leaves_nothing_behind),
		cmocka_unit_test(grow_keeps_the_items),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
