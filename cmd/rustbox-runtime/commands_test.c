/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ctype.h>

#include "cmd/rustbox-runtime/command.h"

static void check_text(const char *text, const char *where)
{
	size_t length = strlen(text);

	if (!length || isupper((unsigned char)text[0]) || text[length - 1] == '.')
		fail_msg("%s: \"%s\" is to begin small and end without a full stop", where, text);
}

static void check_rows(const struct option_row *rows, size_t size, const char *where)
{
	for (const struct option_row *row = rows; row && row->name; row++) {
		if (!row->hidden)
			check_text(row->help, row->name);
		assert_true(row->offset < size);
		assert_true(row->letter != 'h');
		assert_true((row->kind == OPTION_FLAG) == (row->argument == NULL));
		assert_true((row->kind == OPTION_CHOICE) == (row->choices != NULL));
		for (const struct option_row *other = rows; other < row; other++)
			if (strcmp(row->name, other->name) == 0 ||
			    (row->letter && row->letter == other->letter))
				fail_msg("%s: --%s and --%s are the same", where, other->name,
					 row->name);
	}
}

static void tables_are_sound(void **state)
{
	check_rows(global_rows, sizeof(struct global_options), "global");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *command = commands[i];

		check_text(command->about.summary, command->about.name);
		check_rows(command->about.rows, command->options_size, command->about.name);
		assert_non_null(command->run);
		assert_non_null(command->about.arguments);
		assert_true(command->args_least <= command->args_most);
	}
}

static void commands_are_sorted_and_then_hidden_ones(void **state)
{
	for (size_t i = 1; commands[i]; i++) {
		const struct options_command *a = &commands[i - 1]->about, *b = &commands[i]->about;

		assert_true(a->hidden <= b->hidden);
		if (a->hidden == b->hidden)
			assert_true(strcmp(a->name, b->name) < 0);
	}
}

static void commands_are_found(void **state)
{
	struct error err;

	assert_ptr_equal(command_find("exec", &err), &command_exec);
	assert_ptr_equal(command_find("generate", &err), &command_generate);
	assert_null(command_find("killl", &err));
	assert_string_equal(err.text, "unknown command killl (did you mean kill?)");
	assert_null(command_find("", &err));
	assert_non_null(strstr(err.text, "--help lists them"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(commands_are_sorted_and_then_hidden_ones),
		cmocka_unit_test(commands_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
