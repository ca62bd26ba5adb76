/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options_names.h"

#include <string.h>

void options_add_quoted(struct str *s, const char *text, const char *also)
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

void options_add_choices(struct str *s, const struct option_row *row)
{
	for (int i = 0; row->choices && row->choices[i]; i++)
		str_add_format(s, "%s%s", i ? " " : "", row->choices[i]);
}

size_t options_first_word(const char *name)
{
	return strcspn(name, " ");
}

bool options_is_repeated(const struct options_program *program, size_t index)
{
	const char *name = program->command(index)->name;
	size_t size = options_first_word(name);

	for (size_t i = 0; i < index; i++) {
		const struct options_command *other = program->command(i);
		if (!other->hidden && options_first_word(other->name) == size &&
		    strncmp(other->name, name, size) == 0)
			return true;
	}
	return false;
}

bool options_begins_group(const struct options_program *program, size_t index)
{
	const struct options_command *command = program->command(index);

	return !command->hidden && command->name[options_first_word(command->name)] &&
	       !options_is_repeated(program, index);
}

void options_add_second_words(struct str *s, const struct options_program *program,
			      const char *name)
{
	const struct options_command *command;
	size_t size = options_first_word(name) + 1;
	const char *before = "";

	for (size_t i = 0; (command = program->command(i)); i++) {
		if (command->hidden || strncmp(command->name, name, size) != 0)
			continue;
		str_add_format(s, "%s%s", before, command->name + size);
		before = " ";
	}
}

const char *const *options_aliases(const struct options_program *program, size_t index)
{
	return program->aliases && !program->command(index)->hidden ? program->aliases(index)
								    : NULL;
}
