/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for zsh, from the tables. */
#include <string.h>

#include "base/options_names.h"

static void add_zsh_option(struct str *s, const struct option_row *row)
{
	bool repeatable = row->kind == OPTION_STRINGS || row->kind == OPTION_NUMBERS;

	str_add(s, " \\\n\t\t");
	if (row->letter)
		str_add_format(s, "%s{-%c,--%s}'[", repeatable ? "'*'" : "", row->letter,
			       row->name);
	else
		str_add_format(s, "'%s--%s[", repeatable ? "*" : "", row->name);
	options_add_quoted(s, row->help, "[]:\\");
	str_add(s, "]");
	if (row->kind != OPTION_FLAG) {
		str_add(s, ":");
		options_add_quoted(s, row->argument ? row->argument : "value", "[]:\\");
		str_add(s, ":");
	}
	if (row->path == OPTION_FILE || row->path == OPTION_FILE_OR_WORD)
		str_add(s, "_files");
	if (row->path == OPTION_DIRECTORY)
		str_add(s, "_files -/");
	if (row->choices) {
		str_add(s, "(");
		options_add_choices(s, row);
		str_add(s, ")");
	}
	str_add(s, "'");
}

static void add_zsh_options(struct str *s, const struct option_row *rows)
{
	for (; rows && rows->name; rows++)
		if (!rows->hidden)
			add_zsh_option(s, rows);
}

/* What _describe takes: the second words of a group (its first word), or all first words. */
static void add_zsh_names(struct str *s, const struct options_program *program, const char *group)
{
	const struct options_command *command;
	size_t size = group ? options_first_word(group) + 1 : 0;

	str_add(s, "\tlocal -a commands=(\n");
	for (size_t i = 0; (command = program->command(i)); i++) {
		bool is_group = command->name[options_first_word(command->name)];
		if (command->hidden || (group ? strncmp(command->name, group, size) != 0
					      : options_is_repeated(program, i)))
			continue;
		str_add(s, "\t\t'");
		if (group)
			str_add(s, command->name + size);
		else
			str_add_bytes(s, command->name, options_first_word(command->name));
		if (group || !is_group) {
			str_add(s, ":");
			options_add_quoted(s, command->summary, ":\\");
		}
		str_add(s, "'\n");
	}
	str_add(s, "\t)\n\t_describe command commands ;;\n");
}

/* A line of a case: the options and arguments of a command, also under its other names. */
static void add_zsh_command(struct str *s, const struct options_program *program, size_t index)
{
	const struct options_command *command = program->command(index);
	const char *const *alias = options_aliases(program, index);

	str_add_format(s, "\t'%s'", command->name);
	for (; alias && *alias; alias++)
		str_add_format(s, "|'%s'", *alias);
	str_add(s, ") _arguments");
	add_zsh_options(s, command->rows);
	if (command->takes_container)
		str_add_format(s, " \\\n\t\t\"1:container:($(%s %s 2>/dev/null))\"", program->name,
			       program->list_ids);
	str_add(s, " ;;\n");
}

/* In a group the second word is the command's, too: the options are behind that. */
static void add_zsh_groups(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	for (size_t i = 0; (command = program->command(i)); i++) {
		if (!options_begins_group(program, i))
			continue;
		str_add(s, "\t");
		str_add_bytes(s, command->name, options_first_word(command->name));
		str_add(s, ")\n\tif ((CURRENT > 2)); then\n"
			   "\t\tname+=\" $words[2]\"\n\t\tshift words\n\t\t((CURRENT--))\n"
			   "\telse\n\t\tname+=' '\n\tfi ;;\n");
	}
}

void options_add_zsh(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	str_add_format(s, "#compdef %s\n\nlocal context state line name curcontext=$curcontext\n",
		       program->name);
	str_add(s, "_arguments -C");
	add_zsh_options(s, program->rows);
	str_add(s, " \\\n\t\t'1: :->command' '*:: :->rest'\ncase $state in\ncommand)\n");
	add_zsh_names(s, program, NULL);
	str_add(s, "rest)\n\tname=$line[1]\n\tcase $name in\n");
	add_zsh_groups(s, program);
	str_add(s, "\tesac\n\tcase $name in\n");
	for (size_t i = 0; (command = program->command(i)); i++) {
		if (!options_begins_group(program, i))
			continue;
		str_add(s, "\t'");
		str_add_bytes(s, command->name, options_first_word(command->name));
		str_add(s, " ')\n");
		add_zsh_names(s, program, command->name);
	}
	for (size_t i = 0; (command = program->command(i)); i++)
		if (!command->hidden)
			add_zsh_command(s, program, i);
	str_add(s, "\tesac ;;\nesac\n");
}
