/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/list_filter.h"

#include <string.h>
#include <strings.h>

#include "cmd/rustbox/image/image.h"

static const struct record *of(const void *thing)
{
	return ((const struct list_filter *)thing)->record;
}

static bool has_id(const void *thing, const char *value)
{
	return str_starts_with(of(thing)->id, value);
}

/* Docker's names begin with a slash, which expressions may count on. */
static bool has_name(const void *thing, const char *value)
{
	const char *name = of(thing)->name;
	cleanup_str struct str slashed = STR_EMPTY;

	str_add_format(&slashed, "/%s", name);
	return filter_text(name, value) || filter_text(slashed.text, value);
}

static bool has_label(const void *thing, const char *value)
{
	return filter_label(of(thing)->labels, of(thing)->n_labels, value);
}

static int check_exit_code(const char *value, struct error *err)
{
	uint64_t code;

	return str_to_uint(value, 10, 255, &code) ? 0
						  : error_set(err, 0, "not an exit code, 0 to 255");
}

static bool has_ended(const struct record *record)
{
	return record->state->status == RECORD_EXITED || record->state->status == RECORD_STOPPED;
}

static bool has_exit_code(const void *thing, const char *value)
{
	uint64_t code;

	return has_ended(of(thing)) && str_to_uint(value, 10, 255, &code) &&
	       (uint64_t)of(thing)->state->exit_code == code;
}

static int check_status(const char *value, struct error *err)
{
	for (int i = 0; i < RECORD_STATUSES; i++)
		if (strcasecmp(value, record_status_names[i]) == 0)
			return 0;
	return error_set(err, 0, "not created, running, paused, restarting, stopped or exited");
}

/* Stopped is a kind of exited, which is all that Docker knows. */
static bool has_status(const void *thing, const char *value)
{
	const struct record *record = of(thing);

	if (strcasecmp(value, "exited") == 0)
		return has_ended(record);
	return strcasecmp(value, record_status_names[record->state->status]) == 0;
}

/* True when the container's layers end with those of the image: it is one of its descendants. */
static bool descends(const struct record *record, const struct image *image)
{
	size_t above;

	if (image->n_layers == 0 || record->n_lower < image->n_layers)
		return false;
	above = record->n_lower - image->n_layers;
	for (size_t i = 0; i < image->n_layers; i++)
		if (strcmp(record->lower[above + i], image->layers[i]) != 0)
			return false;
	return true;
}

static bool has_ancestor(const void *thing, const char *value)
{
	/* Only the memory of what was looked up last is written to. */
	struct list_filter *filter = (struct list_filter *)(uintptr_t)thing;
	const struct record *record = filter->record;
	struct image *image = NULL;
	struct error ignored;

	if (str_equal(record->image, value) || str_equal(record->image_id, value))
		return true;
	if (!str_equal(filter->ancestor_name, value)) {
		filter->ancestor_name = value;
		filter->ancestor = image_find(filter->call->store, value, filter->call->arena,
					      &image, &ignored) < 0
					   ? NULL
					   : image;
	}
	return filter->ancestor && (str_equal(record->image_id, filter->ancestor->id) ||
				    descends(record, filter->ancestor));
}

static const struct record *find(const struct list_filter *filter, const char *name)
{
	const struct record *found = NULL;

	for (size_t i = 0; i < filter->n_records; i++) {
		if (str_equal(filter->records[i]->name, name))
			return filter->records[i];
		if (str_starts_with(filter->records[i]->id, name))
			found = filter->records[i];
	}
	return found;
}

static bool is_before(const void *thing, const char *value)
{
	const struct record *other = find(thing, value);

	return other && strcmp(of(thing)->created, other->created) < 0;
}

static bool is_since(const void *thing, const char *value)
{
	const struct record *other = find(thing, value);

	return other && strcmp(of(thing)->created, other->created) > 0;
}

static bool has_volume(const void *thing, const char *value)
{
	const struct record *record = of(thing);

	for (size_t i = 0; i < record->n_mounts; i++)
		if (str_equal(record->mounts[i].name, value) ||
		    str_equal(record->mounts[i].source, value) ||
		    str_equal(record->mounts[i].destination, value))
			return true;
	return false;
}

static bool has_network(const void *thing, const char *value)
{
	return str_equal(of(thing)->network->mode, value);
}

static int check_health(const char *value, struct error *err)
{
	for (size_t i = 0; record_health_names[i]; i++)
		if (str_equal(record_health_names[i], value))
			return 0;
	return error_set(err, 0, "not none, starting, healthy or unhealthy");
}

static bool has_health(const void *thing, const char *value)
{
	return str_equal(record_health_names[of(thing)->state->health], value);
}

const struct filter_key list_filter_keys[] = {
	{ "id", has_id },
	{ "name", has_name },
	{ "label", has_label, .all = true },
	{ "exited", has_exit_code, .check = check_exit_code },
	{ "status", has_status, .check = check_status },
	{ "ancestor", has_ancestor },
	{ "before", is_before },
	{ "since", is_since },
	{ "volume", has_volume },
	{ "network", has_network },
	{ "health", has_health, .check = check_health },
	{ NULL },
};

int list_filter_check(const struct list_filter *filter, const struct option_strings *filters,
		      struct error *err)
{
	if (filter_check(list_filter_keys, filters, err) < 0)
		return -1;
	for (size_t i = 0; i < filters->count; i++) {
		const char *text = filters->items[i], *name = strchr(text, '=') + 1;

		if ((str_starts_with(text, "before=") || str_starts_with(text, "since=")) &&
		    !find(filter, name))
			return error_set(err, ENOENT, "--filter %s: no such container", text);
	}
	return 0;
}
