/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader. yajl calls back for each token; the frames (json_frame.h) know
 * where a value goes. The callbacks get lengths, so that no text is cut at a
 * NUL, and nothing recurses, so that nesting costs no stack.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "oci/json_frame.h"
#include "oci/json_parse.h"

static int read_enum(struct json_reader *r, const struct json_slot *slot, const char *text,
		     size_t n)
{
	const char *const *names = slot->field->names;
	cleanup_str struct str known = STR_EMPTY;

	for (int i = 0; names[i]; i++) {
		if (strlen(names[i]) == n && memcmp(names[i], text, n) == 0) {
			*(int *)slot->member = i;
			return 1;
		}
		str_add_format(&known, "%s%s", i ? ", " : "", names[i]);
	}
	return json_frame_stop(r, "\"%.*s\" is none of %s", n > 64 ? 64 : (int)n, text, known.text);
}

static int read_string(struct json_reader *r, const struct json_slot *slot, const char *text,
		       size_t n)
{
	if (n == 0 && slot->field && !slot->field->required)
		return 1;
	char *copy = arena_strndup(r->arena, text, n, r->err);
	if (!copy)
		return 0;
	*(char **)slot->member = copy;
	return 1;
}

static int read_signed(struct json_reader *r, const struct json_slot *slot, const char *digits)
{
	bool narrow = slot->kind == JSON_INT && slot->field->size == sizeof(int32_t);
	int64_t low = narrow ? INT32_MIN : INT64_MIN, high = narrow ? INT32_MAX : INT64_MAX;
	int64_t value;

	if (!str_to_int(digits, low, high, &value))
		return json_frame_stop(r, "%s is out of range (%" PRId64 " to %" PRId64 ")", digits,
				       low, high);
	if (slot->kind == JSON_OPT_INT)
		*(struct json_int *)slot->member = (struct json_int){ true, value };
	else if (narrow)
		*(int32_t *)slot->member = (int32_t)value;
	else
		*(int64_t *)slot->member = value;
	return 1;
}

static int read_unsigned(struct json_reader *r, const struct json_slot *slot, const char *digits)
{
	/* An array's element has no field. */
	size_t size = slot->field ? slot->field->size : sizeof(uint32_t);
	uint64_t max = slot->field ? slot->field->max : 0, value;

	if (slot->kind == JSON_OPT_UINT)
		size = sizeof(uint64_t);
	if (!max)
		max = UINT64_MAX >> (64 - 8 * size);
	if (!str_to_uint(digits, 10, max, &value))
		return json_frame_stop(r, "%s is out of range (0 to %" PRIu64 ")", digits, max);
	if (slot->kind == JSON_OPT_UINT)
		*(struct json_uint *)slot->member = (struct json_uint){ true, value };
	else if (size == sizeof(uint16_t))
		*(uint16_t *)slot->member = (uint16_t)value;
	else if (size == sizeof(uint32_t))
		*(uint32_t *)slot->member = (uint32_t)value;
	else
		*(uint64_t *)slot->member = value;
	return 1;
}

static int on_null(void *data)
{
	return json_frame_null(data);
}

static int on_boolean(void *data, int value)
{
	struct json_reader *r = data;
	struct json_slot slot;

	if (!json_frame_find_slot(r, &slot))
		return 0;
	if (slot.kind == JSON_IGNORED)
		return 1;
	if (slot.kind != JSON_BOOL)
		return json_frame_stop_type(r, slot.kind, value ? "true" : "false");
	*(bool *)slot.member = value;
	return 1;
}

static int on_number(void *data, const char *text, size_t n)
{
	struct json_reader *r = data;
	struct json_slot slot;
	char digits[48];

	if (!json_frame_find_slot(r, &slot))
		return 0;
	if (slot.kind == JSON_IGNORED)
		return 1;
	bool is_signed = slot.kind == JSON_INT || slot.kind == JSON_OPT_INT;
	if (!is_signed && slot.kind != JSON_UINT && slot.kind != JSON_OPT_UINT)
		return json_frame_stop_type(r, slot.kind, "a number");
	/* A number too long for the buffer is too great for any type, cut or not. */
	(void)snprintf(digits, sizeof(digits), "%.*s", n > 40 ? 40 : (int)n, text);
	if (digits[strspn(digits, "-0123456789")])
		return json_frame_stop_type(r, slot.kind, digits);
	return is_signed ? read_signed(r, &slot, digits) : read_unsigned(r, &slot, digits);
}

static int on_string(void *data, const unsigned char *bytes, size_t n)
{
	struct json_reader *r = data;
	const char *text = (const char *)bytes;
	struct json_slot slot;

	if (!json_frame_find_slot(r, &slot))
		return 0;
	if (memchr(text, '\0', n))
		return json_frame_stop(r, "contains a NUL character");
	if (slot.kind == JSON_IGNORED)
		return 1;
	if (slot.kind == JSON_ENUM)
		return read_enum(r, &slot, text, n);
	if (slot.kind == JSON_STRING)
		return read_string(r, &slot, text, n);
	return json_frame_stop_type(r, slot.kind, "a string");
}

static int on_key(void *data, const unsigned char *key, size_t n)
{
	return json_frame_key(data, (const char *)key, n);
}

static int on_start_map(void *data)
{
	struct json_slot slot;

	return json_frame_find_slot(data, &slot) && json_frame_begin(data, &slot, false);
}

static int on_start_array(void *data)
{
	struct json_slot slot;

	return json_frame_find_slot(data, &slot) && json_frame_begin(data, &slot, true);
}

static int on_end(void *data)
{
	return json_frame_end(data);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};

int json_read(const struct json_type *type, const char *text, size_t size, void *out,
	      struct arena *arena, struct error *err)
{
	struct json_reader r = { .arena = arena, .err = err, .type = type, .out = out };

	int result = json_parse(text, size, &callbacks, &r, err);

	json_frame_done(&r);
	return result;
}
