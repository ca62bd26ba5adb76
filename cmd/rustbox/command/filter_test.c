/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "cmd/rustbox/command/filter.h"

struct thing {
	const char *name, *kind;
	struct json_pair labels[2];
};

static bool has_name(const void *thing, const char *value)
{
	return filter_text(((const struct thing *)thing)->name, value);
}

static bool has_kind(const void *thing, const char *value)
{
	return str_equal(((const struct thing *)thing)->kind, value);
}

static int check_kind(const char *value, struct error *err)
{
	return str_equal(value, "x") || str_equal(value, "y") ? 0 : error_set(err, 0, "not x or y");
}

static bool has_label(const void *thing, const char *value)
{
	return filter_label(((const struct thing *)thing)->labels, 2, value);
}

static const struct filter_key keys[] = {
	{ "name", has_name },
	{ "kind", has_kind, .check = check_kind },
	{ "label", has_label, .all = true },
	{ NULL },
};

static char a[] = "a", one[] = "1", b[] = "b", empty[] = "";
static const struct thing web = { "web-1", "x", { { a, one }, { b, empty } } };

#define FILTERS(...)                                                                               \
	(&(struct option_strings){ (char *[]){ __VA_ARGS__ },                                      \
				   sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) })
#define F(text) ((char[]){ text })

static void keys_are_and_values_are_or(void **state)
{
	static const struct option_strings none;

	(void)state;
	assert_true(filter_matches(keys, &none, &web));
	assert_true(filter_matches(keys, FILTERS(F("name=web")), &web));
	assert_true(filter_matches(keys, FILTERS(F("name=no"), F("name=web")), &web));
	assert_false(filter_matches(keys, FILTERS(F("name=web"), F("kind=y")), &web));
	assert_true(filter_matches(keys, FILTERS(F("kind=y"), F("kind=x"), F("name=w")), &web));
	assert_true(filter_matches(keys, FILTERS(F("label=a"), F("label=b")), &web));
	assert_false(filter_matches(keys, FILTERS(F("label=a"), F("label=c")), &web));
}

static void labels_have_values(void **state)
{
	(void)state;
	assert_true(filter_label(web.labels, 2, "a=1"));
	assert_false(filter_label(web.labels, 2, "a=2"));
	assert_false(filter_label(web.labels, 2, "a="));
	assert_true(filter_label(web.labels, 2, "b="));
	assert_false(filter_label(web.labels, 2, "aa"));
	assert_false(filter_label(NULL, 0, "a"));
}

static void texts_are_parts_or_expressions(void **state)
{
	(void)state;
	assert_true(filter_text("web-1", "eb"));
	assert_true(filter_text("web-1", "^web-[0-9]$"));
	assert_false(filter_text("web-10", "^web-[0-9]$"));
	assert_false(filter_text("web-1", "(")); /* no expression, and no part */
	assert_true(filter_text("a.(b", ".("));
	assert_false(filter_text(NULL, "x"));
}

static void mistakes_are_named(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(
		filter_check(keys, FILTERS(F("name=x"), F("kind=y"), F("label=a=b")), &err), 0);
	static const char *const bad[] = { "size=1", "name", "name=", "=x", "kind=z", "names=x" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[16];
		(void)strncpy(text, bad[i], sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		assert_int_equal(filter_check(keys, FILTERS(text), &err), -1);
		assert_non_null(strstr(err.text, bad[i]));
	}
	assert_int_equal(filter_check(keys, FILTERS(F("size=1")), &err), -1);
	assert_non_null(strstr(err.text, "name, kind, label"));
	assert_true(filter_has(FILTERS(F("kind=x")), "kind"));
	assert_false(filter_has(FILTERS(F("kindly=x")), "kind"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_and_values_are_or),
		cmocka_unit_test(labels_have_values),
		cmocka_unit_test(texts_are_parts_or_expressions),
		cmocka_unit_test(mistakes_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
