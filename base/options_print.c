/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/options.h"

static int print(struct str *s, struct error *err)
{
	cleanup_free char *text = str_take(s, err);

	if (!text)
		return -1;
	(void)fputs(text, stdout);
	return 0;
}

int options_print_help(const struct options_program *program, const struct options_command *command,
		       struct error *err)
{
	cleanup_str struct str s = STR_EMPTY;

	if (command)
		options_add_command_help(&s, program, command);
	else
		options_add_help(&s, program);
	return print(&s, err);
}

int options_print_text(const struct options_program *program, const char *form, struct error *err)
{
	static const struct {
		const char *form;
		void (*add)(struct str *s, const struct options_program *program);
	} texts[] = {
		{ "bash", options_add_bash },
		{ "zsh", options_add_zsh },
		{ "fish", options_add_fish },
		{ "man", options_add_man },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		cleanup_str struct str s = STR_EMPTY;

		if (!str_equal(texts[i].form, form))
			continue;
		texts[i].add(&s, program);
		return print(&s, err);
	}
	return error_set(err, 0, "\"%s\" is not one of bash, zsh, fish", form);
}
