/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/options.h"

static const char *const colours[] = { "red", "green", NULL };

struct things {
	bool flag, detach;
	const char *text, *file, *format;
	struct option_strings env;
	struct option_int level;
	struct option_uint count;
	struct option_numbers gids;
	int colour;
};

static const struct option_row rows[] = {
	{ "flag", 't', NULL, "a flag", OPTION_AT(things, flag) },
	{ "detach", 'd', NULL, "another", OPTION_AT(things, detach) },
	{ "text", 'x', "TEXT", "a text", OPTION_AT(things, text) },
	{ "file", 'f', "FILE", "a file", OPTION_AT(things, file), .path = OPTION_FILE },
	{ "format", 0, "FORMAT", "has a fallback", OPTION_AT(things, format), .fallback = "plain" },
	{ "env", 'e', "NAME=VALUE", "repeatable", OPTION_AT(things, env) },
	{ "level", 0, "N", "signed", OPTION_AT(things, level), .min = -5, .max = 5 },
	{ "count", 'c', "N", "unsigned", OPTION_AT(things, count), .max = 100 },
	{ "gid", 'g', "GID", "numbers", OPTION_AT(things, gids) },
	{ "colour", 0, "COLOUR", "a choice", OPTION_AT(things, colour), .choices = colours,
	  .fallback = "green" },
	{ "secret", 0, "X", "not shown", OPTION_AT(things, text), .hidden = true },
	{ "elsewhere", 'y', "X", "", .kind = OPTION_STRING, .hidden = true,
	  .instead = "--text is" },
	{ NULL },
};

struct fixture {
	struct arena arena;
	struct things things;
	char **rest;
	struct error err;
};

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(&f->arena);
	free(f);
	return 0;
}

/* Parses words separated by blanks. */
static int parse(struct fixture *f, enum options_order order, const char *line)
{
	struct error err;
	char *words = arena_strdup(&f->arena, line, &err);
	char **argv = arena_array(&f->arena, strlen(line) + 2, sizeof(*argv), &err);
	size_t n = 1;

	assert_non_null(words);
	assert_non_null(argv);
	argv[0] = words; /* its text does not matter */
	for (char *save, *word = strtok_r(words, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	memset(&f->things, 0, sizeof(f->things));
	return options_parse(rows, order, argv, &f->things, &f->arena, &f->rest, &f->err);
}

static void assert_rest(const struct fixture *f, const char *expected)
{
	cleanup_str struct str s = STR_EMPTY;

	for (size_t i = 0; f->rest[i]; i++)
		str_add_format(&s, "%s%s", i ? " " : "", f->rest[i]);
	assert_string_equal(s.text ? s.text : "", expected);
}

static void assert_fails(struct fixture *f, const char *line, const char *message)
{
	assert_int_equal(parse(f, OPTIONS_ANYWHERE, line), -1);
	assert_string_equal(f->err.text, message);
}

static void reads_every_kind(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE,
			       "-t --text=a --file /a/../b -e A=1 --env B=2 --level -3 --count 100 "
			       "-g 0 -g 4294967295 --colour red one two"),
			 0);
	assert_true(f->things.flag);
	assert_false(f->things.detach);
	assert_string_equal(f->things.text, "a");
	assert_string_equal(f->things.file, "/b");
	assert_int_equal(f->things.env.count, 2);
	assert_string_equal(f->things.env.items[1], "B=2");
	assert_null(f->things.env.items[2]);
	assert_true(f->things.level.set);
	assert_int_equal(f->things.level.value, -3);
	assert_int_equal(f->things.count.value, 100);
	assert_int_equal(f->things.gids.count, 2);
	assert_int_equal(f->things.gids.items[1], UINT32_MAX);
	assert_int_equal(f->things.colour, 0);
	assert_rest(f, "one two");
}

static void leaves_the_rest_unset(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, ""), 0);
	assert_null(f->things.text);
	assert_null(f->things.env.items);
	assert_false(f->things.level.set || f->things.count.set);
	assert_string_equal(f->things.format, "plain");
	assert_int_equal(f->things.colour, 1);
	assert_rest(f, "");
}

static void takes_one_dash_for_two(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "-text X -count=7 -flag"), 0);
	assert_string_equal(f->things.text, "X");
	assert_int_equal(f->things.count.value, 7);
	assert_true(f->things.flag);
}

static void joins_short_options(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "-td -eA=1 -dxvalue"), 0);
	assert_true(f->things.flag && f->things.detach);
	assert_string_equal(f->things.env.items[0], "A=1");
	assert_string_equal(f->things.text, "value");
}

static void flags_can_be_taken_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "--flag --flag=false -detach=true"), 0);
	assert_false(f->things.flag);
	assert_true(f->things.detach);
	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "-d=false"), 0);
	assert_false(f->things.detach);
	assert_fails(f, "--flag=maybe", "--flag: \"maybe\" is neither true nor false");
}

static void a_flag_takes_no_next_word(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "--flag false"), 0);
	assert_true(f->things.flag);
	assert_rest(f, "false");
}

static void the_last_text_counts(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "--text a --text b --text="), 0);
	assert_string_equal(f->things.text, "");
}

static void options_may_follow_arguments(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "one -t two --count 3 three"), 0);
	assert_true(f->things.flag);
	assert_int_equal(f->things.count.value, 3);
	assert_rest(f, "one two three");
}

static void order_does_not_depend_on_the_environment(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(setenv("POSIXLY_CORRECT", "1", 1), 0);
	int parsed = parse(f, OPTIONS_ANYWHERE, "one -t two");
	(void)unsetenv("POSIXLY_CORRECT");
	assert_int_equal(parsed, 0);
	assert_true(f->things.flag);
	assert_rest(f, "one two");
}

static void in_order_the_first_argument_ends_options(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_FIRST, "-t id -d --count x --nonsense -- -h"), 0);
	assert_true(f->things.flag);
	assert_false(f->things.detach);
	assert_rest(f, "id -d --count x --nonsense -- -h");
}

static void two_dashes_end_options(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "one -t -- -d --x"), 0);
	assert_false(f->things.detach);
	assert_rest(f, "one -d --x");
	assert_int_equal(parse(f, OPTIONS_FIRST, "-t -- -d"), 0);
	assert_rest(f, "-d");
}

static void one_dash_is_an_argument(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "--text - -"), 0);
	assert_string_equal(f->things.text, "-");
	assert_rest(f, "-");
}

static void values_may_begin_with_a_dash(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "--text --flag --level=-1"), 0);
	assert_string_equal(f->things.text, "--flag");
	assert_false(f->things.flag);
	assert_int_equal(f->things.level.value, -1);
}

static void paths_become_absolute(void **state)
{
	struct fixture *f = *state;
	char here[4096];

	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "--file a/./b"), 0);
	assert_int_equal(f->things.file[0], '/');
	assert_memory_equal(f->things.file, here, strlen(here));
	assert_true(str_ends_with(f->things.file, "/a/b"));
	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "--file="), 0);
	assert_null(f->things.file);
}

static void help_is_seen(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "one --help"), 1);
	assert_int_equal(parse(f, OPTIONS_ANYWHERE, "-help"), 1);
	assert_int_equal(parse(f, OPTIONS_FIRST, "-th"), 1);
	assert_int_equal(parse(f, OPTIONS_FIRST, "id -h"), 0);
}

static void beginnings_of_names_do_not_count(void **state)
{
	struct fixture *f = *state;

	assert_fails(f, "--cou 3", "unknown option --cou (did you mean --count?)");
	assert_fails(f, "--hel", "unknown option --hel");
	assert_fails(f, "--fla", "unknown option --fla (did you mean --flag?)");
	assert_fails(f, "--level=3 --colo=red", "unknown option --colo (did you mean --colour?)");
}

static void unknown_options_name_the_nearest(void **state)
{
	struct fixture *f = *state;

	assert_fails(f, "--detahc", "unknown option --detahc (did you mean --detach?)");
	assert_fails(f, "-gidd=5 --countt=5",
		     "--gid: \"idd=5\" is not a number from 0 to 4294967295");
}

static void refused_ones_say_what_to_use(void **state)
{
	struct fixture *f = *state;

	assert_fails(f, "--elsewhere 3", "there is no --elsewhere here (--text is)");
	assert_fails(f, "-ty 3", "there is no --elsewhere here (--text is)");
}

static void errors_are_clear(void **state)
{
	struct fixture *f = *state;

	assert_fails(f, "--nothing-like-it=5", "unknown option --nothing-like-it");
	assert_fails(f, "-z", "unknown option -z");
	assert_fails(f, "-tz", "unknown option -z");
	assert_fails(f, "--secre x", "unknown option --secre");
	assert_fails(f, "--help=x", "unknown option --help");
	assert_fails(f, "--text", "--text needs an argument: TEXT");
	assert_fails(f, "-x", "--text needs an argument: TEXT");
	assert_fails(f, "--level 6", "--level: \"6\" is not a number from -5 to 5");
	assert_fails(f, "--count 101", "--count: \"101\" is not a number from 0 to 100");
	assert_fails(f, "--count -1", "--count: \"-1\" is not a number from 0 to 100");
	assert_fails(f, "--count=", "--count: \"\" is not a number from 0 to 100");
	assert_fails(f, "-g 4294967296",
		     "--gid: \"4294967296\" is not a number from 0 to 4294967295");
	assert_fails(f, "--colour blue", "--colour: \"blue\" is not one of red, green");
}

static void no_words_at_all(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { NULL };

	assert_int_equal(options_parse(rows, OPTIONS_ANYWHERE, argv, &f->things, &f->arena,
				       &f->rest, &f->err),
			 0);
	assert_null(f->rest[0]);
}

static void no_table_at_all(void **state)
{
	struct fixture *f = *state;
	char name[] = "x", option[] = "--a", argument[] = "b";
	char *wrong[] = { name, option, NULL }, *right[] = { name, argument, NULL };

	assert_int_equal(
		options_parse(NULL, OPTIONS_ANYWHERE, wrong, NULL, &f->arena, &f->rest, &f->err),
		-1);
	assert_int_equal(
		options_parse(NULL, OPTIONS_ANYWHERE, right, NULL, &f->arena, &f->rest, &f->err),
		0);
	assert_string_equal(f->rest[0], "b");
}

static const char *nearest_of(const char *word)
{
	static const char *const names[] = { "create", "start", "state", "kill", "ps" };
	struct options_nearest nearest = { .word = word };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		options_offer(&nearest, names[i]);
	return nearest.name;
}

static void finds_the_nearest_name(void **state)
{
	assert_string_equal(nearest_of("craete"), "create");
	assert_string_equal(nearest_of("stat"), "state");
	assert_string_equal(nearest_of("kil"), "kill");
	assert_null(nearest_of("k"));
	assert_null(nearest_of("xyzzy"));
	assert_null(nearest_of(""));
}

/* Copied for each it would take the memory of the machine. */
static void takes_very_many(void **state)
{
	struct fixture *f = *state;
	cleanup_str struct str line = STR_EMPTY;

	for (int i = 0; i < 50000; i++)
		str_add_format(&line, "-e %d -g %d ", i, i);
	assert_false(line.failed);
	assert_int_equal(parse(f, OPTIONS_FIRST, line.text), 0);
	assert_int_equal(f->things.env.count, 50000);
	assert_int_equal(f->things.gids.count, 50000);
	for (size_t i = 0; i < 50000; i++) {
		uint64_t number = 0;
		assert_true(str_to_uint(f->things.env.items[i], 10, 50000, &number));
		assert_int_equal(number, i);
		assert_int_equal(f->things.gids.items[i], i);
	}
	assert_null(f->things.env.items[50000]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_every_kind),
		TEST(leaves_the_rest_unset),
		TEST(takes_one_dash_for_two),
		TEST(joins_short_options),
		TEST(flags_can_be_taken_back),
		TEST(a_flag_takes_no_next_word),
		TEST(the_last_text_counts),
		TEST(options_may_follow_arguments),
		TEST(order_does_not_depend_on_the_environment),
		TEST(in_order_the_first_argument_ends_options),
		TEST(two_dashes_end_options),
		TEST(one_dash_is_an_argument),
		TEST(values_may_begin_with_a_dash),
		TEST(paths_become_absolute),
		TEST(help_is_seen),
		TEST(beginnings_of_names_do_not_count),
		TEST(unknown_options_name_the_nearest),
		TEST(refused_ones_say_what_to_use),
		TEST(errors_are_clear),
		TEST(no_words_at_all),
		TEST(no_table_at_all),
		TEST(takes_very_many),
		cmocka_unit_test(finds_the_nearest_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
