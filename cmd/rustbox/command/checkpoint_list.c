/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "cmd/rustbox/command/checkpoint_words.h"
#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/store/checkpoint.h"

struct list_options {
	bool quiet;
	const char *dir, *format;
};

static const struct option_row rows[] = {
	CHECKPOINT_DIR_ROW(list_options),
	{ "format", 0, "FORM", "table, json, columns (Name,Size) or a template ({{.Name}})",
	  OPTION_AT(list_options, format) },
	{ "quiet", 'q', NULL, "only the names", OPTION_AT(list_options, quiet) },
	{ NULL },
};

static const struct format_column columns[] = {
	{ "CHECKPOINT NAME", "Name" },
	{ "CREATED", "CreatedSince" },
	{ "SIZE", "Size" },
	{ NULL, NULL },
};

static const struct value *value_of(const struct invocation *call, const struct checkpoint *c,
				    struct error *err)
{
	struct fields f = { .arena = call->arena, .err = err };
	cleanup_str struct str ago = STR_EMPTY, size = STR_EMPTY;

	format_ago(&ago, time(NULL) - c->seconds);
	str_add(&ago, " ago");
	format_size(&size, c->size);
	fields_text(&f, "Name", c->name);
	fields_text(&f, "CreatedSince", ago.text);
	fields_text(&f, "Size", size.text);
	return fields_end(&f);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct list_options *options = call->options;
	cleanup_str struct str out = STR_EMPTY;
	const struct value **values;
	struct checkpoint *list;
	struct record *record;
	size_t n;

	if (store_find(call->store, call->args[0], call->arena, &record, err) < 0 ||
	    checkpoint_list(call->store, record->id, options->dir, call->arena, &list, &n, err) < 0)
		return -1;
	values = arena_array(call->arena, n + 1, sizeof(*values), err);
	if (!values)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!(values[i] = value_of(call, &list[i], err)))
			return -1;
	if (format_rows(options->quiet ? "{{.Name}}" : options->format, columns, values, n, false,
			&out, err) < 0)
		return -1;
	return fields_print(&out);
}

const struct command command_checkpoint_list = {
	.about = {
		.name = "checkpoint list",
		.summary = "list the checkpoints of a container",
		.arguments = "CONTAINER",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct list_options),
	.args_least = 1,
	.args_most = 1,
	.aliases = (const char *const[]){ "checkpoint ls", NULL },
	.run = run,
};
