/* SPDX-License-Identifier: Apache-2.0 */
/* Help, the man page and completions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/options.h"
#include "base/process.h"

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
	{ NULL },
};

static const struct options_command commands[] = {
	{ .name = "make",
	  .summary = "make a 'thing': well",
	  .arguments = "ID",
	  .description =
		  "First paragraph, which is so long that it does not fit into a single line "
		  "of eighty.\n\n   .example -x",
	  .rows = rows,
	  .takes_container = true },
	{ .name = "ghost", .summary = "unseen", .arguments = "", .hidden = true },
	{ .name = "net list", .summary = "list nets", .arguments = "", .rows = rows },
	{ .name = "net ghost", .summary = "unseen", .arguments = "", .hidden = true },
	{ .name = "net drop", .summary = "drop a net", .arguments = "ID", .takes_container = true },
	{ .name = "list", .summary = "list things", .arguments = "" },
};

static const struct options_command *command_at(size_t index)
{
	return index < sizeof(commands) / sizeof(commands[0]) ? &commands[index] : NULL;
}

static const char *const *aliases_at(size_t index)
{
	static const char *const make[] = { "mk", NULL }, *const net_list[] = { "net ls", NULL };

	return index == 0 ? make : index == 2 ? net_list : NULL;
}

static const struct options_note notes[] = {
	{ "EXIT STATUS", NULL, "As usual.\n\n   x-y" },
	{ "FILES", "/a-b", ".hidden ones." },
	{ "FILES", "/c", "Others." },
	{ NULL },
};

static const struct options_program program = {
	.name = "prog-x",
	.summary = "a program",
	.description = "Does things.",
	.version = "1.2",
	.rows = rows,
	.command = command_at,
	.aliases = aliases_at,
	.list_ids = "list -q",
	.notes = notes,
};

static char *text_of(void (*add)(struct str *, const struct options_program *))
{
	struct error err;
	struct str s = STR_EMPTY;

	add(&s, &program);
	char *text = str_take(&s, &err);
	assert_non_null(text);
	assert_null(strstr(text, "secret"));
	assert_null(strstr(text, "ghost"));
	return text;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in:\n%s", part, text);
}

static void writes_help(void **state)
{
	cleanup_free char *text = text_of(options_add_help);

	assert_has(text, "NAME:\n   prog-x - a program\n");
	assert_has(text, "   make      make a 'thing': well\n");
	assert_has(text, "   -t, --flag            a flag\n");
	assert_has(text, "       --colour COLOUR   a choice: red, green (default: green)\n");
	assert_has(text, "   -h, --help            show this text\n");
}

static void writes_help_of_a_command(void **state)
{
	struct error err;
	struct str s = STR_EMPTY;

	options_add_command_help(&s, &program, &commands[0]);
	cleanup_free char *text = str_take(&s, &err);
	assert_non_null(text);
	assert_has(text, "USAGE:\n   prog-x make [options] ID\n");
	assert_has(text, "\nALSO:\n   mk\n");
	assert_has(text, "does not fit into a single line of\n   eighty.\n\n      .example -x\n");
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= 80);
}

static void writes_a_man_page(void **state)
{
	cleanup_free char *text = text_of(options_add_man);

	assert_has(text, ".TH PROG\\-X 8 ");
	assert_has(text, ".SS make\n");
	assert_has(text, ".\nAlso called mk.\n");
	assert_has(text, "\\&.example \\-x\n.fi\n");
	assert_has(text, "\\fB\\-e\\fR, \\fB\\-\\-env\\fR \\fINAME=VALUE\\fR\nrepeatable.\n");
	assert_has(text, "\n.SH EXIT STATUS\n.PP\nAs usual.\n.PP\n.RS 4\n.nf\nx\\-y\n");
	assert_has(text, ".SH FILES\n.TP\n\\fB/a\\-b\\fR\n\\&.hidden ones.\n.TP\n\\fB/c\\fR\n"
			 "Others.\n");
}

/* What bash offers for the words, the last of which is being typed. */
static char *offered(const char *const *words, size_t count)
{
	cleanup_free char *bash = text_of(options_add_bash);
	cleanup_str struct str script = STR_EMPTY;
	static const char *const path = "/bin/bash";
	char *args[] = { (char[]){ "bash" }, (char[]){ "-c" }, NULL, NULL };
	char *env[] = { (char[]){ "PATH=/usr/bin:/bin" }, NULL };
	static char output[8192];
	struct error err;
	int status;

	if (access(path, X_OK) < 0)
		skip();
	str_add(&script, "prog-x() { echo id1 id2; }\n");
	str_add(&script, bash);
	str_add(&script, "COMP_WORDS=(prog-x");
	for (size_t i = 0; i < count; i++)
		str_add_format(&script, " '%s'", words[i]);
	str_add_format(&script, ")\nCOMP_CWORD=%zu\n_prog_x\necho \"${COMPREPLY[*]}\"\n", count);
	args[2] = script.text;
	struct process_run run = { .path = path,
				   .args = args,
				   .env = env,
				   .timeout_ms = 30000,
				   .output = output,
				   .output_size = sizeof(output) };
	if (process_run(&run, &status, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(status, 0);
	return output;
}

#define OFFERED(...)                                                                               \
	offered((const char *const[]){ __VA_ARGS__ },                                              \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void bash_completes_commands_of_two_words(void **state)
{
	assert_string_equal(OFFERED(""), "make net list\n");
	assert_string_equal(OFFERED("n"), "net\n");
	assert_string_equal(OFFERED("net", ""), "list drop\n");
	assert_string_equal(OFFERED("net", "d"), "drop\n");
	assert_string_equal(OFFERED("--colour", "red", "net", "l"), "list\n");
	assert_string_equal(OFFERED("net", "drop", ""), "id1 id2\n");
	assert_string_equal(OFFERED("net", "list", ""), "\n");
	assert_string_equal(OFFERED("net", "list", "--col"), "--colour\n");
	assert_string_equal(OFFERED("net", "list", "--colour", ""), "red green\n");
	assert_string_equal(OFFERED("net", "drop", "--col"), "\n");
	assert_string_equal(OFFERED("list", "--col"), "\n");
}

static void bash_completes_aliases(void **state)
{
	assert_string_equal(OFFERED("mk", ""), "id1 id2\n");
	assert_string_equal(OFFERED("mk", "--col"), "--colour\n");
	assert_string_equal(OFFERED("net", "ls", "--colour", "g"), "green\n");
}

static void writes_completions(void **state)
{
	cleanup_free char *bash = text_of(options_add_bash);
	cleanup_free char *zsh = text_of(options_add_zsh);
	cleanup_free char *fish = text_of(options_add_fish);

	assert_has(bash, "complete -F _prog_x prog-x\n");
	assert_has(bash, "'make':--colour) mapfile -t COMPREPLY < <(compgen -W 'red green' -- ");
	assert_has(bash, "ids=$(prog-x list -q 2>/dev/null)");
	assert_has(zsh, "'make:make a '\\''thing'\\''\\: well'");
	assert_has(zsh, "'*'{-e,--env}'[repeatable]:NAME=VALUE:'");
	assert_has(fish, "-a make -d 'make a '\\''thing'\\'': well'\n");
	assert_has(fish, "-l colour -x -a 'red green' -d 'a choice'\n");
	assert_has(zsh, "\t'net list'|'net ls') _arguments");
	assert_has(zsh, "\t'make'|'mk') _arguments");
	assert_has(zsh, "\t'net ')\n\tlocal -a commands=(\n\t\t'list:list nets'\n"
			"\t\t'drop:drop a net'\n\t)\n");
	assert_has(fish, "'__fish_seen_subcommand_from net; and not __fish_seen_subcommand_from "
			 "list drop' -a drop -d 'drop a net'\n");
	assert_has(fish, "-n '__fish_seen_subcommand_from make mk' -l colour ");
	assert_has(fish, "-n '__fish_seen_subcommand_from net; and "
			 "__fish_seen_subcommand_from list ls' -l colour ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_help),
		cmocka_unit_test(writes_help_of_a_command),
		cmocka_unit_test(writes_a_man_page),
		cmocka_unit_test(writes_completions),
		cmocka_unit_test(bash_completes_commands_of_two_words),
		cmocka_unit_test(bash_completes_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
