/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/volume_words.h"
#include "cmd/rustbox/format/format.h"

struct list_options {
	bool quiet;
	struct option_strings filter;
	const char *format;
};

static const struct option_row rows[] = {
	{ "quiet", 'q', NULL, "only the names", OPTION_AT(list_options, quiet) },
	{ "filter", 'f', "KEY=VALUE",
	  "only those with this name or label; dangling=true: those that no container mounts",
	  OPTION_AT(list_options, filter) },
	{ "format", 0, "FORM", "table, json, columns (Name,Mountpoint) or a template ({{.Name}})",
	  OPTION_AT(list_options, format) },
	{ NULL },
};

static const struct format_column columns[] = {
	{ "DRIVER", "Driver" },
	{ "VOLUME NAME", "Name" },
	{ NULL, NULL },
};

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct list_options *options = call->options;
	struct volume_words_filter filter = { 0 };
	cleanup_str struct str out = STR_EMPTY;
	const struct value **values;
	struct volume **volumes;
	struct record **records;
	size_t n, kept = 0;

	if (filter_check(volume_words_keys, &options->filter, err) < 0 ||
	    volume_list(call->store, call->arena, &volumes, &n, err) < 0 ||
	    store_list(call->store, call->arena, &records, &filter.n_records, err) < 0)
		return -1;
	filter.records = records;
	values = arena_array(call->arena, n + 1, sizeof(*values), err);
	if (!values)
		return -1;
	for (size_t i = 0; i < n; i++) {
		filter.volume = volumes[i];
		if (!filter_matches(volume_words_keys, &options->filter, &filter))
			continue;
		values[kept] = volume_words_value(call, volumes[i], true, err);
		if (!values[kept++])
			return -1;
	}
	if (format_rows(options->quiet ? "{{.Name}}" : options->format, columns, values, kept,
			false, &out, err) < 0)
		return -1;
	return fields_print(&out);
}

const struct command command_volume_list = {
	.about = {
		.name = "volume list",
		.summary = "list volumes",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct list_options),
	.aliases = (const char *const[]){ "volume ls", NULL },
	.run = run,
};
