/* SPDX-License-Identifier: Apache-2.0 */
/* The completion script for fish, from the tables. */
#include <string.h>

#include "base/options_names.h"

/* True when some command's second word is this one: "list" of "network list". */
static bool is_second_word(const struct options_program *program, const char *word)
{
	const struct options_command *command;

	for (size_t i = 0; (command = program->command(i)); i++) {
		size_t size = options_first_word(command->name);
		if (!command->hidden && command->name[size] &&
		    strcmp(command->name + size + 1, word) == 0)
			return true;
	}
	return false;
}

static void add_group_names(struct str *s, const struct options_program *program)
{
	for (size_t i = 0; program->command(i); i++) {
		const char *name = program->command(i)->name;
		if (!options_begins_group(program, i))
			continue;
		str_add(s, " ");
		str_add_bytes(s, name, options_first_word(name));
	}
}

/*
 * When a command of the tables is on the line: its words, or those of one of its
 * other names.
 */
static void add_fish_condition(struct str *s, const struct options_program *program, size_t index)
{
	const char *name = program->command(index)->name;
	const char *const *alias = options_aliases(program, index);
	size_t size = options_first_word(name);

	str_add(s, "'__fish_seen_subcommand_from ");
	if (!name[size]) {
		str_add(s, name);
		for (; alias && *alias; alias++)
			str_add_format(s, " %s", *alias);
		if (is_second_word(program, name)) {
			str_add(s, "; and not __fish_seen_subcommand_from");
			add_group_names(s, program);
		}
	} else {
		str_add_bytes(s, name, size);
		str_add_format(s, "; and __fish_seen_subcommand_from %s", name + size + 1);
		for (; alias && *alias; alias++)
			str_add_format(s, " %s",
				       *alias + options_first_word(*alias) +
					       (strchr(*alias, ' ') != NULL));
	}
	str_add(s, "'");
}

/* index: of the command; SIZE_MAX for the program's own. */
static void add_fish_option(struct str *s, const struct options_program *program, size_t index,
			    const struct option_row *row)
{
	str_add_format(s, "complete -c %s -n ", program->name);
	if (index != SIZE_MAX)
		add_fish_condition(s, program, index);
	else
		str_add(s, "__fish_use_subcommand");
	str_add_format(s, " -l %s", row->name);
	if (row->letter)
		str_add_format(s, " -s %c", row->letter);
	if (row->kind != OPTION_FLAG)
		str_add(s, row->path == OPTION_NO_PATH ? " -x" : " -rF");
	if (row->choices) {
		str_add(s, " -a '");
		options_add_choices(s, row);
		str_add(s, "'");
	}
	str_add(s, " -d '");
	options_add_quoted(s, row->help, "\\");
	str_add(s, "'\n");
}

/* The command's name: its first word, and of a group the second one behind that. */
static void add_fish_name(struct str *s, const struct options_program *program, size_t index)
{
	const struct options_command *command = program->command(index);
	size_t size = options_first_word(command->name);
	bool is_group = command->name[size];

	if (!is_group || !options_is_repeated(program, index)) {
		str_add_format(s, "complete -c %s -n __fish_use_subcommand -a ", program->name);
		str_add_bytes(s, command->name, size);
		if (is_group)
			str_add(s, "\n");
	}
	if (is_group) {
		str_add_format(s, "complete -c %s -n '__fish_seen_subcommand_from ", program->name);
		str_add_bytes(s, command->name, size);
		str_add(s, "; and not __fish_seen_subcommand_from ");
		options_add_second_words(s, program, command->name);
		str_add_format(s, "' -a %s", command->name + size + 1);
	}
	str_add(s, " -d '");
	options_add_quoted(s, command->summary, "\\");
	str_add(s, "'\n");
}

void options_add_fish(struct str *s, const struct options_program *program)
{
	const struct options_command *command;

	str_add_format(s, "# fish completion for %s\ncomplete -c %s -f\n", program->name,
		       program->name);
	for (const struct option_row *row = program->rows; row->name; row++)
		if (!row->hidden)
			add_fish_option(s, program, SIZE_MAX, row);
	for (size_t i = 0; (command = program->command(i)); i++) {
		if (command->hidden)
			continue;
		add_fish_name(s, program, i);
		for (const struct option_row *row = command->rows; row && row->name; row++)
			if (!row->hidden)
				add_fish_option(s, program, i, row);
		if (!command->takes_container)
			continue;
		str_add_format(s, "complete -c %s -n ", program->name);
		add_fish_condition(s, program, i);
		str_add_format(s, " -a '(%s %s 2>/dev/null)'\n", program->name, program->list_ids);
	}
}
