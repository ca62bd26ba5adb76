/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/json_frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const char *const wanted[] = {
	[JSON_STRING] = "a string",
	[JSON_BOOL] = "true or false",
	[JSON_INT] = "an integer",
	[JSON_UINT] = "an unsigned integer",
	[JSON_OPT_INT] = "an integer",
	[JSON_OPT_UINT] = "an unsigned integer",
	[JSON_STRINGS] = "an array of strings",
	[JSON_UINTS] = "an array of unsigned integers",
	[JSON_MAP] = "an object of strings",
	[JSON_OBJECT] = "an object",
	[JSON_OBJECTS] = "an array of objects",
	[JSON_NAMED] = "an object of objects",
	[JSON_ENUM] = "a string",
};

static bool has_keys(const struct json_frame *f)
{
	return f->kind == JSON_MAP || f->kind == JSON_NAMED;
}

static char *item_at(const struct json_frame *f, size_t i)
{
	return (char *)f->items + i * f->item_size;
}

/* The key of a map's element, which is its first member whatever its type. */
static char *key_at(const struct json_frame *f, size_t i)
{
	char *key;

	memcpy(&key, item_at(f, i), sizeof(key));
	return key;
}

/* -- Errors -- */

static void add_path(struct str *path, const struct json_frame *f)
{
	if (f->kind == JSON_OBJECT && f->field)
		str_add_format(path, "%s%s", path->size ? "." : "", f->field->key);
	else if (f->count && has_keys(f))
		str_add_format(path, "[\"%.64s\"]", key_at(f, f->count - 1));
	else if (f->count)
		str_add_format(path, "[%zu]", f->count - 1);
}

int json_frame_stop(struct json_reader *r, const char *format, ...)
{
	cleanup_str struct str path = STR_EMPTY;
	char reason[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(reason, sizeof(reason), format, ap);
	va_end(ap);
	for (size_t i = 0; i < r->n_frames; i++)
		add_path(&path, &r->frames[i]);
	error_set(r->err, 0, "%s: %s", path.size ? path.text : "the document", reason);
	return 0;
}

int json_frame_stop_type(struct json_reader *r, int kind, const char *found)
{
	return json_frame_stop(r, "expected %s, found %s", wanted[kind], found);
}

/* -- Where the next value goes -- */

/* One more element for a collection, as its type begins; NULL with the error set. */
static char *add_item(struct json_reader *r, struct json_frame *f)
{
	if (mem_grow(&f->items, f->count, &f->capacity, f->item_size, r->err) < 0)
		return NULL;
	char *item = item_at(f, f->count++);
	if (f->type && f->type->initial)
		memcpy(item, f->type->initial, f->item_size);
	else
		memset(item, 0, f->item_size);
	return item;
}

static struct json_slot slot_of_item(const struct json_frame *f, char *item)
{
	switch (f->kind) {
	case JSON_STRINGS:
		return (struct json_slot){ .kind = JSON_STRING, .member = item };
	case JSON_UINTS:
		return (struct json_slot){ .kind = JSON_UINT, .member = item };
	case JSON_MAP:
		item += offsetof(struct json_pair, value);
		return (struct json_slot){ .kind = JSON_STRING, .member = item };
	default:
		return (struct json_slot){ .kind = JSON_OBJECT, .type = f->type, .base = item };
	}
}

int json_frame_find_slot(struct json_reader *r, struct json_slot *ret_slot)
{
	struct json_frame *f = r->n_frames ? &r->frames[r->n_frames - 1] : NULL;

	*ret_slot = (struct json_slot){ .kind = JSON_IGNORED };
	if (r->ignored_at)
		return 1;
	if (!f) {
		*ret_slot =
			(struct json_slot){ .kind = JSON_OBJECT, .type = r->type, .base = r->out };
		return 1;
	}
	if (f->kind == JSON_OBJECT) {
		if (f->field)
			*ret_slot = (struct json_slot){ .kind = (int)f->field->kind,
							.member = f->base + f->field->offset,
							.field = f->field,
							.type = f->field->type };
		return 1;
	}
	/* An array's element is added here, that of a map was by its key. */
	char *item = has_keys(f) ? item_at(f, f->count - 1) : add_item(r, f);
	if (!item)
		return 0;
	*ret_slot = slot_of_item(f, item);
	return 1;
}

/* -- Keys -- */

static int object_key(struct json_reader *r, struct json_frame *f, const char *key, size_t n)
{
	const struct json_field *field = f->type->fields;

	while (field->key && (strlen(field->key) != n || memcmp(field->key, key, n) != 0))
		field++;
	f->field = NULL;
	if (!field->key)
		return 1;
	uint64_t bit = UINT64_C(1) << (field - f->type->fields);
	f->field = field;
	if (f->seen & bit)
		return json_frame_stop(r, "duplicate key");
	f->seen |= bit;
	f->given |= bit;
	return 1;
}

int json_frame_key(struct json_reader *r, const char *key, size_t n)
{
	struct json_frame *f = &r->frames[r->n_frames - 1];

	if (memchr(key, '\0', n))
		return json_frame_stop(r, "a key contains a NUL character");
	if (r->ignored_at)
		return 1;
	if (f->kind == JSON_OBJECT)
		return object_key(r, f, key, n);
	char *copy = arena_strndup(r->arena, key, n, r->err);
	char *item = copy ? add_item(r, f) : NULL;
	if (!item)
		return 0;
	memcpy(item, &copy, sizeof(copy));
	return 1;
}

int json_frame_null(struct json_reader *r)
{
	struct json_frame *f = r->n_frames ? &r->frames[r->n_frames - 1] : NULL;
	struct json_slot slot;

	if (r->ignored_at)
		return 1;
	if (f && f->kind == JSON_OBJECT) {
		if (f->field)
			f->given &= ~(UINT64_C(1) << (f->field - f->type->fields));
		return 1;
	}
	if (f && has_keys(f)) {
		f->count--;
		return 1;
	}
	return json_frame_find_slot(r, &slot) ? json_frame_stop_type(r, slot.kind, "null") : 0;
}

/* -- Beginning and end -- */

static size_t item_size(const struct json_field *field)
{
	switch (field->kind) {
	case JSON_STRINGS:
		return sizeof(char *);
	case JSON_UINTS:
		return sizeof(uint32_t);
	case JSON_MAP:
		return sizeof(struct json_pair);
	default:
		return field->type->size;
	}
}

static int push_collection(struct json_reader *r, const struct json_slot *slot)
{
	/* Only an object's member is a collection, so there is a frame. */
	char *base = r->frames[r->n_frames - 1].base;

	r->frames[r->n_frames++] = (struct json_frame){ .kind = slot->field->kind,
							.type = slot->type,
							.field = slot->field,
							.base = base,
							.item_size = item_size(slot->field) };
	return 1;
}

static int push_object(struct json_reader *r, const struct json_slot *slot)
{
	char *base = slot->base;

	if (!base) {
		base = arena_alloc(r->arena, slot->type->size, r->err);
		if (!base)
			return 0;
		if (slot->type->initial)
			memcpy(base, slot->type->initial, slot->type->size);
		memcpy(slot->member, &base, sizeof(base));
	}
	r->frames[r->n_frames++] =
		(struct json_frame){ .kind = JSON_OBJECT, .type = slot->type, .base = base };
	return 1;
}

int json_frame_begin(struct json_reader *r, const struct json_slot *slot, bool is_array)
{
	if (r->depth == JSON_DEPTH_MAX)
		return json_frame_stop(r, "nested more than %d levels deep", JSON_DEPTH_MAX);
	r->depth++;
	switch (slot->kind) {
	case JSON_IGNORED:
		if (!r->ignored_at)
			r->ignored_at = r->depth;
		return 1;
	case JSON_OBJECT:
		if (!is_array)
			return push_object(r, slot);
		break;
	case JSON_MAP:
	case JSON_NAMED:
		if (!is_array)
			return push_collection(r, slot);
		break;
	case JSON_STRINGS:
	case JSON_UINTS:
	case JSON_OBJECTS:
		if (is_array)
			return push_collection(r, slot);
		break;
	default:
		break;
	}
	return json_frame_stop_type(r, slot->kind, is_array ? "an array" : "an object");
}

static int end_object(struct json_reader *r, struct json_frame *f)
{
	for (const struct json_field *field = f->type->fields; field->key; field++) {
		if (!field->required || f->given >> (field - f->type->fields) & 1)
			continue;
		f->field = field;
		return json_frame_stop(r, "missing");
	}
	r->n_frames--;
	return 1;
}

static int compare_keys(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Sorted rather than compared pair by pair, because a foreign file may have a million keys. */
static int refuse_duplicates(struct json_reader *r, const struct json_frame *f)
{
	cleanup_free char **keys = calloc(f->count + 1, sizeof(char *));

	if (!keys) {
		error_memory(r->err);
		return 0;
	}
	for (size_t i = 0; i < f->count; i++)
		keys[i] = key_at(f, i);
	qsort(keys, f->count, sizeof(char *), compare_keys);
	for (size_t i = 1; i < f->count; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return json_frame_stop(r, "duplicate key \"%.64s\"", keys[i]);
	return 1;
}

/* Moves the elements from the heap to the arena, with zeroes behind the last. */
static int end_collection(struct json_reader *r, const struct json_frame *f)
{
	cleanup_free void *old = f->items;

	r->n_frames--;
	if (has_keys(f) && !refuse_duplicates(r, f))
		return 0;
	void *items = arena_array(r->arena, f->count + 1, f->item_size, r->err);
	if (!items)
		return 0;
	if (f->count)
		memcpy(items, old, f->count * f->item_size);
	memcpy(f->base + f->field->offset, &items, sizeof(items));
	memcpy(f->base + f->field->count, &f->count, sizeof(f->count));
	return 1;
}

int json_frame_end(struct json_reader *r)
{
	struct json_frame *f = &r->frames[r->n_frames - 1];
	bool ignored = r->ignored_at != 0;

	if (r->depth == r->ignored_at)
		r->ignored_at = 0;
	r->depth--;
	if (ignored)
		return 1;
	return f->kind == JSON_OBJECT ? end_object(r, f) : end_collection(r, f);
}

void json_frame_done(struct json_reader *r)
{
	while (r->n_frames)
		free(r->frames[--r->n_frames].items);
}
