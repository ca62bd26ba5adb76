/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/rustbox/container/session.h"
#include "cmd/rustbox/container/session_keys.h"

static void key_names_are_read(void **state)
{
	char keys[SESSION_KEYS_MAX];
	struct error err;

	assert_int_equal(session_read_detach_keys("ctrl-p,ctrl-q", keys, &err), 2);
	assert_memory_equal(keys, "\x10\x11", 2);
	assert_int_equal(session_read_detach_keys("a,ctrl-@,ctrl-_,ctrl-[", keys, &err), 4);
	assert_memory_equal(keys, "a\0\x1f\x1b", 4);
	assert_int_equal(session_read_detach_keys("ctrl-A", keys, &err), 1);
	assert_memory_equal(keys, "\1", 1);
	assert_int_equal(session_read_detach_keys("", keys, &err), 0);
}

static void other_names_are_refused(void **state)
{
	static const char *const wrong[] = {
		"ctrl-", "ctrl-1",  "ab",     ",",    "a,",
		"\x10",	 "ctrl-aa", "Ctrl-a", "a,,b", "1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7"
	};
	char keys[SESSION_KEYS_MAX];
	struct error err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(session_read_detach_keys(wrong[i], keys, &err), -1);
		assert_non_null(strstr(err.text, wrong[i]));
	}
	assert_int_equal(session_read_detach_keys("1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6", keys, &err),
			 16);
}

/* Types the text byte by byte: what comes out, and whether it detached. */
static bool type(struct session_keys *keys, const char *typed, char *out)
{
	bool detached = false;
	size_t n = 0;

	for (const char *p = typed; *p && !detached; p++)
		n += session_keys_filter(keys, p, 1, out + n, &detached);
	out[n] = '\0';
	return detached;
}

static void what_is_typed_comes_out_but_for_the_keys(void **state)
{
	static const struct {
		const char *keys, *typed, *out;
		bool detaches;
	} table[] = {
		{ "pq", "hello", "hello", false }, { "pq", "hepq", "he", true },
		{ "pq", "pp", "p", false },	   { "pq", "ppq", "p", true },
		{ "pq", "pxpq", "px", true },	   { "aab", "aaab", "a", true },
		{ "abac", "ababac", "ab", true },  { "x", "x", "", true },
		{ "abac", "abab", "ab", false },   { "", "pq", "pq", false },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct session_keys one = { .n = strlen(table[i].keys) }, all = one;
		char out[64];
		bool detached;

		memcpy(one.keys, table[i].keys, one.n);
		memcpy(all.keys, table[i].keys, all.n);
		assert_int_equal(type(&one, table[i].typed, out), table[i].detaches);
		assert_string_equal(out, table[i].out);
		size_t n = session_keys_filter(&all, table[i].typed, strlen(table[i].typed), out,
					       &detached);
		assert_int_equal(detached, table[i].detaches);
		assert_int_equal(n, strlen(table[i].out));
		assert_memory_equal(out, table[i].out, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_names_are_read),
		cmocka_unit_test(other_names_are_refused),
		cmocka_unit_test(what_is_typed_comes_out_but_for_the_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
