/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/filter.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/image/image.h"

struct images_options {
	bool all, quiet, digests, no_trunc;
	struct option_strings filter;
	const char *format;
};

static const struct option_row rows[] = {
	{ "all", 'a', NULL, "all of them; there are no others than those shown without it",
	  OPTION_AT(images_options, all) },
	{ "digests", 0, NULL, "show digests", OPTION_AT(images_options, digests) },
	{ "filter", 'f', "KEY=VALUE",
	  "only those with this dangling (true, false), label, reference (a pattern), and those "
	  "made before or since an image",
	  OPTION_AT(images_options, filter) },
	{ "format", 0, "FORM", "table, json, columns (ID,Tag) or a template ({{.ID}} {{.Size}})",
	  OPTION_AT(images_options, format) },
	{ "no-trunc", 0, NULL, "cut nothing", OPTION_AT(images_options, no_trunc) },
	{ "quiet", 'q', NULL, "only the ids", OPTION_AT(images_options, quiet) },
	{ NULL },
};

static const struct format_column columns[] = {
	{ "REPOSITORY", "Repository" }, { "TAG", "Tag" },   { "IMAGE ID", "ID" },
	{ "CREATED", "CreatedSince" },	{ "SIZE", "Size" }, { NULL, NULL },
};
static const struct format_column digest_columns[] = {
	{ "REPOSITORY", "Repository" },
	{ "TAG", "Tag" },
	{ "DIGEST", "Digest" },
	{ "IMAGE ID", "ID" },
	{ "CREATED", "CreatedSince" },
	{ "SIZE", "Size" },
	{ NULL, NULL },
};

/* ---- filters ---- */

/* One row: an image by one of its names (NULL: it has none). */
struct shown_image {
	const struct invocation *call;
	const struct image *image;
	const char *name;
};

static const struct shown_image *of(const void *thing)
{
	return thing;
}

static bool read_truth(const char *value, bool *ret)
{
	*ret = strcasecmp(value, "true") == 0 || str_equal(value, "1");
	return *ret || strcasecmp(value, "false") == 0 || str_equal(value, "0");
}

static int check_truth(const char *value, struct error *err)
{
	bool truth;

	return read_truth(value, &truth) ? 0 : error_set(err, 0, "not true or false");
}

static bool is_dangling(const void *thing, const char *value)
{
	bool wanted;

	return read_truth(value, &wanted) && (of(thing)->name == NULL) == wanted;
}

static bool has_label(const void *thing, const char *value)
{
	const struct image_settings *settings = of(thing)->image->config->config;

	return filter_label(settings->labels, settings->n_labels, value);
}

/* "debian", "deb*", "team/app:1.*": without a tag, any tag will do. */
static bool matches_pattern(const char *name, const char *pattern)
{
	cleanup_str struct str repository = STR_EMPTY;

	if (!name)
		return false;
	str_add_bytes(&repository, name, (size_t)(strrchr(name, ':') - name));
	return fnmatch(pattern, name, FNM_PATHNAME) == 0 ||
	       (repository.text && fnmatch(pattern, repository.text, FNM_PATHNAME) == 0);
}

static bool has_reference(const void *thing, const char *value)
{
	return matches_pattern(of(thing)->name, value);
}

/* -1, 0, 1: made before the other one, at the same time, after it. 2: there is no other one. */
static int compare_age(const struct shown_image *shown, const char *other_name)
{
	struct image *other;
	struct error ignored;
	int order;

	if (image_find(shown->call->store, other_name, shown->call->arena, &other, &ignored) < 0)
		return 2;
	order = strcmp(shown->image->config->created ? shown->image->config->created : "",
		       other->config->created ? other->config->created : "");
	return (order > 0) - (order < 0);
}

static bool is_before(const void *thing, const char *value)
{
	return compare_age(thing, value) == -1;
}

static bool is_since(const void *thing, const char *value)
{
	return compare_age(thing, value) == 1;
}

static const struct filter_key filter_keys[] = {
	{ "dangling", is_dangling, false, check_truth },
	{ "label", has_label, true, NULL },
	{ "reference", has_reference, false, NULL },
	{ "before", is_before, true, NULL },
	{ "since", is_since, true, NULL },
	{ NULL },
};

/* ---- rows ---- */

static void put_times(struct fields *f, const struct image *image)
{
	cleanup_str struct str ago = STR_EMPTY;
	time_t created = (time_t)record_seconds(image->config->created);
	char text[48] = "";
	struct tm tm = { 0 };

	if (!created) {
		fields_text(f, "CreatedAt", "N/A");
		fields_text(f, "CreatedSince", "N/A");
		return;
	}
	(void)gmtime_r(&created, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	fields_text(f, "CreatedAt", text);
	format_ago(&ago, time(NULL) - created);
	str_add(&ago, " ago");
	fields_text(f, "CreatedSince", ago.text);
}

static const struct value *make_row(const struct shown_image *shown, bool no_trunc,
				    struct error *err)
{
	const struct image *image = shown->image;
	struct fields f = { .arena = shown->call->arena, .err = err };
	const char *colon = shown->name ? strrchr(shown->name, ':') : NULL;
	cleanup_str struct str size = STR_EMPTY;

	fields_format(&f, "Repository", "%.*s", colon ? (int)(colon - shown->name) : 6,
		      colon ? shown->name : "<none>");
	fields_text(&f, "Tag", colon ? colon + 1 : "<none>");
	fields_text(&f, "Digest", image->id);
	if (no_trunc)
		fields_text(&f, "ID", image->id);
	else
		fields_format(&f, "ID", "%.12s", image->id + strlen("sha256:"));
	put_times(&f, image);
	format_size(&size, image->size);
	fields_text(&f, "Size", size.text);
	fields_pairs(&f, "Labels", image->config->config->labels, image->config->config->n_labels);
	return fields_end(&f);
}

struct row_list {
	const struct value **values;
	size_t n;
};

/* An image has a row for each name, and one when it has none. */
static int add_rows(const struct invocation *call, const struct image *image, const char *pattern,
		    struct row_list *list, struct error *err)
{
	const struct images_options *options = call->options;
	size_t rows_of_it = image->n_names ? image->n_names : 1;

	/* By their ids they are the same. */
	for (size_t i = 0; i < rows_of_it; i++) {
		struct shown_image shown = { call, image, image->n_names ? image->names[i] : NULL };
		if ((pattern && !matches_pattern(shown.name, pattern)) ||
		    !filter_matches(filter_keys, &options->filter, &shown))
			continue;
		list->values[list->n] = make_row(&shown, options->no_trunc, err);
		if (!list->values[list->n++])
			return -1;
		if (options->quiet)
			break;
	}
	return 0;
}

static int list_rows(const struct invocation *call, struct row_list *list, struct error *err)
{
	struct image **images;
	size_t n, most = 0;

	if (image_list(call->store, call->arena, &images, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		most += images[i]->n_names ? images[i]->n_names : 1;
	list->values = arena_array(call->arena, most + 1, sizeof(*list->values), err);
	if (!list->values)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_rows(call, images[i], call->n_args ? call->args[0] : NULL, list, err) < 0)
			return -1;
	return 0;
}

/* What a filter compares with has to be there. */
static int check_images(const struct invocation *call, struct error *err)
{
	const struct images_options *options = call->options;
	struct image *image;

	if (filter_check(filter_keys, &options->filter, err) < 0)
		return -1;
	for (size_t i = 0; i < options->filter.count; i++) {
		const char *filter = options->filter.items[i];
		if ((str_starts_with(filter, "before=") || str_starts_with(filter, "since=")) &&
		    image_find(call->store, strchr(filter, '=') + 1, call->arena, &image, err) < 0)
			return error_wrap(err, "--filter %s", filter);
	}
	return 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct images_options *options = call->options;
	cleanup_str struct str out = STR_EMPTY;
	struct row_list list = { NULL };

	if (check_images(call, err) < 0 || list_rows(call, &list, err) < 0 ||
	    format_rows(options->quiet ? "{{.ID}}" : options->format,
			options->digests ? digest_columns : columns, list.values, list.n, false,
			&out, err) < 0)
		return -1;
	return fields_print(&out);
}

static const char *const aliases[] = { "image ls", "image list", NULL };

const struct command command_images = {
	.about = {
		.name = "images",
		.summary = "list images",
		.arguments = "[NAME]",
		.description = "The digest is that of the configuration, which is the image's id. "
			       "The size is what its layers take on disk, whoever else has them, "
			       "too.",
		.rows = rows,
	},
	.options_size = sizeof(struct images_options),
	.args_most = 1,
	.aliases = aliases,
	.run = run,
};
