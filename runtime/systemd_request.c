/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/systemd_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const struct json_field property_fields[] = {
	REQUIRED(systemd_property, name, "name"), REQUIRED(systemd_property, type, "type"),
	LIST(systemd_property, values, "values"), FIELD(systemd_property, replaces, "replaces"),
	FIELD(systemd_property, since, "since"),  { NULL },
};
static const struct json_type property_type = { sizeof(struct systemd_property), property_fields,
						NULL };

static const struct json_field request_fields[] = {
	REQUIRED(systemd_request, version, "version"),
	REQUIRED(systemd_request, unit, "unit"),
	FIELD(systemd_request, subgroup, "subgroup"),
	FIELD(systemd_request, user, "user"),
	ARRAY(systemd_request, properties, "properties", &property_type),
	{ NULL },
};
const struct json_type systemd_request_type = { sizeof(struct systemd_request), request_fields,
						NULL };

/* The row of that name, or a new one; NULL with err. */
static struct systemd_property *find_or_add(struct systemd_properties *list, const char *name,
					    struct error *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_equal(list->rows[i].name, name)) {
			/* To the end: systemd_property_since() means the last one. */
			memmove(&list->rows[i], &list->rows[i + 1],
				(list->count - i - 1) * sizeof(*list->rows));
			list->count--;
			return &list->rows[list->count++];
		}
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 32;
		struct systemd_property *rows =
			arena_array(list->arena, capacity, sizeof(*rows), err);

		if (!rows)
			return NULL;
		if (list->count)
			memcpy(rows, list->rows, list->count * sizeof(*rows));
		list->rows = rows;
		list->capacity = capacity;
	}
	return &list->rows[list->count++];
}

int systemd_property_set(struct systemd_properties *list, const char *name, const char *type,
			 const char *const *values, size_t n_values, struct error *err)
{
	char **copies = arena_array(list->arena, n_values + 1, sizeof(*copies), err);
	struct systemd_property row = { .values = copies, .n_values = n_values };

	row.name = arena_strdup(list->arena, name, err);
	row.type = arena_strdup(list->arena, type, err);
	if (!copies || !row.name || !row.type)
		return -1;
	for (size_t i = 0; i < n_values; i++)
		if (!(copies[i] = arena_strdup(list->arena, values[i], err)))
			return -1;
	struct systemd_property *place = find_or_add(list, name, err);
	if (!place)
		return -1;
	*place = row;
	return 0;
}

int systemd_property_text(struct systemd_properties *list, const char *name, const char *text,
			  struct error *err)
{
	return systemd_property_set(list, name, "s", &text, 1, err);
}

int systemd_property_number(struct systemd_properties *list, const char *name, uint64_t number,
			    struct error *err)
{
	char text[24];
	const char *value = text;

	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	return systemd_property_set(list, name, "t", &value, 1, err);
}

int systemd_property_bool(struct systemd_properties *list, const char *name, bool value,
			  struct error *err)
{
	const char *text = value ? "true" : "false";

	return systemd_property_set(list, name, "b", &text, 1, err);
}

void systemd_property_since(struct systemd_properties *list, uint32_t version)
{
	if (list->count)
		list->rows[list->count - 1].since = version;
}

void systemd_property_replaces(struct systemd_properties *list)
{
	if (list->count)
		list->rows[list->count - 1].replaces = true;
}
