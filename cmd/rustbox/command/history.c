/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/image/image.h"
#include "cmd/rustbox/store/tree.h"

struct history_options {
	bool quiet, no_trunc, human;
	const char *format;
};

static const struct option_row rows[] = {
	{ "human", 'H', NULL, "sizes and times for people; with =false bytes and RFC 3339",
	  OPTION_AT(history_options, human), .fallback = "true" },
	{ "no-trunc", 0, NULL, "cut nothing", OPTION_AT(history_options, no_trunc) },
	{ "quiet", 'q', NULL, "only the ids", OPTION_AT(history_options, quiet) },
	{ "format", 0, "FORM", "table, json, columns (CreatedBy,Size) or a template ({{.Size}})",
	  OPTION_AT(history_options, format) },
	{ NULL },
};

static const struct format_column columns[] = {
	{ "IMAGE", "ID" },  { "CREATED", "CreatedSince" }, { "CREATED BY", "CreatedBy" },
	{ "SIZE", "Size" }, { "COMMENT", "Comment" },	   { NULL, NULL },
};
static const struct format_column exact_columns[] = {
	{ "IMAGE", "ID" },  { "CREATED AT", "CreatedAt" }, { "CREATED BY", "CreatedBy" },
	{ "SIZE", "Size" }, { "COMMENT", "Comment" },	   { NULL, NULL },
};

enum { CREATED_BY_WIDTH = 45, COMMENT_WIDTH = 60 };

/* Cut to `width` characters, the last of which says so then. */
static void put_cut(struct fields *f, const char *key, const char *text, size_t width, bool whole)
{
	size_t n = 0, size = 0;

	text = text ? text : "";
	while (text[size] && (n < width || (text[size] & 0xc0) == 0x80))
		n += ((unsigned char)text[size++] & 0xc0) != 0x80;
	/* The last character gives way to the sign. */
	if (whole || !text[size]) {
		fields_text(f, key, text);
		return;
	}
	do
		size--;
	while (size && (text[size] & 0xc0) == 0x80);
	fields_format(f, key, "%.*s…", (int)size, text);
}

static void put_time(struct fields *f, const char *created)
{
	cleanup_str struct str ago = STR_EMPTY;
	struct error ignored;
	uint64_t ns;
	int64_t now = time(NULL);

	fields_text(f, "CreatedAt", created);
	if (created && format_read_time(created, 0, &ns, &ignored) == 0) {
		format_ago(&ago, now - (int64_t)(ns / 1000000000));
		str_add(&ago, " ago");
	}
	fields_text(f, "CreatedSince", ago.text);
}

static void put_size(struct fields *f, uint64_t bytes, bool human)
{
	cleanup_str struct str text = STR_EMPTY;

	if (human)
		format_size(&text, bytes);
	else
		str_add_format(&text, "%llu", (unsigned long long)bytes);
	fields_text(f, "Size", text.text);
}

static const struct value *row(const struct invocation *call, const struct image_history *step,
			       const char *id, uint64_t bytes, struct error *err)
{
	const struct history_options *options = call->options;
	struct fields f = { .arena = call->arena, .err = err };

	if (id && !options->no_trunc)
		fields_format(&f, "ID", "%.12s", strchr(id, ':') ? strchr(id, ':') + 1 : id);
	else
		fields_text(&f, "ID", id ? id : "<missing>");
	put_time(&f, step->created);
	put_cut(&f, "CreatedBy", step->created_by, CREATED_BY_WIDTH, options->no_trunc);
	put_size(&f, bytes, options->human);
	put_cut(&f, "Comment", step->comment, COMMENT_WIDTH, options->no_trunc);
	return fields_end(&f);
}

/*
 * The newest first. Steps without a layer are in the history, too; layers that
 * it does not mention get a line without a story.
 */
static int list_steps(const struct invocation *call, const struct image *image,
		      const struct value **values, size_t *ret_n, struct error *err)
{
	const struct image_config *config = image->config;
	static const struct image_history untold;
	size_t layer = 0, step = config->n_history;

	*ret_n = 0;
	while (step > 0 || layer < image->n_layers) {
		const struct image_history *told = step ? &config->history[--step] : &untold;
		uint64_t bytes = 0;
		if (!told->empty_layer && layer < image->n_layers &&
		    tree_disk_usage(AT_FDCWD, image->layers[layer++], &bytes, err) < 0)
			return -1;
		values[*ret_n] = row(call, told, *ret_n ? NULL : image->id, bytes, err);
		if (!values[(*ret_n)++])
			return -1;
	}
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct history_options *options = call->options;
	cleanup_str struct str out = STR_EMPTY;
	const struct value **values;
	struct image *image;
	size_t n;

	if (image_find(call->store, call->args[0], call->arena, &image, err) < 0)
		return -1;
	values = arena_array(call->arena, image->config->n_history + image->n_layers + 1,
			     sizeof(*values), err);
	if (!values || list_steps(call, image, values, &n, err) < 0)
		return -1;
	if (format_rows(options->quiet ? "{{.ID}}" : options->format,
			options->human ? columns : exact_columns, values, n, false, &out, err) < 0)
		return -1;
	return fields_print(&out);
}

static const char *const aliases[] = { "image history", NULL };

const struct command command_history = {
	.about = {
		.name = "history",
		.summary = "show the steps by which an image was made",
		.arguments = "IMAGE",
		.rows = rows,
	},
	.options_size = sizeof(struct history_options),
	.args_least = 1,
	.args_most = 1,
	.aliases = aliases,
	.run = run,
};
