/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "shim/toml.h"

/* All entries as "section.key=value;", or the error's text. */
static char *show_bytes(const char *text, size_t size)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str s = STR_EMPTY;
	struct toml_entry e;
	struct error err;
	struct toml toml;
	int got = toml_begin(&toml, text, size, &arena, &err);

	while (got >= 0 && (got = toml_next(&toml, &e, &err)) > 0) {
		str_add_format(&s, "%s%s%s=", e.section, *e.section ? ":" : "", e.key);
		if (e.kind == TOML_BOOL)
			str_add(&s, e.boolean ? "true;" : "false;");
		else if (e.kind == TOML_NUMBER)
			str_add_format(&s, "%lld;", (long long)e.number);
		else
			str_add_format(&s, "%s;", e.kind == TOML_TEXT ? e.text : "(other)");
	}
	return got < 0 ? str_format(&err, "%s", err.text) : str_take(&s, &err);
}

static char *show(const char *text)
{
	return show_bytes(text, strlen(text));
}

static void entries_are_read(void **state)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{ "", "" },
		{ "\n\r\n # nothing\n\t\n", "" },
		{ "SystemdCgroup = true\n", "SystemdCgroup=true;" },
		{ "SystemdCgroup=false", "SystemdCgroup=false;" },
		{ "A = 0\nB = -5 # five\r\nC=4294967295\n", "A=0;B=-5;C=4294967295;" },
		{ "Root = \"/a b\"\nX = 'C:\\x'\n", "Root=/a b;X=C:\\x;" },
		{ "e = \"\"\nf = ''", "e=;f=;" },
		{ "s = \"a # no comment\"# one", "s=a # no comment;" },
		{ "s = \"\\t\\\"\\\\\\u00e4\\U0001F600\\u20ac\\u0041\"",
		  "s=\t\"\\\xc3\xa4\xf0\x9f\x98\x80\xe2\x82\xac"
		  "A;" },
		{ "a = 1\n[one]\nb = 2\n[[ two . \"x y\" ]] # c\nc=3", "a=1;one:b=2;two.x y:c=3;" },
		{ "a.b . 'c d' = true\n\"q\"=1", "a.b.c d=true;q=1;" },
		{ "a = [1, [2, \"]\"], # ]\n 'x'\n]\nb = { c = [1], d = \"}\" }\ne = 1",
		  "a=(other);b=(other);e=1;" },
		{ "a = 1.5\nb = 1979-05-27T07:32:00Z\nc = 0x1F\nd = +1\ne = 1_000\nf = inf\ng = "
		  "007",
		  "a=(other);b=(other);c=(other);d=(other);e=(other);f=(other);g=(other);" },
		{ "big = 99999999999999999999", "big=(other);" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_free char *shown = show(rows[i].text);
		assert_non_null(shown);
		assert_string_equal(shown, rows[i].shown);
	}
}

static void what_is_no_toml_is_an_error_with_its_line(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "a = 1\nb\n", "line 2: = is expected" },
		{ "a =\n", "line 1: a value is expected" },
		{ "a = ", "a value is expected" },
		{ "= 1", "a key is expected" },
		{ "a. = 1", "a key is expected" },
		{ "\n\na = yes", "line 3: a text needs quotes" },
		{ "a = True", "a text needs quotes" },
		{ "a = 1 2", "only a comment" },
		{ "a = 1, b = 2", "only a comment" },
		{ "a = \"x", "a text has no end" },
		{ "a = \"x\n\"", "line 1: a text has no end" },
		{ "a = 'x", "a text has no end" },
		{ "a = \"\\", "an unknown \\ sequence" },
		{ "a = \"\\q\"", "an unknown \\ sequence" },
		{ "a = \"\\u00\"", "\\u and \\U" },
		{ "a = \"\\u0000\"", "\\u and \\U" },
		{ "a = \"\\ud800\"", "\\u and \\U" },
		{ "a = \"\\U00110000\"", "\\u and \\U" },
		{ "a = \"\"\"x\"\"\"", "several lines" },
		{ "a = '''x'''", "several lines" },
		{ "[", "a key is expected" },
		{ "[a", "has no end" },
		{ "[[a]", "has no end" },
		{ "[a] b = 1", "only a comment" },
		{ "a = [1\n\n", "line 3: an array or a table has no end" },
		{ "a = [}", "does not match" },
		{ "a = {]", "does not match" },
		{ "a = 1\nb = \xff", "not UTF-8" },
		{ "a = 1\nb = \"\x01\"", "line 2: a control character" },
		{ "a = 1\rb = 2", "a control character" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cleanup_free char *shown = show(rows[i].text);
		assert_non_null(shown);
		if (!strstr(shown, rows[i].message))
			fail_msg("%s: \"%s\"", rows[i].text, shown);
	}
}

static void nesting_and_nul_have_bounds(void **state)
{
	char text[200];

	(void)state;
	memset(text, '[', sizeof(text));
	memcpy(text, "a =", 3);
	cleanup_free char *deep = show_bytes(text, sizeof(text));
	assert_non_null(strstr(deep, "too many brackets"));
	cleanup_free char *nul = show_bytes("a = \"x\0y\"", 9);
	assert_non_null(strstr(nul, "a control character"));
	memset(text, '9', sizeof(text));
	memcpy(text, "a =", 3);
	cleanup_free char *word = show_bytes(text, sizeof(text));
	assert_non_null(strstr(word, "a value is expected"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_read),
		cmocka_unit_test(what_is_no_toml_is_an_error_with_its_line),
		cmocka_unit_test(nesting_and_nul_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
