/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for bash, from the tables. */
#include <string.h>

#include "base/options_names.h"

/* A name for shell functions: the program's with '_' for what no identifier has. */
static void add_identifier(struct str *s, const char *name)
{
	for (; *name; name++)
		str_add_bytes(s, *name == '-' || *name == '.' ? "_" : name, 1);
}

/* The first words, each once. */
static void add_command_names(struct str *s, const struct options_program *program)
{
	const struct options_command *command;
	const char *before = "";

	for (size_t i = 0; (command = program->command(i)); i++) {
		if (command->hidden || options_is_repeated(program, i))
			continue;
		str_add(s, before);
		str_add_bytes(s, command->name, options_first_word(command->name));
		before = " ";
	}
}

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
		options_add_choices(s, row);
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
	str_add_format(s, "\t'%s') words='", command->name);
	add_bash_words(s, command->rows);
	str_add(s, "'");
	if (command->takes_container)
		str_add_format(s, "; ids=$(%s %s 2>/dev/null)", program->name, program->list_ids);
	str_add(s, " ;;\n");
}

/* The word in front of the cursor and the one before, and the command: one word or two. */
static void add_bash_beginning(struct str *s, const struct options_program *program)
{
	const struct options_command *command;
	const char *before = "\t";

	str_add(s,
		"()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
		"\tlocal command='' words='' ids='' i\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n");
	add_bash_skip(s, program->rows);
	str_add(s, "\t\t-*) ;;\n\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
		   "\t\tesac\n\tdone\n\tCOMPREPLY=()\n\tcase $command in\n");
	for (size_t i = 0; (command = program->command(i)); i++) {
		if (!options_begins_group(program, i))
			continue;
		str_add(s, before);
		str_add_bytes(s, command->name, options_first_word(command->name));
		before = "|";
	}
	if (*before == '|')
		str_add(s, ") ((i + 1 < COMP_CWORD)) && command+=\" ${COMP_WORDS[i + 1]}\" ;;\n");
	str_add(s, "\tesac\n");
}

/* From here on the command has the name that the tables have. */
static void add_bash_aliases(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	str_add(s, "\tcase $command in\n");
	for (size_t i = 0; (command = program->command(i)); i++) {
		const char *const *alias = options_aliases(program, i);
		const char *before = "\t";
		for (; alias && *alias; alias++, before = "|")
			str_add_format(s, "%s'%s'", before, *alias);
		if (*before == '|')
			str_add_format(s, ") command='%s' ;;\n", command->name);
	}
	str_add(s, "\tesac\n");
}

static void add_bash_groups(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	for (size_t i = 0; (command = program->command(i)); i++) {
		if (!options_begins_group(program, i))
			continue;
		str_add(s, "\t'");
		str_add_bytes(s, command->name, options_first_word(command->name));
		str_add(s, "') ids='");
		options_add_second_words(s, program, command->name);
		str_add(s, "' ;;\n");
	}
}

void options_add_bash(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	str_add_format(s, "# bash completion for %s\n_", program->name);
	add_identifier(s, program->name);
	add_bash_beginning(s, program);
	add_bash_aliases(s, program);
	str_add(s, "\tcase $command:$before in\n");
	add_bash_arguments(s, "", program->rows);
	for (size_t i = 0; (command = program->command(i)); i++)
		if (!command->hidden)
			add_bash_arguments(s, command->name, command->rows);
	str_add(s, "\tesac\n\tcase $command in\n\t'') words='");
	add_bash_words(s, program->rows);
	str_add(s, "'; ids='");
	add_command_names(s, program);
	str_add(s, "' ;;\n");
	add_bash_groups(s, program);
	for (size_t i = 0; (command = program->command(i)); i++)
		if (!command->hidden)
			add_bash_command(s, program, command);
	str_add(s, "\tesac\n\tcase $word in\n\t-*) ids='' ;;\n\t*) words='' ;;\n\tesac\n"
		   "\tmapfile -t COMPREPLY < <(compgen -W \"$words $ids\" -- "
		   "\"$word\")\n}\ncomplete -F _");
	add_identifier(s, program->name);
	str_add_format(s, " %s\n", program->name);
}
