/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "oci/json.h"
#include "oci/json_text.h"

struct inner {
	char *name;
	int32_t level;
};

struct named {
	char *key;
	uint32_t limit;
};

struct outer {
	char *text, *needed;
	bool flag;
	int32_t i32;
	int64_t i64;
	uint16_t u16;
	uint32_t u32, small;
	uint64_t u64;
	struct json_int opt_int;
	struct json_uint opt_uint;
	char **strings;
	uint32_t *numbers;
	struct json_pair *pairs;
	struct inner *object, *objects;
	struct named *named;
	int choice;
	size_t n_strings, n_numbers, n_pairs, n_objects, n_named;
};

static const char *const choices[] = { "red", "green", NULL };

static const struct inner inner_initial = { .level = -1 };
static const struct json_field inner_fields[] = {
	REQUIRED(inner, name, "name"),
	FIELD(inner, level, "level"),
	{ NULL },
};
static const struct json_type inner_type = { sizeof(struct inner), inner_fields, &inner_initial };

static const struct json_field named_fields[] = {
	FIELD(named, limit, "limit"),
	{ NULL },
};
static const struct json_type named_type = { sizeof(struct named), named_fields, NULL };

static const struct json_field outer_fields[] = {
	FIELD(outer, text, "text"),
	REQUIRED(outer, needed, "needed"),
	FIELD(outer, flag, "flag"),
	FIELD(outer, i32, "i32"),
	FIELD(outer, i64, "i64"),
	FIELD(outer, u16, "u16"),
	FIELD(outer, u32, "u32"),
	AT_MOST(outer, small, "small", 9),
	FIELD(outer, u64, "u64"),
	FIELD(outer, opt_int, "optInt"),
	FIELD(outer, opt_uint, "optUint"),
	LIST(outer, strings, "strings"),
	NUMBERS(outer, numbers, "numbers"),
	PAIRS(outer, pairs, "pairs"),
	OBJECT(outer, object, "object", &inner_type),
	ARRAY(outer, objects, "objects", &inner_type),
	NAMED(outer, named, "named", &named_type),
	ENUM(outer, choice, "choice", choices),
	{ NULL },
};
static const struct json_type outer_type = { sizeof(struct outer), outer_fields, NULL };

static int read_text(const char *text, struct outer *out, struct arena *arena, struct error *err)
{
	*out = (struct outer){ 0 };
	return json_read(&outer_type, text, strlen(text), out, arena, err);
}

static void must_read(const char *text, struct outer *out, struct arena *arena)
{
	struct error err = { 0 };

	if (read_text(text, out, arena, &err) < 0)
		fail_msg("%s: %s", text, err.text);
}

/* -- Reading what is right -- */

static void scalars_are_read(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct outer out;

	must_read("{\"text\":\"a\\u00e4\\n\\ud83d\\ude00\",\"needed\":\"\",\"flag\":true,"
		  "\"i32\":-2147483648,\"i64\":9223372036854775807,\"u16\":65535,"
		  "\"u32\":4294967295,\"small\":9,\"u64\":18446744073709551615,\"optInt\":0,"
		  "\"optUint\":18446744073709551615,\"choice\":\"green\"}",
		  &out, &arena);
	assert_string_equal(out.text, "a\xc3\xa4\n\xf0\x9f\x98\x80");
	assert_string_equal(out.needed, "");
	assert_true(out.flag);
	assert_int_equal(out.i32, INT32_MIN);
	assert_int_equal(out.i64, INT64_MAX);
	assert_int_equal(out.u16, UINT16_MAX);
	assert_int_equal(out.u32, UINT32_MAX);
	assert_int_equal(out.small, 9);
	assert_true(out.u64 == UINT64_MAX);
	assert_true(out.opt_int.set && out.opt_int.value == 0);
	assert_true(out.opt_uint.set && out.opt_uint.value == UINT64_MAX);
	assert_int_equal(out.choice, 1);
}

static void collections_are_read(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct outer out;

	must_read("{\"needed\":\"x\",\"strings\":[\"a\",\"\",\"c\"],\"numbers\":[1,2],"
		  "\"pairs\":{\"k\":\"v\",\"\":\"empty\"},\"object\":{\"name\":\"n\"},"
		  "\"objects\":[{\"name\":\"1\",\"level\":5},{\"name\":\"2\"}],"
		  "\"named\":{\"eth0\":{\"limit\":7},\"eth1\":{}}}",
		  &out, &arena);
	assert_int_equal(out.n_strings, 3);
	assert_string_equal(out.strings[1], "");
	assert_null(out.strings[3]);
	assert_int_equal(out.n_numbers, 2);
	assert_int_equal(out.numbers[1], 2);
	assert_int_equal(out.n_pairs, 2);
	assert_string_equal(out.pairs[0].key, "k");
	assert_string_equal(out.pairs[1].value, "empty");
	assert_string_equal(out.object->name, "n");
	assert_int_equal(out.object->level, -1);
	assert_int_equal(out.n_objects, 2);
	assert_int_equal(out.objects[0].level, 5);
	assert_int_equal(out.objects[1].level, -1);
	assert_int_equal(out.n_named, 2);
	assert_string_equal(out.named[0].key, "eth0");
	assert_int_equal(out.named[0].limit, 7);
	assert_string_equal(out.named[1].key, "eth1");
}

static void absent_null_and_empty_are_told_apart(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct outer out;

	must_read("{\"needed\":\"x\",\"text\":\"\",\"strings\":null,\"objects\":[],\"optInt\":null,"
		  "\"pairs\":{\"a\":null,\"b\":\"c\"},\"named\":{\"d\":null},\"object\":null}",
		  &out, &arena);
	assert_null(out.text);
	assert_null(out.strings);
	assert_non_null(out.objects);
	assert_int_equal(out.n_objects, 0);
	assert_false(out.opt_int.set);
	assert_null(out.object);
	assert_int_equal(out.n_pairs, 1);
	assert_string_equal(out.pairs[0].key, "b");
	assert_int_equal(out.n_named, 0);
}

static void unknown_keys_are_ignored(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct outer out;

	must_read("{\"x\":{\"text\":\"no\",\"text\":[{\"a\":1e9},null,true]},\"needed\":\"x\","
		  "\"y\":[[],{}],\"z\":-1.5,\"object\":{\"name\":\"n\",\"q\":[1]}}",
		  &out, &arena);
	assert_null(out.text);
	assert_string_equal(out.object->name, "n");
}

static void text_need_not_end_in_nul(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct outer out = { 0 };
	const char text[] = {
		'{', '"', 'n', 'e', 'e', 'd', 'e', 'd', '"', ':', '"', '1', '"', '}'
	};

	assert_int_equal(json_read(&outer_type, text, sizeof(text), &out, &arena, &err), 0);
	assert_string_equal(out.needed, "1");
}

/* -- Refusing what is wrong: S20 -- */

static const struct {
	const char *text, *message;
} bad[] = {
	{ "", "line 1, column 1: " },
	{ "{", "line 1, column 2: " },
	{ "{]", "line 1, column 2: " },
	{ "{\"needed\":\"x\",}", "line 1, column 15: " },
	{ "{\n \"needed\": tru}", "line 2, column 14: " },
	{ "{\"needed\":\"x\"} {}", "line 1, column " },
	{ "{\"needed\":\"x\"}x", "line 1, column " },
	{ "{\"needed\":\"x\"", "line 1, column 14: " },
	{ "{\"needed\":\"a\tb\"}", "line 1, column " },
	{ "{\"u32\":01}", "line 1, column " },
	{ "{\"u32\":+1}", "line 1, column " },
	{ "/* no */ {}", "line 1, column " },
	{ "\xef\xbb\xbf{}", "line 1, column " },
	{ "[]", "the document: expected an object, found an array" },
	{ "null", "the document: expected an object, found null" },
	{ "1", "the document: expected an object, found a number" },
	{ "{}", "needed: missing" },
	{ "{\"needed\":null}", "needed: missing" },
	{ "{\"needed\":1}", "needed: expected a string, found a number" },
	{ "{\"needed\":[]}", "needed: expected a string, found an array" },
	{ "{\"needed\":\"a\",\"needed\":\"a\"}", "needed: duplicate key" },
	{ "{\"needed\":null,\"needed\":\"a\"}", "needed: duplicate key" },
	{ "{\"text\":\"a\\u0000b\"}", "text: contains a NUL character" },
	{ "{\"pairs\":{\"a\\u0000\":\"b\"}}", "pairs: a key contains a NUL character" },
	{ "{\"object\":{\"a\\u0000\":1}}", "object: a key contains a NUL character" },
	{ "{\"unknown\":[\"\\u0000\"]}", "the document: contains a NUL character" },
	{ "{\"flag\":1}", "flag: expected true or false, found a number" },
	{ "{\"flag\":\"true\"}", "flag: expected true or false, found a string" },
	{ "{\"text\":true}", "text: expected a string, found true" },
	{ "{\"i32\":2147483648}", "i32: 2147483648 is out of range (-2147483648 to 2147483647)" },
	{ "{\"i32\":1.0}", "i32: expected an integer, found 1.0" },
	{ "{\"i32\":1e3}", "i32: expected an integer, found 1e3" },
	{ "{\"i32\":\"1\"}", "i32: expected an integer, found a string" },
	{ "{\"i64\":9223372036854775808}", "i64: 9223372036854775808 is out of range" },
	{ "{\"i64\":-9223372036854775809}", "i64: -9223372036854775809 is out of range" },
	{ "{\"u16\":65536}", "u16: 65536 is out of range (0 to 65535)" },
	{ "{\"u32\":4294967296}", "u32: 4294967296 is out of range (0 to 4294967295)" },
	{ "{\"u32\":-1}", "u32: -1 is out of range" },
	{ "{\"u32\":-0}", "u32: -0 is out of range" },
	{ "{\"u32\":false}", "u32: expected an unsigned integer, found false" },
	{ "{\"u64\":18446744073709551616}", "u64: 18446744073709551616 is out of range" },
	{ "{\"u64\":1E2}", "u64: expected an unsigned integer, found 1E2" },
	{ "{\"u64\":111111111111111111111111111111111111111111111111111111111111}",
	  "u64: 1111111111111111111111111111111111111111 is out of range" },
	{ "{\"optInt\":1.5}", "optInt: expected an integer, found 1.5" },
	{ "{\"optUint\":-5}", "optUint: -5 is out of range" },
	{ "{\"small\":10}", "small: 10 is out of range (0 to 9)" },
	{ "{\"choice\":\"blue\"}", "choice: \"blue\" is none of red, green" },
	{ "{\"choice\":1}", "choice: expected a string, found a number" },
	{ "{\"strings\":\"a\"}", "strings: expected an array of strings, found a string" },
	{ "{\"strings\":{}}", "strings: expected an array of strings, found an object" },
	{ "{\"strings\":[\"a\",2]}", "strings[1]: expected a string, found a number" },
	{ "{\"strings\":[null]}", "strings[0]: expected a string, found null" },
	{ "{\"strings\":[[]]}", "strings[0]: expected a string, found an array" },
	{ "{\"numbers\":[1,-1]}", "numbers[1]: -1 is out of range" },
	{ "{\"numbers\":[4294967296]}", "numbers[0]: 4294967296 is out of range" },
	{ "{\"pairs\":[]}", "pairs: expected an object of strings, found an array" },
	{ "{\"pairs\":{\"a.b\":1}}", "pairs[\"a.b\"]: expected a string, found a number" },
	{ "{\"pairs\":{\"b\":\"1\",\"a\":\"2\",\"b\":\"3\"}}", "pairs: duplicate key \"b\"" },
	{ "{\"object\":[]}", "object: expected an object, found an array" },
	{ "{\"object\":{}}", "object.name: missing" },
	{ "{\"object\":{\"name\":\"a\",\"level\":\"b\"}}", "object.level: expected an integer" },
	{ "{\"objects\":{}}", "objects: expected an array of objects, found an object" },
	{ "{\"objects\":[{\"name\":\"a\"},{\"level\":1}]}", "objects[1].name: missing" },
	{ "{\"objects\":[{\"name\":\"a\"},null]}", "objects[1]: expected an object, found null" },
	{ "{\"objects\":[\"a\"]}", "objects[0]: expected an object, found a string" },
	{ "{\"named\":[]}", "named: expected an object of objects, found an array" },
	{ "{\"named\":{\"a\":1}}", "named[\"a\"]: expected an object, found a number" },
	{ "{\"named\":{\"a\":{\"limit\":-1}}}", "named[\"a\"].limit: -1 is out of range" },
	{ "{\"named\":{\"a\":{},\"a\":{}}}", "named: duplicate key \"a\"" },
	{ "{\"text\":\"\\ud800\"}", "line 1, column 10: an escape of half a surrogate pair" },
	{ "{\"text\":\"\\ud800\\u0041\"}", "line 1, column 10: an escape of half" },
	{ "{\"text\":\"\\udc00\"}", "line 1, column 10: an escape of half a surrogate pair" },
	{ "{\"text\":\"\xff\"}", "line 1, column 10: not valid UTF-8" },
	{ "{\n\n\"text\":\"\xc0\x80\"}", "line 3, column 9: not valid UTF-8" },
};

static void bad_documents_are_refused_with_their_path(void **state)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cleanup_arena struct arena arena = ARENA_EMPTY;
		struct error err = { 0 };
		struct outer out;
		if (read_text(bad[i].text, &out, &arena, &err) == 0)
			fail_msg("%s was read", bad[i].text);
		if (!str_starts_with(err.text, bad[i].message))
			fail_msg("%s: \"%s\" instead of \"%s\"", bad[i].text, err.text,
				 bad[i].message);
	}
}

static void raw_nul_is_refused(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct outer out = { 0 };
	const char text[] = "{\"needed\":\"a\0b\"}";

	assert_int_equal(json_read(&outer_type, text, sizeof(text) - 1, &out, &arena, &err), -1);
}

/* "[[…]]" as the value of an unknown key; the document itself is a level, too. */
static int read_nested(size_t levels, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str text = STR_EMPTY;
	struct outer out = { 0 };

	str_add(&text, "{\"needed\":\"x\",\"y\":");
	for (size_t i = 1; i < levels; i++)
		str_add(&text, "[");
	for (size_t i = 1; i < levels; i++)
		str_add(&text, "]");
	str_add(&text, "}");
	return json_read(&outer_type, text.text, text.size, &out, &arena, err);
}

static void depth_is_limited(void **state)
{
	struct error err = { 0 };

	assert_int_equal(read_nested(JSON_DEPTH_MAX, &err), 0);
	assert_int_equal(read_nested(JSON_DEPTH_MAX + 1, &err), -1);
	assert_string_equal(err.text, "the document: nested more than 64 levels deep");
	assert_int_equal(read_nested(1000000, &err), -1);
}

static void size_is_limited(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *text = calloc(1, JSON_SIZE_MAX + 1);
	struct error err = { 0 };
	struct outer out = { 0 };

	assert_non_null(text);
	memset(text, ' ', JSON_SIZE_MAX + 1);
	memcpy(text, "{\"needed\":\"x\"}", 14);
	assert_int_equal(json_read(&outer_type, text, JSON_SIZE_MAX, &out, &arena, &err), 0);
	out = (struct outer){ 0 };
	assert_int_equal(json_read(&outer_type, text, JSON_SIZE_MAX + 1, &out, &arena, &err), -1);
	assert_string_equal(err.text, "larger than 16 MiB");
}

/* A hundred thousand keys take a moment; comparing them pair by pair would take minutes. */
static void large_documents_are_read_in_linear_time(void **state)
{
	enum { KEYS = 100000 };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str text = STR_EMPTY;
	struct outer out;

	str_add(&text, "{\"needed\":\"x\",\"pairs\":{\"\":\"\"");
	for (int i = 0; i < KEYS; i++)
		str_add_format(&text, ",\"key%d\":\"%d\"", i, i);
	str_add(&text, "},\"strings\":[\"\"");
	for (int i = 0; i < KEYS; i++)
		str_add(&text, ",\"a\"");
	str_add(&text, "]}");
	must_read(text.text, &out, &arena);
	assert_int_equal(out.n_pairs, KEYS + 1);
	assert_int_equal(out.n_strings, KEYS + 1);
	assert_string_equal(out.pairs[KEYS].value, "99999");
}

/* -- Text -- */

static void utf8_is_checked_strictly(void **state)
{
	static const struct {
		const char *text;
		size_t valid;
	} rows[] = {
		{ "", 0 },
		{ "abc", 3 },
		{ "\xc2\x80\xdf\xbf", 4 },
		{ "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80", 9 },
		{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8 },
		{ "a\x80", 1 },		   /* a continuation alone */
		{ "a\xc1\xbf", 1 },	   /* overlong */
		{ "\xe0\x9f\xbf", 0 },	   /* overlong */
		{ "\xf0\x8f\xbf\xbf", 0 }, /* overlong */
		{ "\xed\xa0\x80", 0 },	   /* a surrogate */
		{ "\xf4\x90\x80\x80", 0 }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", 0 },
		{ "ab\xe2\x82", 2 }, /* cut */
		{ "\xe2\x28\xa1", 0 },
		{ "\xff", 0 },
		/* behind and among pieces of eight bytes */
		{ "01234567\xff", 8 },
		{ "0123456\x80zzzzzzzz", 7 },
		{ "0123456789abcdefgh\xc2\x80ijklmnopqrs\xed\xa0\x80", 31 },
		{ "0123456\xf0\x90\x80\x80zzzzz\xc2\x80zzzzzzzzz", 27 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(json_text_utf8(rows[i].text, strlen(rows[i].text)), rows[i].valid);
}

/* -- Writing -- */

static void written_text_is_read_back(void **state)
{
	static const char text[] =
		"{\"text\":\"a\\\"\\\\\\n\\u0001\xc3\xa4\",\"needed\":\"\",\"flag\":true,\"i32\":-"
		"1,"
		"\"i64\":-9223372036854775808,\"u16\":1,\"u32\":2,\"small\":3,"
		"\"u64\":18446744073709551615,\"optInt\":0,\"optUint\":0,"
		"\"strings\":[\"a\",\"b\"],\"numbers\":[1,4294967295],"
		"\"pairs\":{\"k\":\"v\"},\"object\":{\"name\":\"n\",\"level\":0},"
		"\"objects\":[{\"name\":\"1\"}],\"named\":{\"a\":{\"limit\":1},\"\":{}},"
		"\"choice\":\"green\"}";
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	struct outer out;

	must_read(text, &out, &arena);
	cleanup_free char *written = json_write(&outer_type, &out, false, &err);
	assert_non_null(written);
	assert_string_equal(written, "{\"text\":\"a\\\"\\\\\\n\\u0001\xc3\xa4\"," /* as it was */
				     "\"needed\":\"\",\"flag\":true,\"i32\":-1,"
				     "\"i64\":-9223372036854775808,\"u16\":1,\"u32\":2,\"small\":3,"
				     "\"u64\":18446744073709551615,\"optInt\":0,\"optUint\":0,"
				     "\"strings\":[\"a\",\"b\"],\"numbers\":[1,4294967295],"
				     "\"pairs\":{\"k\":\"v\"},"
				     "\"object\":{\"name\":\"n\",\"level\":0},"
				     "\"objects\":[{\"name\":\"1\"}],"
				     "\"named\":{\"a\":{\"limit\":1},\"\":{}},"
				     "\"choice\":\"green\"}");
}

static void indented_text_looks_as_expected(void **state)
{
	struct inner inner = { .name = (char[]){ "n" }, .level = -1 };
	struct outer out = { .needed = (char[]){ "x" }, .object = &inner };
	char *strings[] = { NULL };
	struct error err = { 0 };

	out.strings = strings;
	cleanup_free char *written = json_write(&outer_type, &out, true, &err);
	assert_non_null(written);
	assert_string_equal(written, "{\n"
				     "  \"needed\": \"x\",\n"
				     "  \"strings\": [],\n"
				     "  \"object\": {\n"
				     "    \"name\": \"n\"\n"
				     "  },\n"
				     "  \"choice\": \"red\"\n"
				     "}\n");
}

static void what_could_not_be_read_back_is_not_written(void **state)
{
	struct error err = { 0 };
	struct outer out = { .needed = NULL };
	char *strings[] = { (char[]){ "a" }, (char[]){ "\xff" }, NULL };

	assert_null(json_write(&outer_type, &out, false, &err));
	assert_string_equal(err.text, "needed: missing");
	out.needed = (char[]){ "x" };
	out.strings = strings;
	out.n_strings = 2;
	assert_null(json_write(&outer_type, &out, false, &err));
	assert_string_equal(err.text, "strings: \"\xff\" is not valid UTF-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_read),
		cmocka_unit_test(collections_are_read),
		cmocka_unit_test(absent_null_and_empty_are_told_apart),
		cmocka_unit_test(unknown_keys_are_ignored),
		cmocka_unit_test(text_need_not_end_in_nul),
		cmocka_unit_test(bad_documents_are_refused_with_their_path),
		cmocka_unit_test(raw_nul_is_refused),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(size_is_limited),
		cmocka_unit_test(large_documents_are_read_in_linear_time),
		cmocka_unit_test(utf8_is_checked_strictly),
		cmocka_unit_test(written_text_is_read_back),
		cmocka_unit_test(indented_text_looks_as_expected),
		cmocka_unit_test(what_could_not_be_read_back_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
