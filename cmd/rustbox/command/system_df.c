/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/list_row.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/image/image.h"
#include "cmd/rustbox/store/tree.h"
#include "cmd/rustbox/store/volume.h"

struct df_options {
	bool verbose;
	const char *format;
};

static const struct option_row rows[] = {
	{ "verbose", 'v', NULL, "each image, container and volume",
	  OPTION_AT(df_options, verbose) },
	{ "format", 0, "FORM", "table, json, columns (Type,Size) or a template ({{.Type}})",
	  OPTION_AT(df_options, format) },
	{ NULL },
};

/* What there is, with its sizes. */
struct things {
	const struct invocation *call;
	struct record **records;
	struct image **images;
	struct volume **volumes;
	uint64_t *record_sizes, *volume_sizes;
	size_t n_records, n_images, n_volumes;
	uint64_t layers; /* bytes of all layers together, shared ones once */
};

struct total {
	size_t count, active;
	uint64_t size, reclaimable;
};

static size_t users_of_image(const struct things *t, const struct image *image)
{
	size_t users = 0;

	for (size_t i = 0; i < t->n_records; i++)
		users += str_equal(t->records[i]->image_id, image->id);
	return users;
}

static int usage(const struct things *t, const char *folder, const char *id, uint64_t *size,
		 struct error *err)
{
	const char *path = arena_format(t->call->arena, err, "%s/%s", folder, id);
	uint64_t bytes;

	if (!path || tree_disk_usage(t->call->store->root_fd, path, &bytes, err) < 0)
		return -1;
	*size += bytes;
	return 0;
}

static int measure(struct things *t, struct error *err)
{
	const struct invocation *call = t->call;
	struct store *store = call->store;

	t->record_sizes = arena_array(call->arena, t->n_records, sizeof(uint64_t), err);
	t->volume_sizes = arena_array(call->arena, t->n_volumes, sizeof(uint64_t), err);
	if (!t->record_sizes || !t->volume_sizes)
		return -1;
	for (size_t i = 0; i < t->n_records; i++)
		if (usage(t, "overlay", t->records[i]->id, &t->record_sizes[i], err) < 0 ||
		    usage(t, "logs", t->records[i]->id, &t->record_sizes[i], err) < 0)
			return -1;
	for (size_t i = 0; i < t->n_volumes; i++)
		if (volume_disk_usage(store, t->volumes[i], &t->volume_sizes[i], err) < 0)
			return -1;
	return tree_disk_usage(store->root_fd, "images", &t->layers, err);
}

static int load(struct things *t, struct error *err)
{
	const struct invocation *call = t->call;

	if (store_list(call->store, call->arena, &t->records, &t->n_records, err) < 0 ||
	    image_list(call->store, call->arena, &t->images, &t->n_images, err) < 0 ||
	    volume_list(call->store, call->arena, &t->volumes, &t->n_volumes, err) < 0)
		return -1;
	return measure(t, err);
}

/* ---- in sum ---- */

static struct total total_images(const struct things *t)
{
	struct total total = { .count = t->n_images, .size = t->layers };

	for (size_t i = 0; i < t->n_images; i++) {
		if (users_of_image(t, t->images[i]))
			total.active++;
		else
			total.reclaimable += t->images[i]->size;
	}
	/* Layers that images share count more than once there. */
	if (total.reclaimable > total.size)
		total.reclaimable = total.size;
	return total;
}

static struct total total_containers(const struct things *t)
{
	struct total total = { .count = t->n_records };

	for (size_t i = 0; i < t->n_records; i++) {
		total.size += t->record_sizes[i];
		if (record_is_live(t->records[i]))
			total.active++;
		else
			total.reclaimable += t->record_sizes[i];
	}
	return total;
}

static struct total total_volumes(const struct things *t)
{
	struct total total = { .count = t->n_volumes };

	for (size_t i = 0; i < t->n_volumes; i++) {
		total.size += t->volume_sizes[i];
		if (volume_is_used(t->volumes[i], t->records, t->n_records, NULL))
			total.active++;
		else
			total.reclaimable += t->volume_sizes[i];
	}
	return total;
}

static void put_size(struct fields *f, const char *key, uint64_t bytes)
{
	cleanup_str struct str s = STR_EMPTY;

	format_size(&s, bytes);
	fields_text(f, key, s.text);
}

static const struct value *total_row(const struct things *t, const char *type,
				     const struct total *total, struct error *err)
{
	struct fields f = { .arena = t->call->arena, .err = err };
	cleanup_str struct str s = STR_EMPTY;

	fields_text(&f, "Type", type);
	fields_number(&f, "TotalCount", (int64_t)total->count);
	fields_number(&f, "Active", (int64_t)total->active);
	put_size(&f, "Size", total->size);
	format_size(&s, total->reclaimable);
	if (total->size)
		str_add_format(
			&s, " (%u%%)",
			(unsigned int)((double)total->reclaimable / (double)total->size * 100));
	fields_text(&f, "Reclaimable", s.text);
	return fields_end(&f);
}

static int print_totals(const struct things *t, const char *format, struct error *err)
{
	static const struct format_column columns[] = {
		{ "TYPE", "Type" }, { "TOTAL", "TotalCount" },	      { "ACTIVE", "Active" },
		{ "SIZE", "Size" }, { "RECLAIMABLE", "Reclaimable" }, { NULL, NULL },
	};
	const struct total totals[] = { total_images(t), total_containers(t), total_volumes(t) };
	const struct value *values[] = { total_row(t, "Images", &totals[0], err),
					 total_row(t, "Containers", &totals[1], err),
					 total_row(t, "Local Volumes", &totals[2], err) };
	cleanup_str struct str out = STR_EMPTY;

	if (!values[0] || !values[1] || !values[2] ||
	    format_rows(format, columns, values, 3, false, &out, err) < 0)
		return -1;
	return fields_print(&out);
}

/* ---- one by one ---- */

static const struct value *image_row(const struct things *t, size_t i, struct error *err)
{
	const struct image *image = t->images[i];
	struct fields f = { .arena = t->call->arena, .err = err };
	const char *hex = strchr(image->id, ':');

	fields_text(&f, "Image", image->n_names ? image->names[0] : "<none>");
	fields_format(&f, "ID", "%.12s", hex ? hex + 1 : image->id);
	put_size(&f, "Size", image->size);
	fields_number(&f, "Containers", (int64_t)users_of_image(t, image));
	return fields_end(&f);
}

static const struct value *container_row(const struct things *t, size_t i, struct error *err)
{
	const struct list_row_options options = { .now = time(NULL) };
	struct value *row = list_row(t->call, t->records[i], &options, err);
	struct fields f = { .arena = t->call->arena, .err = err, .object = row };

	if (!row)
		return NULL;
	put_size(&f, "Size", t->record_sizes[i]);
	return fields_end(&f);
}

static const struct value *volume_row(const struct things *t, size_t i, struct error *err)
{
	struct fields f = { .arena = t->call->arena, .err = err };
	int64_t links = 0;

	for (size_t k = 0; k < t->n_records; k++)
		links += volume_is_used(t->volumes[i], &t->records[k], 1, NULL);
	fields_text(&f, "Name", t->volumes[i]->name);
	fields_number(&f, "Links", links);
	put_size(&f, "Size", t->volume_sizes[i]);
	return fields_end(&f);
}

static const struct section {
	const char *heading;
	const struct value *(*row)(const struct things *t, size_t i, struct error *err);
	size_t count; /* offset of the number in struct things */
	struct format_column columns[7];
} sections[] = {
	{ "Images space usage:",
	  image_row,
	  offsetof(struct things, n_images),
	  { { "IMAGE", "Image" },
	    { "IMAGE ID", "ID" },
	    { "SIZE", "Size" },
	    { "CONTAINERS", "Containers" } } },
	{ "Containers space usage:",
	  container_row,
	  offsetof(struct things, n_records),
	  { { "CONTAINER ID", "ID" },
	    { "IMAGE", "Image" },
	    { "SIZE", "Size" },
	    { "CREATED", "RunningFor" },
	    { "STATUS", "Status" },
	    { "NAMES", "Names" } } },
	{ "Local Volumes space usage:",
	  volume_row,
	  offsetof(struct things, n_volumes),
	  { { "VOLUME NAME", "Name" }, { "LINKS", "Links" }, { "SIZE", "Size" } } },
};

static int add_section(const struct things *t, const struct section *section, struct str *out,
		       struct error *err)
{
	size_t n;
	const struct value **values;

	memcpy(&n, (const char *)t + section->count, sizeof(n));
	values = arena_array(t->call->arena, n + 1, sizeof(*values), err);
	if (!values)
		return -1;
	for (size_t i = 0; i < n; i++) {
		values[i] = section->row(t, i, err);
		if (!values[i])
			return -1;
	}
	str_add_format(out, "%s%s\n\n", out->size ? "\n" : "", section->heading);
	return format_rows(NULL, section->columns, values, n, false, out, err);
}

static int print_each(const struct things *t, struct error *err)
{
	cleanup_str struct str out = STR_EMPTY;

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (add_section(t, &sections[i], &out, err) < 0)
			return -1;
	return fields_print(&out);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct df_options *options = call->options;
	struct things t = { .call = call };

	if (options->verbose && options->format)
		return error_set(err, 0,
				 "--verbose has a form of its own: --format cannot be given");
	if (load(&t, err) < 0)
		return -1;
	return options->verbose ? print_each(&t, err) : print_totals(&t, options->format, err);
}

const struct command command_system_df = {
	.about = {
		.name = "system df",
		.summary = "show how much space images, containers and volumes take",
		.arguments = "",
		.rows = rows,
	},
	.options_size = sizeof(struct df_options),
	.run = run,
};
