/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RunRequest and CreateRequest. Their members are the options of `rustbox run`,
 * by the same table: "cap_add": ["NET_ADMIN"] is --cap-add NET_ADMIN.
 */
#include <string.h>

#include "base/fd.h"
#include "cmd/rustbox/api/api_parts.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/stream/stream.h"

static const struct option_row rows[] = {
	CREATE_OPTION_ROWS,
	{ NULL },
};

/* More than execve(2) takes; what follows compares each with all others. */
enum { WORDS_MAX = 65536 };

struct words {
	char **items;
	size_t n, capacity;
};

static int add_word(struct words *words, char *word, struct arena *arena, struct error *err)
{
	if (!word)
		return -1;
	if (words->n == WORDS_MAX)
		return api_refuse(err, "more than %d options and arguments", WORDS_MAX);
	if (words->n + 1 >= words->capacity) {
		size_t capacity = words->capacity ? 2 * words->capacity : 32;
		char **items = arena_array(arena, capacity, sizeof(*items), err);
		if (!items)
			return -1;
		if (words->n)
			memcpy(items, words->items, words->n * sizeof(*items));
		words->items = items;
		words->capacity = capacity;
	}
	words->items[words->n++] = word;
	return 0;
}

/* "cap_add" is the row "cap-add". */
static bool is_row_of(const struct option_row *row, const char *key)
{
	const char *p = row->name;

	for (; *p && *key; p++, key++)
		if ((*p == '-' ? '_' : *p) != *key)
			return false;
	return !*p && !*key;
}

static int add_option(struct words *words, const struct option_row *row, const struct value *value,
		      struct arena *arena, struct error *err)
{
	if (value->kind == VALUE_BOOL && row->kind == OPTION_FLAG)
		return add_word(words,
				arena_format(arena, err, "--%s=%s", row->name,
					     value->truth ? "true" : "false"),
				arena, err);
	if ((value->kind == VALUE_TEXT || value->kind == VALUE_NUMBER) && row->kind != OPTION_FLAG)
		return add_word(words, arena_format(arena, err, "--%s=%s", row->name, value->text),
				arena, err);
	return api_refuse(err, "the member for --%s is of the wrong type", row->name);
}

static int add_member(struct words *words, const char *key, const struct value *value,
		      struct arena *arena, struct error *err)
{
	const struct option_row *row = rows;

	while (row->name && !is_row_of(row, key))
		row++;
	if (!row->name)
		return api_refuse(err, "the member \"%.200s\" is not known", key);
	if (value->kind == VALUE_NULL)
		return 0;
	if (value->kind != VALUE_LIST)
		return add_option(words, row, value, arena, err);
	for (size_t i = 0; i < value->n; i++)
		if (add_option(words, row, value->items[i], arena, err) < 0)
			return -1;
	return 0;
}

static int read_request(const struct api_call *call, const char *const *others,
			struct create_options *ret, char ***ret_args, struct error *err)
{
	struct words words = { 0 };
	char **command, **rest;
	size_t n;

	if (add_word(&words, arena_strdup(call->arena, "run", err), call->arena, err) < 0)
		return -1;
	for (size_t i = 0; i < call->request->n; i++) {
		const char *key = call->request->keys[i];
		const char *const *other = others;
		while (*other && strcmp(*other, key) != 0)
			other++;
		if (!*other &&
		    add_member(&words, key, call->request->items[i], call->arena, err) < 0)
			return -1;
	}
	if (api_texts(call, "command", &command, &n, err) < 0 ||
	    add_word(&words, arena_strdup(call->arena, "--", err), call->arena, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_word(&words, command[i], call->arena, err) < 0)
			return -1;
	words.items[words.n] = NULL;
	if (options_parse(rows, OPTIONS_FIRST, words.items, ret, call->arena, &rest, err) != 0)
		return api_blame(err);
	*ret_args = rest;
	return 0;
}

static int create(const struct api_call *call, struct record **ret,
		  struct container_start *ret_start, struct error *err)
{
	static const char *const others[] = { "type", "command", NULL };
	struct create_options options = { 0 };
	char **args;

	if (read_request(call, others, &options, &args, err) < 0)
		return -1;
	/* Without an errno it is what the options say. */
	if (containers_create(call->store, &options, args, call->arena, ret, ret_start, err) < 0)
		return err->code ? -1 : api_blame(err);
	if (api_add_text(call, "id", (*ret)->id, err) < 0 ||
	    api_add_text(call, "name", (*ret)->name, err) < 0)
		return -1;
	return 0;
}

int api_create(const struct api_call *call, struct error *err)
{
	struct record *record;

	return create(call, &record, NULL, err);
}

int api_run(const struct api_call *call, struct error *err)
{
	const struct stream_attach attach = { .from = STREAM_FROM_START };
	cleanup_container_start struct container_start made = CONTAINER_START_NONE;
	cleanup_fd int socket = -1;
	struct error ignored;
	struct record *record;

	if (create(call, &record, &made, err) < 0)
		return -1;
	if (containers_start_made(call->store, record, &made, &attach, &socket, err) == 0)
		return 0;
	container_start_done(&made);
	if (record->auto_remove)
		(void)containers_remove(call->store, record->id, true, true, &ignored);
	return -1;
}
