/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fields_value(struct fields *fields, const char *key, struct value *value)
{
	if (!fields->object && !fields->failed)
		fields->object = value_object(fields->arena, fields->err);
	if (fields->failed || value_add(fields->object, key, value, fields->arena, fields->err) < 0)
		fields->failed = true;
}

void fields_text(struct fields *fields, const char *key, const char *text)
{
	fields_value(fields, key, value_text(fields->arena, text, fields->err));
}

void fields_format(struct fields *fields, const char *key, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		fields->failed = true;
		(void)error_memory(fields->err);
	}
	va_end(args);
	fields_text(fields, key, text);
}

void fields_number(struct fields *fields, const char *key, int64_t number)
{
	fields_value(fields, key, value_number(fields->arena, number, fields->err));
}

void fields_bool(struct fields *fields, const char *key, bool truth)
{
	fields_value(fields, key, value_bool(fields->arena, truth, fields->err));
}

void fields_texts(struct fields *fields, const char *key, char *const *texts, size_t n)
{
	struct value *list = value_list(fields->arena, fields->err);

	for (size_t i = 0; i < n; i++)
		if (value_append(list, value_text(fields->arena, texts[i], fields->err),
				 fields->arena, fields->err) < 0)
			fields->failed = true;
	fields_value(fields, key, list);
}

void fields_pairs(struct fields *fields, const char *key, const struct json_pair *pairs, size_t n)
{
	struct fields map = { .arena = fields->arena, .err = fields->err };

	for (size_t i = 0; i < n; i++)
		fields_text(&map, pairs[i].key, pairs[i].value);
	fields_value(fields, key, fields_end(&map));
}

void fields_joined(struct fields *fields, const char *key, const struct json_pair *pairs, size_t n)
{
	cleanup_str struct str s = STR_EMPTY;

	for (size_t i = 0; i < n; i++)
		str_add_format(&s, "%s%s=%s", i ? "," : "", pairs[i].key, pairs[i].value);
	fields_text(fields, key, s.text);
}

void fields_json(struct fields *fields, const char *key, const struct json_type *type,
		 const void *in)
{
	cleanup_free char *text = json_write(type, in, false, fields->err);

	fields_value(fields, key,
		     text ? value_read(text, strlen(text), fields->arena, fields->err) : NULL);
}

struct value *fields_end(struct fields *fields)
{
	struct value *object = fields->object;

	if (fields->failed)
		return NULL;
	fields->object = NULL;
	return object ? object : value_object(fields->arena, fields->err);
}

int fields_print(const struct str *text)
{
	(void)fputs(text->text ? text->text : "", stdout);
	return 0;
}
