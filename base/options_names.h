/* SPDX-License-Identifier: Apache-2.0 */
/* What the three kinds of completion scripts need to know of commands' names. */
#pragma once

#include "base/options.h"

/* Text within single quotes; `also` are other characters to put a backslash before. */
void options_add_quoted(struct str *s, const char *text, const char *also);

/* The choices of an option, with a blank between. */
void options_add_choices(struct str *s, const struct option_row *row);

/* The length of the first word of a command's name. */
size_t options_first_word(const char *name);

/* True when an earlier command, which is seen, begins with the same word. */
bool options_is_repeated(const struct options_program *program, size_t index);

/* Begins a group: is the first command, of those seen, of two words with this first one. */
bool options_begins_group(const struct options_program *program, size_t index);

/* Each second word of the group that the name is of, with a blank between. */
void options_add_second_words(struct str *s, const struct options_program *program,
			      const char *name);

/* Other names of a command that is seen; NULL: none. */
const char *const *options_aliases(const struct options_program *program, size_t index);
