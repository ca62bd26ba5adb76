/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shim/flags.h"

enum { WORDS = 16 };

/* The words after the program's name, as a row of a table can hold them. */
static int read_words(const char *const words[WORDS], struct shim_flags *ret, struct error *err)
{
	char *argv[WORDS + 2] = { (char *)(uintptr_t) "shim" };

	for (size_t i = 0; i < WORDS && words[i]; i++)
		argv[i + 1] = (char *)(uintptr_t)words[i];
	return shim_flags_read(argv, ret, err);
}

static void what_containerd_says_is_understood(void **state)
{
	static const char *const words[WORDS] = { "-namespace",
						  "default",
						  "-address",
						  "/x/c.sock",
						  "-publish-binary",
						  "/usr/bin/containerd",
						  "-id",
						  "w1",
						  "-bundle",
						  "/b/w1",
						  "-debug",
						  "delete" };
	struct shim_flags flags;
	struct error err;

	(void)state;
	assert_int_equal(read_words(words, &flags, &err), 0);
	assert_int_equal(flags.action, SHIM_DELETE);
	assert_string_equal(flags.namespace, "default");
	assert_string_equal(flags.address, "/x/c.sock");
	assert_string_equal(flags.publish_binary, "/usr/bin/containerd");
	assert_string_equal(flags.id, "w1");
	assert_string_equal(flags.bundle, "/b/w1");
	assert_true(flags.debug);
	assert_int_equal(shim_flags_check(&flags, &err), 0);
}

static void all_spellings_mean_the_same(void **state)
{
	static const char *const spellings[][WORDS] = {
		{ "-id", "a", "-debug", "start" },
		{ "--id", "a", "--debug", "start" },
		{ "-id=a", "-debug=true", "start" },
		{ "--id=a", "--debug=1", "start" },
		{ "-id=b", "-id", "a", "-debug=T", "--", "start" },
		{ "-debug", "-id=a", "start", "what", "-follows", "is nobody's" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		struct shim_flags flags;
		struct error err;

		assert_int_equal(read_words(spellings[i], &flags, &err), 0);
		assert_int_equal(flags.action, SHIM_START);
		assert_string_equal(flags.id, "a");
		assert_true(flags.debug);
	}
}

static void actions_come_from_flags_too(void **state)
{
	static const struct {
		const char *words[WORDS];
		enum shim_action action;
	} rows[] = {
		{ { NULL }, SHIM_SERVE },	   { { "-v" }, SHIM_VERSION },
		{ { "--version" }, SHIM_VERSION }, { { "-info" }, SHIM_INFO },
		{ { "-info=false" }, SHIM_SERVE }, { { "-debug=false", "-info" }, SHIM_INFO },
		{ { "-h" }, SHIM_HELP },	   { { "-help", "start" }, SHIM_HELP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shim_flags flags;
		struct error err;

		assert_int_equal(read_words(rows[i].words, &flags, &err), 0);
		assert_int_equal(flags.action, rows[i].action);
		assert_false(flags.debug);
	}
}

static void flags_of_a_later_containerd_are_ignored(void **state)
{
	static const char *const futures[][WORDS] = {
		{ "-new", "-id", "a", "start" },
		{ "-new", "value", "-id", "a", "start" },
		{ "-new=value", "-id", "a", "start" },
		{ "-id", "a", "-new", "start" },
		{ "-id", "a", "-new", "value", "start" },
		{ "-debug-socket", "/x", "-id", "a", "start" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(futures) / sizeof(futures[0]); i++) {
		struct shim_flags flags;
		struct error err;

		assert_int_equal(read_words(futures[i], &flags, &err), 0);
		assert_int_equal(flags.action, SHIM_START);
		assert_string_equal(flags.id, "a");
	}
}

static void nonsense_is_refused_by_name(void **state)
{
	static const struct {
		const char *words[WORDS], *message;
	} rows[] = {
		{ { "restart" }, "\"restart\" is no action" },
		{ { "-" }, "\"-\" is no action" },
		{ { "" }, "\"\" is no action" },
		{ { "-id" }, "-id needs a value" },
		{ { "-debug-socket" }, "-debug-socket needs a value" },
		{ { "-debug=maybe", "start" }, "\"maybe\" is neither" },
		{ { "-=x" }, "\"-=x\" is no flag" },
		{ { "---id", "x" }, "\"---id\" is no flag" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shim_flags flags;
		struct error err;

		assert_int_equal(read_words(rows[i].words, &flags, &err), -1);
		assert_non_null(strstr(err.text, rows[i].message));
	}
}

static void names_must_be_names(void **state)
{
	static const struct {
		struct shim_flags flags;
		int result;
	} rows[] = {
		{ { .namespace = "ns", .id = "a" }, 0 },
		{ { .namespace = "ns", .id = "..a" }, 0 },
		{ { .id = "a" }, -1 },
		{ { .namespace = "ns" }, -1 },
		{ { .namespace = "", .id = "a" }, -1 },
		{ { .namespace = "ns", .id = "" }, -1 },
		{ { .namespace = "..", .id = "a" }, -1 },
		{ { .namespace = "ns", .id = "." }, -1 },
		{ { .namespace = "ns", .id = "../a" }, -1 },
		{ { .namespace = "ns", .id = "-a" }, -1 },
		{ { .namespace = "--help", .id = "a" }, -1 },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(shim_flags_check(&rows[i].flags, &err), rows[i].result);
}

static void an_empty_argv_serves(void **state)
{
	char *nothing[] = { NULL };
	struct shim_flags flags;
	struct error err;

	(void)state;
	assert_int_equal(shim_flags_read(nothing, &flags, &err), 0);
	assert_int_equal(flags.action, SHIM_SERVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_containerd_says_is_understood),
		cmocka_unit_test(all_spellings_mean_the_same),
		cmocka_unit_test(actions_come_from_flags_too),
		cmocka_unit_test(flags_of_a_later_containerd_are_ignored),
		cmocka_unit_test(nonsense_is_refused_by_name),
		cmocka_unit_test(names_must_be_names),
		cmocka_unit_test(an_empty_argv_serves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
