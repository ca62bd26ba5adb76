/* SPDX-License-Identifier: Apache-2.0 */
/* Members of requests and responses. */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/rustbox/api/api_parts.h"
#include "cmd/rustbox/format/format.h"

int(api_blame)(struct error *err)
{
	err->code = API_INVALID;
	return -1;
}

int(api_refuse)(struct error *err, const char *format, ...)
{
	char text[ERROR_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)error_set(err, 0, "%s", text);
	return api_blame(err);
}

static const struct value *find(const struct api_call *call, const char *key)
{
	for (size_t i = 0; i < call->request->n; i++)
		if (strcmp(call->request->keys[i], key) == 0 &&
		    call->request->items[i]->kind != VALUE_NULL)
			return call->request->items[i];
	return NULL;
}

int api_text(const struct api_call *call, const char *key, bool is_needed, const char **ret,
	     struct error *err)
{
	const struct value *value = find(call, key);

	*ret = NULL;
	if (!value && is_needed)
		return api_refuse(err, "the member \"%s\" is missing", key);
	if (!value)
		return 0;
	if (value->kind != VALUE_TEXT)
		return api_refuse(err, "the member \"%s\" is not a text", key);
	*ret = value->text;
	return 0;
}

int api_bool(const struct api_call *call, const char *key, bool fallback, bool *ret,
	     struct error *err)
{
	const struct value *value = find(call, key);

	*ret = fallback;
	if (!value)
		return 0;
	if (value->kind != VALUE_BOOL)
		return api_refuse(err, "the member \"%s\" is not true or false", key);
	*ret = value->truth;
	return 0;
}

int api_number(const struct api_call *call, const char *key, int64_t fallback, int64_t *ret,
	       struct error *err)
{
	const struct value *value = find(call, key);

	*ret = fallback;
	if (!value)
		return 0;
	if (value->kind != VALUE_NUMBER || !str_to_int(value->text, INT64_MIN, INT64_MAX, ret))
		return api_refuse(err, "the member \"%s\" is not a whole number", key);
	return 0;
}

int api_signal(const struct api_call *call, const char *key, int *ret, struct error *err)
{
	const struct value *value = find(call, key);

	*ret = 0;
	if (!value)
		return 0;
	if (value->kind != VALUE_TEXT && value->kind != VALUE_NUMBER)
		return api_refuse(err, "the member \"%s\" is no signal", key);
	return format_read_signal(value->text, ret, err) < 0 ? api_blame(err) : 0;
}

int api_texts(const struct api_call *call, const char *key, char ***ret, size_t *ret_n,
	      struct error *err)
{
	const struct value *value = find(call, key);

	*ret = NULL;
	*ret_n = 0;
	if (!value)
		return 0;
	if (value->kind != VALUE_LIST)
		return api_refuse(err, "the member \"%s\" is not a list", key);
	char **texts = arena_array(call->arena, value->n + 1, sizeof(*texts), err);
	if (!texts)
		return -1;
	for (size_t i = 0; i < value->n; i++) {
		if (value->items[i]->kind != VALUE_TEXT)
			return api_refuse(err, "the member \"%s\" is not a list of texts", key);
		texts[i] = arena_strdup(call->arena, value->items[i]->text, err);
		if (!texts[i])
			return -1;
	}
	*ret = texts;
	*ret_n = value->n;
	return 0;
}

int api_check_members(const struct api_call *call, const char *const *known, struct error *err)
{
	for (size_t i = 0; i < call->request->n; i++) {
		const char *key = call->request->keys[i];
		const char *const *k = known;
		if (strcmp(key, "type") == 0)
			continue;
		while (*k && strcmp(*k, key) != 0)
			k++;
		if (!*k)
			return api_refuse(err, "the member \"%.200s\" is not known", key);
	}
	return 0;
}

int api_add_text(const struct api_call *call, const char *key, const char *text, struct error *err)
{
	return value_add(call->response, key, value_text(call->arena, text, err), call->arena, err);
}

int api_add_number(const struct api_call *call, const char *key, int64_t number, struct error *err)
{
	return value_add(call->response, key, value_number(call->arena, number, err), call->arena,
			 err);
}

int api_send(const struct api_call *call, const struct value *value, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;

	value_write(&text, value, false);
	if (text.failed)
		return error_memory(err);
	return frame_write(call->peer, text.text, text.size, err);
}
