/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of a text; what the readers make of them, their own tests have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oci/json_parse.h"

enum { LARGEST_BLOCK = 1 << 20 };

/* Who asks for more at once than LARGEST_BLOCK gets nothing. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=1";
}

static size_t length;

static int on_string(void *data, const unsigned char *text, size_t n)
{
	length = n;
	return data == NULL;
}

static const yajl_callbacks callbacks = { .yajl_string = on_string };

static void strings_come_with_their_length(void **state)
{
	struct error err;

	assert_int_equal(json_parse("\"a\\u0000b\"x", 10, &callbacks, NULL, &err), 0);
	assert_int_equal(length, 3);
}

static void a_callback_ends_it(void **state)
{
	struct error err = { .text = "ours" };

	assert_int_equal(json_parse("[\"a\", ?", 7, &callbacks, &err, &err), -1);
	assert_string_equal(err.text, "ours");
}

static void what_is_no_json_has_its_place(void **state)
{
	struct error err;

	assert_int_equal(json_parse("[1,\n ?]", 7, &callbacks, NULL, &err), -1);
	assert_non_null(strstr(err.text, "line 2, column 2: "));
	assert_int_equal(json_parse("[\"\xff\"]", 5, &callbacks, NULL, &err), -1);
	assert_non_null(strstr(err.text, "line 1, column 3: not valid UTF-8"));
}

/* yajl keeps a text with an escape together, in a block that grows. */
static void want_of_memory_is_an_error(void **state)
{
	static char text[2 * LARGEST_BLOCK];
	struct error err;

	memset(text, 'x', sizeof(text));
	memcpy(text, "\"\\n", 3);
	text[sizeof(text) - 1] = '"';
	assert_int_equal(json_parse(text, sizeof(text), &callbacks, NULL, &err), -1);
	assert_non_null(strstr(err.text, "memory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_come_with_their_length),
		cmocka_unit_test(a_callback_ends_it),
		cmocka_unit_test(what_is_no_json_has_its_place),
		cmocka_unit_test(want_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
