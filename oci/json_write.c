/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer: walks the same tables as the reader. It recurses, as deep as the
 * tables are nested.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "oci/json.h"
#include "oci/json_text.h"

struct writer {
	struct str text;
	bool indents;
	size_t depth;
	struct error *err;
};

static int put_object(struct writer *w, const struct json_type *type, const char *base);

static void *pointer_at(const char *member)
{
	void *value;

	memcpy(&value, member, sizeof(value));
	return value;
}

/* ---- layout ------------------------------------------------------------------------------- */

static void new_line(struct writer *w)
{
	if (!w->indents)
		return;
	str_add(&w->text, "\n");
	for (size_t i = 0; i < w->depth; i++)
		str_add(&w->text, "  ");
}

static void open_bracket(struct writer *w, char bracket)
{
	str_add_bytes(&w->text, &bracket, 1);
	w->depth++;
}

/* Before each item of an object or array. */
static void begin_item(struct writer *w, bool is_first)
{
	if (!is_first)
		str_add(&w->text, ",");
	new_line(w);
}

/* An empty one stays in a line. */
static void close_bracket(struct writer *w, char bracket, bool is_empty)
{
	w->depth--;
	if (!is_empty)
		new_line(w);
	str_add_bytes(&w->text, &bracket, 1);
}

static void put_quoted(struct writer *w, const char *text, size_t n)
{
	str_add(&w->text, "\"");
	json_text_add(&w->text, text, n);
	str_add(&w->text, "\"");
}

/* Between a key and its value. */
static void put_colon(struct writer *w)
{
	str_add(&w->text, w->indents ? ": " : ":");
}

/* ---- values ------------------------------------------------------------------------------- */

/* Whatever is not valid UTF-8 could not be read back. */
static int put_text(struct writer *w, const char *key, const char *text)
{
	size_t n;

	if (!text)
		return error_set(w->err, 0, "%s: missing", key);
	n = strlen(text);
	if (json_text_utf8(text, n) < n)
		return error_set(w->err, 0, "%s: \"%.200s\" is not valid UTF-8", key, text);
	put_quoted(w, text, n);
	return 0;
}

static void put_unsigned(struct writer *w, uint64_t value)
{
	str_add_format(&w->text, "%" PRIu64, value);
}

static void put_signed(struct writer *w, int64_t value)
{
	str_add_format(&w->text, "%" PRId64, value);
}

static uint64_t unsigned_at(const struct json_field *field, const char *member)
{
	switch (field->size) {
	case sizeof(uint16_t):
		return *(const uint16_t *)(const void *)member;
	case sizeof(uint32_t):
		return *(const uint32_t *)(const void *)member;
	default:
		return *(const uint64_t *)(const void *)member;
	}
}

static int64_t signed_at(const struct json_field *field, const char *member)
{
	if (field->size == sizeof(int32_t))
		return *(const int32_t *)(const void *)member;
	return *(const int64_t *)(const void *)member;
}

/* A number or truth value that is not required is left out when reading would yield it anyway. */
static bool is_default(const struct json_type *type, const struct json_field *field,
		       const char *member)
{
	static const char zeroes[sizeof(uint64_t)];
	const char *initial = type->initial;

	return !field->required &&
	       memcmp(member, initial ? initial + field->offset : zeroes, field->size) == 0;
}

static bool is_absent(const struct json_type *type, const struct json_field *field,
		      const char *base)
{
	const char *member = base + field->offset;

	switch (field->kind) {
	case JSON_ENUM:
		return false;
	case JSON_OPT_INT:
		return !((const struct json_int *)(const void *)member)->set;
	case JSON_OPT_UINT:
		return !((const struct json_uint *)(const void *)member)->set;
	case JSON_BOOL:
	case JSON_INT:
	case JSON_UINT:
		return is_default(type, field, member);
	default:
		return !field->required && !pointer_at(member);
	}
}

static int put_scalar(struct writer *w, const struct json_field *field, const char *member)
{
	switch (field->kind) {
	case JSON_STRING:
		return put_text(w, field->key, pointer_at(member));
	case JSON_ENUM:
		return put_text(w, field->key, field->names[*(const int *)(const void *)member]);
	case JSON_BOOL:
		str_add(&w->text, *(const bool *)member ? "true" : "false");
		return 0;
	case JSON_INT:
		put_signed(w, signed_at(field, member));
		return 0;
	case JSON_OPT_INT:
		put_signed(w, ((const struct json_int *)(const void *)member)->value);
		return 0;
	case JSON_UINT:
		put_unsigned(w, unsigned_at(field, member));
		return 0;
	default:
		put_unsigned(w, ((const struct json_uint *)(const void *)member)->value);
		return 0;
	}
}

static int put_pair(struct writer *w, const struct json_field *field, const struct json_pair *pair)
{
	if (put_text(w, field->key, pair->key) < 0)
		return -1;
	put_colon(w);
	return put_text(w, pair->key, pair->value);
}

/* One element of a collection. */
static int put_item(struct writer *w, const struct json_field *field, const char *items, size_t i)
{
	const char *item;

	switch (field->kind) {
	case JSON_STRINGS:
		return put_text(w, field->key, pointer_at(items + i * sizeof(char *)));
	case JSON_UINTS:
		put_unsigned(w, ((const uint32_t *)(const void *)items)[i]);
		return 0;
	case JSON_MAP:
		return put_pair(w, field, (const struct json_pair *)(const void *)items + i);
	default:
		item = items + i * field->type->size;
		if (field->kind == JSON_NAMED && put_text(w, field->key, pointer_at(item)) < 0)
			return -1;
		if (field->kind == JSON_NAMED)
			put_colon(w);
		return put_object(w, field->type, item);
	}
}

static int put_collection(struct writer *w, const struct json_field *field, const char *items,
			  size_t count)
{
	bool is_map = field->kind == JSON_MAP || field->kind == JSON_NAMED;

	open_bracket(w, is_map ? '{' : '[');
	for (size_t i = 0; i < count; i++) {
		begin_item(w, i == 0);
		if (put_item(w, field, items, i) < 0)
			return -1;
	}
	close_bracket(w, is_map ? '}' : ']', count == 0);
	return 0;
}

static int put_member(struct writer *w, const struct json_field *field, const char *base)
{
	const char *member = base + field->offset;
	size_t count;

	switch (field->kind) {
	case JSON_STRINGS:
	case JSON_UINTS:
	case JSON_MAP:
	case JSON_OBJECTS:
	case JSON_NAMED:
		memcpy(&count, base + field->count, sizeof(count));
		return put_collection(w, field, pointer_at(member), count);
	case JSON_OBJECT:
		return put_object(w, field->type, pointer_at(member));
	default:
		return put_scalar(w, field, member);
	}
}

static int put_object(struct writer *w, const struct json_type *type, const char *base)
{
	bool is_empty = true;

	open_bracket(w, '{');
	for (const struct json_field *field = type->fields; field->key; field++) {
		if (is_absent(type, field, base))
			continue;
		begin_item(w, is_empty);
		is_empty = false;
		put_quoted(w, field->key, strlen(field->key));
		put_colon(w);
		if (put_member(w, field, base) < 0)
			return -1;
	}
	close_bracket(w, '}', is_empty);
	return 0;
}

char *json_write(const struct json_type *type, const void *in, bool indent, struct error *err)
{
	struct writer w = { .text = STR_EMPTY, .indents = indent, .err = err };
	char *text = NULL;

	if (put_object(&w, type, in) == 0) {
		if (indent)
			str_add(&w.text, "\n");
		text = str_take(&w.text, err);
	}
	str_done(&w.text);
	return text;
}
