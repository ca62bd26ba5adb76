/* SPDX-License-Identifier: Apache-2.0 */
/* --help: of a program and of a command. */
#include <string.h>

#include "base/options_names.h"

enum { LINE_WIDTH = 80, INDENT = 3, COLUMN_MAX = 32 };

/* The text, filled to the width, from column `at` on with all lines indented by `indent`. */
static void add_filled(struct str *s, const char *text, size_t at, size_t indent)
{
	bool fresh = true;

	while (*text) {
		size_t blank = strspn(text, " ");
		size_t length = strcspn(text + blank, " ");

		if (!fresh && at + 1 + length > LINE_WIDTH) {
			str_add_format(s, "\n%*s", (int)indent, "");
			at = indent;
			fresh = true;
		}
		if (!fresh) {
			str_add(s, " ");
			at++;
		}
		str_add_bytes(s, text + blank, length);
		at += length;
		text += blank + length;
		fresh = false;
	}
	str_add(s, "\n");
}

/* Paragraphs are separated by empty lines; indented ones are examples and kept as they are. */
static void add_description(struct str *s, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t length = end ? (size_t)(end - text) : strlen(text);
		cleanup_str struct str paragraph = STR_EMPTY;

		str_add_bytes(&paragraph, text, length);
		str_add_format(s, "%*s", INDENT, "");
		if (paragraph.text && *text == ' ')
			str_add_format(s, "%s\n", paragraph.text);
		else if (paragraph.text)
			add_filled(s, paragraph.text, INDENT, INDENT);
		text += length + strspn(text + length, "\n");
		if (*text)
			str_add(s, "\n");
	}
}

/* Adds one entry: a term in the left column, what it means in the right one. */
static void add_entry(struct str *s, const char *term, const char *meaning, size_t column)
{
	size_t length = strlen(term);

	str_add_format(s, "%*s%s", INDENT, "", term);
	if (INDENT + length + 2 > column)
		str_add_format(s, "\n%*s", (int)column, "");
	else
		str_add_format(s, "%*s", (int)(column - INDENT - length), "");
	add_filled(s, meaning, column, column);
}

static char *option_term(const struct option_row *row, struct error *err)
{
	const char letter[] = { '-', row->letter, ',', ' ', '\0' };

	return str_format(err, "%s--%s%s%s", row->letter ? letter : "    ", row->name,
			  row->argument ? " " : "", row->argument ? row->argument : "");
}

static char *option_meaning(const struct option_row *row, struct error *err)
{
	struct str s = STR_EMPTY;

	str_add(&s, row->help);
	for (int i = 0; row->choices && row->choices[i]; i++)
		str_add_format(&s, "%s%s", i ? ", " : ": ", row->choices[i]);
	if (row->fallback)
		str_add_format(&s, " (default: %s)", row->fallback);
	return str_take(&s, err);
}

static void add_option(struct str *s, const struct option_row *row, size_t column)
{
	struct error err;
	cleanup_free char *term = option_term(row, &err);
	cleanup_free char *meaning = option_meaning(row, &err);

	if (term && meaning)
		add_entry(s, term, meaning, column);
	else
		s->failed = true;
}

static const struct option_row help_row = { "help", 'h', NULL, "show this text", .offset = 0 };

static void add_options(struct str *s, const char *title, const struct option_row *rows)
{
	size_t column = 0;

	for (const struct option_row *row = rows; row && row->name; row++) {
		size_t wanted = INDENT + 4 + 2 + strlen(row->name) + 2 +
				(row->argument ? strlen(row->argument) + 1 : 0);

		if (!row->hidden && wanted > column && wanted <= COLUMN_MAX)
			column = wanted;
	}
	if (column < INDENT + 14)
		column = INDENT + 14;
	str_add_format(s, "\n%s:\n", title);
	for (const struct option_row *row = rows; row && row->name; row++)
		if (!row->hidden)
			add_option(s, row, column);
	add_option(s, &help_row, column);
}

static void add_aliases(struct str *s, const struct options_program *program,
			const struct options_command *command)
{
	for (size_t i = 0; program->command(i); i++) {
		const char *const *alias = options_aliases(program, i);
		if (program->command(i) != command || !alias || !*alias)
			continue;
		str_add_format(s, "\nALSO:\n   %s", *alias);
		while (*++alias)
			str_add_format(s, ", %s", *alias);
		str_add(s, "\n");
	}
}

void options_add_command_help(struct str *s, const struct options_program *program,
			      const struct options_command *command)
{
	str_add_format(s, "NAME:\n   %s %s - %s\n\nUSAGE:\n   %s %s [options]%s%s\n", program->name,
		       command->name, command->summary, program->name, command->name,
		       *command->arguments ? " " : "", command->arguments);
	add_aliases(s, program, command);
	if (command->description) {
		str_add(s, "\nDESCRIPTION:\n");
		add_description(s, command->description);
	}
	add_options(s, "OPTIONS", command->rows);
}

void options_add_help(struct str *s, const struct options_program *program)
{
	const struct options_command *command;
	size_t column = 0;

	str_add_format(s,
		       "NAME:\n   %s - %s\n\n"
		       "USAGE:\n   %s [global options] COMMAND [options] [arguments]\n\n"
		       "VERSION:\n   %s\n\nDESCRIPTION:\n",
		       program->name, program->summary, program->name, program->version);
	add_description(s, program->description);
	str_add(s, "\nCOMMANDS:\n");
	for (size_t i = 0; (command = program->command(i)); i++)
		if (!command->hidden && INDENT + strlen(command->name) + 2 > column)
			column = INDENT + strlen(command->name) + 2;
	for (size_t i = 0; (command = program->command(i)); i++)
		if (!command->hidden)
			add_entry(s, command->name, command->summary, column);
	add_options(s, "GLOBAL OPTIONS", program->rows);
}
