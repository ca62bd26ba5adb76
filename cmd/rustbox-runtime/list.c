/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/rustbox-runtime/command.h"
#include "cmd/rustbox-runtime/view.h"

enum { FORMAT_TABLE, FORMAT_JSON };
static const char *const format_names[] = { "table", "json", NULL };

struct list_options {
	int format;
	bool quiet;
};

static const struct option_row rows[] = {
	{ "format", 'f', "FORMAT", "how to print them", OPTION_AT(list_options, format),
	  .choices = format_names, .fallback = "table" },
	{ "quiet", 'q', NULL, "print only the ids", OPTION_AT(list_options, quiet) },
	{ NULL },
};

static const char *const titles[] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };
enum { COLUMNS = sizeof(titles) / sizeof(titles[0]) };

static const char *text_or_nothing(const char *text)
{
	return text ? text : "";
}

static int table_row(const struct state_public *state, struct arena *arena, struct view_row *ret,
		     struct error *err)
{
	const char **cells = arena_array(arena, COLUMNS, sizeof(*cells), err);
	const char *pid = arena_format(arena, err, "%d", (int)state->pid);

	if (!cells || !pid)
		return -1;
	cells[0] = text_or_nothing(state->id);
	cells[1] = pid;
	cells[2] = state->status;
	cells[3] = text_or_nothing(state->bundle);
	cells[4] = text_or_nothing(state->created);
	cells[5] = state->owner;
	ret->cells = cells;
	return 0;
}

static int add_table(struct str *s, const struct state_public *states, size_t count,
		     struct arena *arena, struct error *err)
{
	struct view_row *table = arena_array(arena, count + 1, sizeof(*table), err);

	if (!table)
		return -1;
	table[0].cells = titles;
	for (size_t i = 0; i < count; i++)
		if (table_row(&states[i], arena, &table[i + 1], err) < 0)
			return -1;
	view_add_table(s, table, count + 1, COLUMNS);
	return 0;
}

static int add_json(struct str *s, const struct state_public *states, size_t count,
		    struct error *err)
{
	str_add(s, "[");
	for (size_t i = 0; i < count; i++) {
		cleanup_free char *text = json_write(&state_public_type, &states[i], false, err);

		if (!text)
			return -1;
		str_add_format(s, "%s%s", i ? "," : "", text);
	}
	str_add(s, "]\n");
	return 0;
}

static void add_ids(struct str *s, const struct state_public *states, size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_add_format(s, "%s\n", states[i].id);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct list_options *options = call->options;
	cleanup_str struct str s = STR_EMPTY;
	struct container_view *views = NULL;
	size_t count = 0;
	int added = 0;

	if (call->engine->root_is_given && access(call->engine->root, F_OK) < 0)
		return error_set(err, errno, "the state folder %s", call->engine->root);
	if (container_list(call->engine, call->arena, &views, &count, err) < 0)
		return -1;
	struct state_public *states = arena_array(call->arena, count, sizeof(*states), err);
	if (!states)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (view_public(&views[i], call->arena, &states[i], err) < 0)
			return -1;
	if (options->quiet)
		add_ids(&s, states, count);
	else if (options->format == FORMAT_JSON)
		added = add_json(&s, states, count, err);
	else
		added = add_table(&s, states, count, call->arena, err);
	if (added < 0)
		return -1;
	cleanup_free char *text = str_take(&s, err);
	if (!text)
		return -1;
	(void)fputs(text, stdout);
	return 0;
}

const struct command command_list = {
	.about = {
		.name = "list",
		.summary = "list the containers below --root",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct list_options),
	.run = run,
};
