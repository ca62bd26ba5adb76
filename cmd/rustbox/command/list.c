/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/list_filter.h"
#include "cmd/rustbox/command/list_row.h"
#include "cmd/rustbox/format/format.h"

struct list_options {
	bool all, quiet, latest, size, no_trunc;
	struct option_int last;
	struct option_strings filter;
	const char *format;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "those that do not run as well", OPTION_AT(list_options, all) },
	{ "quiet", 'q', NULL, "only the ids", OPTION_AT(list_options, quiet) },
	{ "latest", 'l', NULL, "only the one that was created last",
	  OPTION_AT(list_options, latest) },
	{ "last", 'n', "NUMBER", "only so many of those created last",
	  OPTION_AT(list_options, last), .min = 0, .max = INT32_MAX },
	{ "size", 's', NULL, "how much each has written", OPTION_AT(list_options, size) },
	{ "no-trunc", 0, NULL, "cut nothing", OPTION_AT(list_options, no_trunc) },
	{ "filter", 'f', "KEY=VALUE",
	  "only those with this id, name, label, exited, status, ancestor, before, since, volume, "
	  "network, health",
	  OPTION_AT(list_options, filter) },
	{ "format", 0, "FORM",
	  "table, json, columns (ID,Names) or a template ({{.ID}} {{.Status}})",
	  OPTION_AT(list_options, format) },
	{ NULL },
};

/* SIZE is the last one, and shown on demand. */
static const struct format_column columns[] = {
	{ "CONTAINER ID", "ID" },    { "IMAGE", "Image" },   { "COMMAND", "Command" },
	{ "CREATED", "RunningFor" }, { "STATUS", "Status" }, { "PORTS", "Ports" },
	{ "NAMES", "Names" },	     { NULL, NULL },	     { NULL, NULL },
};
enum { COLUMNS = 7 };

/* How many there are room for; filters of states look at all of them, as Docker's do. */
static size_t most(const struct list_options *options)
{
	if (options->latest)
		return 1;
	return options->last.set ? (size_t)options->last.value : SIZE_MAX;
}

static bool shows_all(const struct list_options *options)
{
	return options->all || options->latest || options->last.set ||
	       filter_has(&options->filter, "status") || filter_has(&options->filter, "exited");
}

/* Keeps those that are to be shown, in front. */
static int choose(const struct invocation *call, struct record **records, size_t n, size_t *ret_n,
		  struct error *err)
{
	const struct list_options *options = call->options;
	struct record **all = arena_array(call->arena, n + 1, sizeof(*all), err);
	struct list_filter filter = { .call = call, .records = all, .n_records = n };
	size_t kept = 0;

	if (!all)
		return -1;
	for (size_t i = 0; i < n; i++)
		all[i] = records[i];
	if (list_filter_check(&filter, &options->filter, err) < 0)
		return -1;
	for (size_t i = 0; i < n && kept < most(options); i++) {
		filter.record = all[i];
		if ((shows_all(options) || record_is_live(all[i])) &&
		    filter_matches(list_filter_keys, &options->filter, &filter))
			records[kept++] = all[i];
	}
	*ret_n = kept;
	return 0;
}

static int print(const struct list_options *options, const struct value *const *values, size_t n,
		 struct error *err)
{
	struct format_column shown[sizeof(columns) / sizeof(columns[0])];
	cleanup_str struct str out = STR_EMPTY;

	memcpy(shown, columns, sizeof(shown));
	if (options->size)
		shown[COLUMNS] = (struct format_column){ "SIZE", "Size" };
	if (format_rows(options->quiet ? "{{.ID}}" : options->format, shown, values, n, false, &out,
			err) < 0)
		return -1;
	return fields_print(&out);
}

/* Scripts ask for nothing else, and often. */
static const struct value *only_id(const struct invocation *call, const struct record *record,
				   struct error *err)
{
	struct fields f = { .arena = call->arena, .err = err };

	fields_text(&f, "ID", record->id);
	return fields_end(&f);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct list_options *options = call->options;
	struct list_row_options row = { .no_trunc = options->no_trunc, .now = time(NULL) };
	struct record **records;
	const struct value **values;
	size_t n;

	row.with_size = options->size || (options->format && strstr(options->format, "Size"));
	if (store_list(call->store, call->arena, &records, &n, err) < 0 ||
	    choose(call, records, n, &n, err) < 0)
		return -1;
	values = arena_array(call->arena, n + 1, sizeof(*values), err);
	if (!values)
		return -1;
	for (size_t i = 0; i < n; i++) {
		values[i] = options->quiet ? only_id(call, records[i], err)
					   : list_row(call, records[i], &row, err);
		if (!values[i])
			return -1;
	}
	return print(options, values, n, err);
}

const struct command command_list = {
	.about = {
		.name = "list",
		.summary = "list containers",
		.arguments = "",
		.description = "Without options those that run. Filters of one key are "
			       "alternatives, those of different keys and several labels have "
			       "to hold together; filters by status and exited look at all "
			       "containers.",
		.rows = rows,
	},
	.options_size = sizeof(struct list_options),
	.aliases = (const char *const[]){ "ps", "ls", NULL },
	.run = run,
};
