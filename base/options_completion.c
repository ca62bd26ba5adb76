/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts for bash, zsh and fish, from the tables. */
#include <string.h>

#include "base/options.h"

/* A name for shell functions: the program's with '_' for what no identifier has. */
static void add_identifier(struct str *s, const char *name)
{
	for (; *name; name++)
		str_add_bytes(s, *name == '-' || *name == '.' ? "_" : name, 1);
}

/* Text within single quotes; `and` is another character to put a backslash before. */
static void add_quoted(struct str *s, const char *text, const char *also)
{
	for (; *text; text++) {
		if (*text == '\'') {
			str_add(s, "'\\''");
			continue;
		}
		if (strchr(also, *text))
			str_add(s, "\\");
		str_add_bytes(s, text, 1);
	}
}

static void add_choices(struct str *s, const struct option_row *row)
{
	for (int i = 0; row->choices && row->choices[i]; i++)
		str_add_format(s, "%s%s", i ? " " : "", row->choices[i]);
}

static void add_command_names(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	for (size_t i = 0; (command = program->command(i)); i++)
		if (!command->hidden)
			str_add_format(s, "%s%s", i ? " " : "", command->name);
}

/* ---- bash ---- */

static void add_bash_words(struct str *s, const struct option_row *rows)
{
	for (; rows && rows->name; rows++) {
		if (rows->hidden)
			continue;
		str_add_format(s, "--%s ", rows->name);
		if (rows->letter)
			str_add_format(s, "-%c ", rows->letter);
	}
	str_add(s, "--help");
}

/* One line of a case: what may follow this option. */
static void add_bash_argument(struct str *s, const char *command, const struct option_row *row)
{
	str_add_format(s, "\t'%s':--%s", command, row->name);
	if (row->letter)
		str_add_format(s, "|'%s':-%c", command, row->letter);
	str_add(s, ") ");
	if (row->path != OPTION_NO_PATH) {
		str_add_format(s, "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -%c -- ",
			       row->path == OPTION_DIRECTORY ? 'd' : 'f');
		str_add(s, "\"$word\"); ");
	}
	if (row->choices) {
		str_add(s, "mapfile -t COMPREPLY < <(compgen -W '");
		add_choices(s, row);
		str_add(s, "' -- \"$word\"); ");
	}
	str_add(s, "return ;;\n");
}

static void add_bash_arguments(struct str *s, const char *command, const struct option_row *rows)
{
	for (; rows && rows->name; rows++)
		if (!rows->hidden && rows->kind != OPTION_FLAG)
			add_bash_argument(s, command, rows);
}

/* A line of a case: the global options whose next word is theirs and not the command. */
static void add_bash_skip(struct str *s, const struct option_row *rows)
{
	const char *before = "\t\t";

	for (; rows && rows->name; rows++) {
		if (rows->hidden || rows->kind == OPTION_FLAG)
			continue;
		str_add_format(s, "%s--%s", before, rows->name);
		before = "|";
	}
	if (*before == '|')
		str_add(s, ") i=$((i + 1)) ;;\n");
}

static void add_bash_command(struct str *s, const struct options_program *program,
			     const struct options_command *command)
{
	str_add_format(s, "\t%s) words='", command->name);
	add_bash_words(s, command->rows);
	str_add(s, "'");
	if (command->takes_container)
		str_add_format(s, "; ids=$(%s %s 2>/dev/null)", program->name, program->list_ids);
	str_add(s, " ;;\n");
}

void options_add_bash(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	str_add_format(s, "# bash completion for %s\n_", program->name);
	add_identifier(s, program->name);
	str_add(s,
		"()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
		"\tlocal command='' words='' ids='' i\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n");
	add_bash_skip(s, program->rows);
	str_add(s, "\t\t-*) ;;\n\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
		   "\t\tesac\n\tdone\n\tCOMPREPLY=()\n\tcase $command:$before in\n");
	add_bash_arguments(s, "", program->rows);
	for (size_t i = 0; (command = program->command(i)); i++)
		if (!command->hidden)
			add_bash_arguments(s, command->name, command->rows);
	str_add(s, "\tesac\n\tcase $command in\n\t'') words='");
	add_bash_words(s, program->rows);
	str_add(s, "'; ids='");
	add_command_names(s, program);
	str_add(s, "' ;;\n");
	for (size_t i = 0; (command = program->command(i)); i++)
		if (!command->hidden)
			add_bash_command(s, program, command);
	str_add(s, "\tesac\n\tcase $word in\n\t-*) ids='' ;;\n\t*) words='' ;;\n\tesac\n"
		   "\tmapfile -t COMPREPLY < <(compgen -W \"$words $ids\" -- "
		   "\"$word\")\n}\ncomplete -F _");
	add_identifier(s, program->name);
	str_add_format(s, " %s\n", program->name);
}

/* ---- zsh ---- */

static void add_zsh_option(struct str *s, const struct option_row *row)
{
	bool repeatable = row->kind == OPTION_STRINGS || row->kind == OPTION_NUMBERS;

	str_add(s, " \\\n\t\t");
	if (row->letter)
		str_add_format(s, "%s{-%c,--%s}'[", repeatable ? "'*'" : "", row->letter,
			       row->name);
	else
		str_add_format(s, "'%s--%s[", repeatable ? "*" : "", row->name);
	add_quoted(s, row->help, "[]:\\");
	str_add(s, "]");
	if (row->kind != OPTION_FLAG) {
		str_add(s, ":");
		add_quoted(s, row->argument ? row->argument : "value", "[]:\\");
		str_add(s, ":");
	}
	if (row->path == OPTION_FILE)
		str_add(s, "_files");
	if (row->path == OPTION_DIRECTORY)
		str_add(s, "_files -/");
	if (row->choices) {
		str_add(s, "(");
		add_choices(s, row);
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

void options_add_zsh(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	str_add_format(s, "#compdef %s\n\nlocal context state line curcontext=$curcontext\n",
		       program->name);
	str_add(s, "_arguments -C");
	add_zsh_options(s, program->rows);
	str_add(s, " \\\n\t\t'1: :->command' '*:: :->rest'\ncase $state in\ncommand)\n"
		   "\tlocal -a commands=(\n");
	for (size_t i = 0; (command = program->command(i)); i++) {
		if (command->hidden)
			continue;
		str_add_format(s, "\t\t'%s:", command->name);
		add_quoted(s, command->summary, ":\\");
		str_add(s, "'\n");
	}
	str_add(s, "\t)\n\t_describe command commands ;;\nrest)\n\tcase $line[1] in\n");
	for (size_t i = 0; (command = program->command(i)); i++) {
		if (command->hidden)
			continue;
		str_add_format(s, "\t%s) _arguments", command->name);
		add_zsh_options(s, command->rows);
		if (command->takes_container)
			str_add_format(s, " \\\n\t\t\"1:container:($(%s %s 2>/dev/null))\"",
				       program->name, program->list_ids);
		str_add(s, " ;;\n");
	}
	str_add(s, "\tesac ;;\nesac\n");
}

/* ---- fish ---- */

static void add_fish_option(struct str *s, const char *program, const char *command,
			    const struct option_row *row)
{
	str_add_format(s, "complete -c %s -n ", program);
	if (command)
		str_add_format(s, "'__fish_seen_subcommand_from %s'", command);
	else
		str_add(s, "__fish_use_subcommand");
	str_add_format(s, " -l %s", row->name);
	if (row->letter)
		str_add_format(s, " -s %c", row->letter);
	if (row->kind != OPTION_FLAG)
		str_add(s, row->path == OPTION_NO_PATH ? " -x" : " -rF");
	if (row->choices) {
		str_add(s, " -a '");
		add_choices(s, row);
		str_add(s, "'");
	}
	str_add(s, " -d '");
	add_quoted(s, row->help, "\\");
	str_add(s, "'\n");
}

void options_add_fish(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	str_add_format(s, "# fish completion for %s\ncomplete -c %s -f\n", program->name,
		       program->name);
	for (const struct option_row *row = program->rows; row->name; row++)
		if (!row->hidden)
			add_fish_option(s, program->name, NULL, row);
	for (size_t i = 0; (command = program->command(i)); i++) {
		if (command->hidden)
			continue;
		str_add_format(s, "complete -c %s -n __fish_use_subcommand -a %s -d '",
			       program->name, command->name);
		add_quoted(s, command->summary, "\\");
		str_add(s, "'\n");
		for (const struct option_row *row = command->rows; row && row->name; row++)
			if (!row->hidden)
				add_fish_option(s, program->name, command->name, row);
		if (command->takes_container)
			str_add_format(s,
				       "complete -c %s -n '__fish_seen_subcommand_from %s' "
				       "-a '(%s %s 2>/dev/null)'\n",
				       program->name, command->name, program->name,
				       program->list_ids);
	}
}
