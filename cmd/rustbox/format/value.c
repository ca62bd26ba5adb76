/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/format/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/json.h"
#include "oci/json_parse.h"
#include "oci/json_text.h"

/* ---- building ---- */

static struct value *new_value(struct arena *arena, enum value_kind kind, struct error *err)
{
	struct value *value = arena_alloc(arena, sizeof(*value), err);

	if (value)
		value->kind = kind;
	return value;
}

struct value *value_object(struct arena *arena, struct error *err)
{
	return new_value(arena, VALUE_OBJECT, err);
}

struct value *value_list(struct arena *arena, struct error *err)
{
	return new_value(arena, VALUE_LIST, err);
}

static struct value *new_text(struct arena *arena, enum value_kind kind, const char *text,
			      size_t size, struct error *err)
{
	struct value *value = new_value(arena, kind, err);

	if (value)
		value->text = arena_strndup(arena, text, size, err);
	return value && value->text ? value : NULL;
}

struct value *value_text(struct arena *arena, const char *text, struct error *err)
{
	if (!text)
		text = "";
	return new_text(arena, VALUE_TEXT, text, strlen(text), err);
}

struct value *value_number(struct arena *arena, int64_t number, struct error *err)
{
	char text[24];
	int size = snprintf(text, sizeof(text), "%" PRId64, number);

	return new_text(arena, VALUE_NUMBER, text, (size_t)size, err);
}

struct value *value_bool(struct arena *arena, bool truth, struct error *err)
{
	struct value *value = new_value(arena, VALUE_BOOL, err);

	if (value)
		value->truth = truth;
	return value;
}

/* Doubles the room for members; what they had stays in the arena. */
static int grow(struct value *value, struct arena *arena, struct error *err)
{
	size_t capacity = value->capacity ? 2 * value->capacity : 8;
	struct value **items;
	const char **keys;

	items = arena_array(arena, capacity, sizeof(*items), err);
	keys = value->kind == VALUE_OBJECT ? arena_array(arena, capacity, sizeof(*keys), err)
					   : NULL;
	if (!items || (value->kind == VALUE_OBJECT && !keys))
		return -1;
	if (value->n) {
		memcpy(items, value->items, value->n * sizeof(*items));
		if (keys)
			memcpy(keys, value->keys, value->n * sizeof(*keys));
	}
	value->items = items;
	value->keys = keys;
	value->capacity = capacity;
	return 0;
}

static int make_room(struct value *value, struct arena *arena, struct error *err)
{
	return value->n < value->capacity ? 0 : grow(value, arena, err);
}

static struct value *member(const struct value *object, const char *key, size_t size)
{
	for (size_t i = 0; i < object->n; i++)
		if (strlen(object->keys[i]) == size && memcmp(object->keys[i], key, size) == 0)
			return object->items[i];
	return NULL;
}

/* Whether it has the key already nobody looks. */
static int add_member(struct value *object, const char *key, struct value *value,
		      struct arena *arena, struct error *err)
{
	if (make_room(object, arena, err) < 0 || !object->keys)
		return -1;
	object->keys[object->n] = key;
	object->items[object->n++] = value;
	return 0;
}

int value_add(struct value *object, const char *key, struct value *value, struct arena *arena,
	      struct error *err)
{
	if (!object || !value)
		return -1;
	if (object->kind != VALUE_OBJECT)
		return error_set(err, 0, "%s: only an object has members", key);
	for (size_t i = 0; i < object->n; i++)
		if (strcmp(object->keys[i], key) == 0) {
			object->items[i] = value;
			return 0;
		}
	const char *copy = arena_strdup(arena, key, err);
	return copy ? add_member(object, copy, value, arena, err) : -1;
}

int value_append(struct value *list, struct value *value, struct arena *arena, struct error *err)
{
	if (!list || !value || make_room(list, arena, err) < 0)
		return -1;
	list->items[list->n++] = value;
	return 0;
}

const struct value *value_get(const struct value *object, const char *path)
{
	while (object && object->kind == VALUE_OBJECT) {
		size_t size = strcspn(path, ".");
		object = member(object, path, size);
		if (!path[size])
			return object;
		path += size + 1;
	}
	return NULL;
}

/* ---- reading ---- */

struct reading {
	struct arena *arena;
	struct error *err;
	struct value *root;
	struct value *open[JSON_DEPTH_MAX]; /* lists and objects that have not ended */
	const char *keys[JSON_DEPTH_MAX];   /* of the member that comes next */
	size_t depth;
	bool strict; /* no key twice */
	bool failed; /* err is set */
};

static int fail(struct reading *reading)
{
	reading->failed = true;
	return 0;
}

/* 1 to go on, 0 to stop, as yajl wants it. */
static int put(struct reading *reading, struct value *value)
{
	struct value *parent = reading->depth ? reading->open[reading->depth - 1] : NULL;
	int result = 0;

	if (!value)
		return fail(reading);
	if (!parent)
		reading->root = value;
	else if (parent->kind == VALUE_LIST)
		result = value_append(parent, value, reading->arena, reading->err);
	else if (reading->strict)
		result = add_member(parent, reading->keys[reading->depth - 1], value,
				    reading->arena, reading->err);
	else
		result = value_add(parent, reading->keys[reading->depth - 1], value, reading->arena,
				   reading->err);
	return result < 0 ? fail(reading) : 1;
}

static int begin(struct reading *reading, enum value_kind kind)
{
	struct value *value = new_value(reading->arena, kind, reading->err);

	if (reading->depth == JSON_DEPTH_MAX) {
		(void)error_set(reading->err, 0, "nested deeper than %d", JSON_DEPTH_MAX);
		return fail(reading);
	}
	if (!put(reading, value))
		return 0;
	reading->open[reading->depth++] = value;
	return 1;
}

static int on_null(void *data)
{
	struct reading *reading = data;

	return put(reading, new_value(reading->arena, VALUE_NULL, reading->err));
}

static int on_bool(void *data, int truth)
{
	struct reading *reading = data;

	return put(reading, value_bool(reading->arena, truth, reading->err));
}

static int on_number(void *data, const char *text, size_t size)
{
	struct reading *reading = data;

	return put(reading, new_text(reading->arena, VALUE_NUMBER, text, size, reading->err));
}

/* A text would end there, and mean something else. */
static bool has_nul(struct reading *reading, const unsigned char *text, size_t size)
{
	if (size == 0 || !memchr(text, 0, size))
		return false;
	(void)error_set(reading->err, 0, "no JSON that we take: a text that holds a NUL");
	return true;
}

static int on_text(void *data, const unsigned char *text, size_t size)
{
	struct reading *reading = data;

	if (has_nul(reading, text, size))
		return fail(reading);
	return put(reading,
		   new_text(reading->arena, VALUE_TEXT, (const char *)text, size, reading->err));
}

static int on_key(void *data, const unsigned char *text, size_t size)
{
	struct reading *reading = data;
	const char *key = NULL;

	if (!has_nul(reading, text, size))
		key = arena_strndup(reading->arena, (const char *)text, size, reading->err);
	if (!key)
		return fail(reading);
	reading->keys[reading->depth - 1] = key;
	return 1;
}

static int on_object(void *data)
{
	return begin(data, VALUE_OBJECT);
}

static int on_list(void *data)
{
	return begin(data, VALUE_LIST);
}

static int on_end(void *data)
{
	((struct reading *)data)->depth--;
	return 1;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_keys(struct reading *reading, const struct value *object)
{
	const char **sorted = arena_array(reading->arena, object->n, sizeof(*sorted), reading->err);

	if (!sorted)
		return fail(reading);
	memcpy(sorted, object->keys, object->n * sizeof(*sorted));
	qsort(sorted, object->n, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < object->n; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0) {
			(void)error_set(reading->err, 0, "the member \"%.200s\" twice", sorted[i]);
			return fail(reading);
		}
	return 1;
}

static int on_object_end(void *data)
{
	struct reading *reading = data;
	const struct value *object = reading->open[--reading->depth];

	return reading->strict && object->n > 1 ? check_keys(reading, object) : 1;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_text,
	.yajl_start_map = on_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_object_end,
	.yajl_start_array = on_list,
	.yajl_end_array = on_end,
};

static struct value *read_document(struct reading *reading, const char *text, size_t size)
{
	if (json_parse(text, size, &callbacks, reading, reading->err) == 0)
		return reading->root;
	if (!reading->failed)
		(void)error_wrap(reading->err, "no JSON");
	return NULL;
}

struct value *value_read(const char *text, size_t size, struct arena *arena, struct error *err)
{
	struct reading reading = { .arena = arena, .err = err };

	return read_document(&reading, text, size);
}

struct value *value_read_strict(const char *text, size_t size, struct arena *arena,
				struct error *err)
{
	struct reading reading = { .arena = arena, .err = err, .strict = true };

	return read_document(&reading, text, size);
}

/* ---- writing ---- */

/* Names of files, and messages with them, may be of any bytes; JSON is UTF-8. */
static void write_text(struct str *out, const char *text)
{
	size_t left = strlen(text);

	str_add(out, "\"");
	for (;;) {
		size_t valid = json_text_utf8(text, left);
		json_text_add(out, text, valid);
		if (valid == left)
			break;
		str_add(out, "\\ufffd");
		text += valid + 1;
		left -= valid + 1;
	}
	str_add(out, "\"");
}

static void new_line(struct str *out, bool indent, size_t depth)
{
	if (!indent)
		return;
	str_add(out, "\n");
	for (size_t i = 0; i < depth; i++)
		str_add(out, "    ");
}

/* The depth is that of a value that was read, or built by ourselves: bounded. */
// NOLINTNEXTLINE(misc-no-recursion)
static void write_value(struct str *out, const struct value *value, bool indent, size_t depth)
{
	bool is_object = value->kind == VALUE_OBJECT;

	if (value->kind == VALUE_NULL) {
		str_add(out, "null");
	} else if (value->kind == VALUE_BOOL) {
		str_add(out, value->truth ? "true" : "false");
	} else if (value->kind == VALUE_NUMBER) {
		str_add(out, value->text);
	} else if (value->kind == VALUE_TEXT) {
		write_text(out, value->text);
	} else {
		str_add(out, is_object ? "{" : "[");
		for (size_t i = 0; i < value->n; i++) {
			if (i)
				str_add(out, ",");
			new_line(out, indent, depth + 1);
			if (is_object) {
				write_text(out, value->keys[i]);
				str_add(out, indent ? ": " : ":");
			}
			write_value(out, value->items[i], indent, depth + 1);
		}
		if (value->n)
			new_line(out, indent, depth);
		str_add(out, is_object ? "}" : "]");
	}
}

void value_write(struct str *out, const struct value *value, bool indent)
{
	write_value(out, value, indent, 0);
	if (indent)
		str_add(out, "\n");
}
