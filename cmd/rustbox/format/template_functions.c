/* SPDX-License-Identifier: Apache-2.0 */
/* What values are worth in templates, and the functions that these know. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/format/template_parts.h"

const struct value template_missing = { .kind = VALUE_NULL };
static const struct value empty = { .kind = VALUE_TEXT, .text = (char[]){ "" } };

/* ---- what values mean ---- */

bool template_is_true(const struct value *value)
{
	switch (value->kind) {
	case VALUE_BOOL:
		return value->truth;
	case VALUE_NUMBER:
		return strtod(value->text, NULL) != 0;
	case VALUE_TEXT:
		return *value->text != 0;
	case VALUE_LIST:
	case VALUE_OBJECT:
		return value->n > 0;
	default:
		return false;
	}
}

/* As Go prints them: lists as [a b], objects as map[k:v]. */
// NOLINTNEXTLINE(misc-no-recursion): values have a bounded depth
void template_show(struct str *out, const struct value *value)
{
	if (value == &template_missing || value->kind == VALUE_NULL) {
		str_add(out, value == &template_missing ? "<no value>" : "<nil>");
	} else if (value->kind == VALUE_TEXT || value->kind == VALUE_NUMBER) {
		str_add(out, value->text);
	} else if (value->kind == VALUE_BOOL) {
		str_add(out, value->truth ? "true" : "false");
	} else {
		str_add(out, value->kind == VALUE_LIST ? "[" : "map[");
		for (size_t i = 0; i < value->n; i++) {
			str_add(out, i ? " " : "");
			if (value->kind == VALUE_OBJECT)
				str_add_format(out, "%s:", value->keys[i]);
			template_show(out, value->items[i]);
		}
		str_add(out, "]");
	}
}

static const char *text_of(struct walk *walk, const struct value *value)
{
	cleanup_str struct str text = STR_EMPTY;

	if (value->kind == VALUE_TEXT || value->kind == VALUE_NUMBER)
		return value->text;
	template_show(&text, value);
	return arena_strdup(walk->arena, text.text ? text.text : "", walk->err);
}

/* ---- functions ---- */

typedef const struct value *function(struct walk *walk, const struct value *const *args, size_t n);

int template_spend(struct walk *walk, size_t cost)
{
	walk->cost += cost;
	if (walk->cost > COST_MAX)
		return error_set(walk->err, 0, "template: what it makes is larger than %d bytes",
				 COST_MAX);
	return 0;
}

static const struct value *make_text(struct walk *walk, const char *text)
{
	if (!text || template_spend(walk, strlen(text)) < 0)
		return NULL;
	return value_text(walk->arena, text, walk->err);
}

static const struct value *take_text(struct walk *walk, struct str *text)
{
	cleanup_free char *taken = str_take(text, walk->err);

	return make_text(walk, taken);
}

static const struct value *run_json(struct walk *walk, const struct value *const *args, size_t n)
{
	struct str text = STR_EMPTY;

	value_write(&text, args[0], false);
	return take_text(walk, &text);
}

static const struct value *change_case(struct walk *walk, const struct value *value,
				       int (*first)(int c), int (*others)(int c))
{
	const char *text = text_of(walk, value);
	char *copy = text ? arena_strdup(walk->arena, text, walk->err) : NULL;

	for (char *p = copy; p && *p; p++) {
		int c = (unsigned char)*p;
		bool is_first = p == copy || p[-1] == ' ';
		*p = (char)(is_first ? first(c) : others(c));
	}
	return make_text(walk, copy);
}

static int same(int c)
{
	return c;
}

static const struct value *run_lower(struct walk *walk, const struct value *const *args, size_t n)
{
	return change_case(walk, args[0], tolower, tolower);
}

static const struct value *run_upper(struct walk *walk, const struct value *const *args, size_t n)
{
	return change_case(walk, args[0], toupper, toupper);
}

static const struct value *run_title(struct walk *walk, const struct value *const *args, size_t n)
{
	return change_case(walk, args[0], toupper, same);
}

static const struct value *run_join(struct walk *walk, const struct value *const *args, size_t n)
{
	struct str text = STR_EMPTY;

	for (size_t i = 0; args[0]->kind == VALUE_LIST && i < args[0]->n; i++) {
		if (i)
			template_show(&text, args[1]);
		template_show(&text, args[0]->items[i]);
	}
	return take_text(walk, &text);
}

static const struct value *run_split(struct walk *walk, const struct value *const *args, size_t n)
{
	const char *text = text_of(walk, args[0]), *separator = text_of(walk, args[1]);
	struct value *list = value_list(walk->arena, walk->err);

	if (!text || !separator || !list)
		return NULL;
	for (;;) {
		const char *end = *separator ? strstr(text, separator) : NULL;
		size_t size = end ? (size_t)(end - text) : strlen(text);
		const char *part = arena_strndup(walk->arena, text, size, walk->err);
		struct value *item = part ? value_text(walk->arena, part, walk->err) : NULL;
		if (value_append(list, item, walk->arena, walk->err) < 0)
			return NULL;
		if (!end)
			return list;
		text = end + strlen(separator);
	}
}

static const struct value *run_len(struct walk *walk, const struct value *const *args, size_t n)
{
	size_t size = args[0]->n;

	if (args[0]->kind == VALUE_TEXT)
		size = strlen(args[0]->text);
	return value_number(walk->arena, (int64_t)size, walk->err);
}

/* Of a Go map of texts a key that is not there is "": {{index .Config.Labels "x"}}. */
static bool has_texts_only(const struct value *object)
{
	for (size_t i = 0; i < object->n; i++)
		if (object->items[i]->kind != VALUE_TEXT)
			return false;
	return true;
}

static const struct value *index_one(const struct value *value, const struct value *key)
{
	int64_t i;

	if (value->kind == VALUE_OBJECT && key->kind == VALUE_TEXT)
		for (size_t k = 0; k < value->n; k++)
			if (strcmp(value->keys[k], key->text) == 0)
				return value->items[k];
	if (value->kind == VALUE_LIST && key->kind == VALUE_NUMBER &&
	    str_to_int(key->text, 0, INT64_MAX, &i) && (size_t)i < value->n)
		return value->items[i];
	return value->kind == VALUE_OBJECT && has_texts_only(value) ? &empty : &template_missing;
}

static const struct value *run_index(struct walk *walk, const struct value *const *args, size_t n)
{
	const struct value *value = args[0];

	for (size_t i = 1; i < n; i++)
		value = index_one(value, args[i]);
	return value;
}

static const struct value *print_all(struct walk *walk, const struct value *const *args, size_t n,
				     const char *end)
{
	struct str text = STR_EMPTY;

	for (size_t i = 0; i < n; i++) {
		str_add(&text, i ? " " : "");
		template_show(&text, args[i]);
	}
	str_add(&text, end);
	return take_text(walk, &text);
}

static const struct value *run_println(struct walk *walk, const struct value *const *args, size_t n)
{
	return print_all(walk, args, n, "\n");
}

static const struct value *run_print(struct walk *walk, const struct value *const *args, size_t n)
{
	return print_all(walk, args, n, "");
}

static const struct value *make_bool(struct walk *walk, bool truth)
{
	return value_bool(walk->arena, truth, walk->err);
}

static const struct value *run_not(struct walk *walk, const struct value *const *args, size_t n)
{
	return make_bool(walk, !template_is_true(args[0]));
}

static const struct value *run_and(struct walk *walk, const struct value *const *args, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (!template_is_true(args[i]))
			return args[i];
	return args[n - 1];
}

static const struct value *run_or(struct walk *walk, const struct value *const *args, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (template_is_true(args[i]))
			return args[i];
	return args[n - 1];
}

static bool is_equal(struct walk *walk, const struct value *a, const struct value *b)
{
	if (a->kind == VALUE_NUMBER && b->kind == VALUE_NUMBER)
		return strtod(a->text, NULL) == strtod(b->text, NULL);
	return a->kind == b->kind && str_equal(text_of(walk, a), text_of(walk, b));
}

static int compare(struct walk *walk, const struct value *a, const struct value *b)
{
	if (a->kind == VALUE_NUMBER && b->kind == VALUE_NUMBER) {
		double x = strtod(a->text, NULL), y = strtod(b->text, NULL);
		return (x > y) - (x < y);
	}
	const char *x = text_of(walk, a), *y = text_of(walk, b);
	return x && y ? strcmp(x, y) : 0;
}

static const struct value *run_eq(struct walk *walk, const struct value *const *args, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (is_equal(walk, args[0], args[i]))
			return make_bool(walk, true);
	return make_bool(walk, false);
}

static const struct value *run_ne(struct walk *walk, const struct value *const *args, size_t n)
{
	return make_bool(walk, !is_equal(walk, args[0], args[1]));
}

static const struct value *run_lt(struct walk *walk, const struct value *const *args, size_t n)
{
	return make_bool(walk, compare(walk, args[0], args[1]) < 0);
}

static const struct value *run_le(struct walk *walk, const struct value *const *args, size_t n)
{
	return make_bool(walk, compare(walk, args[0], args[1]) <= 0);
}

static const struct value *run_gt(struct walk *walk, const struct value *const *args, size_t n)
{
	return make_bool(walk, compare(walk, args[0], args[1]) > 0);
}

static const struct value *run_ge(struct walk *walk, const struct value *const *args, size_t n)
{
	return make_bool(walk, compare(walk, args[0], args[1]) >= 0);
}

static const struct value *run_truncate(struct walk *walk, const struct value *const *args,
					size_t n)
{
	const char *text = text_of(walk, args[0]);
	int64_t size;

	if (!text || !str_to_int(args[1]->text ? args[1]->text : "", 0, INT64_MAX, &size) ||
	    strlen(text) <= (size_t)size)
		return make_text(walk, text);
	return make_text(walk, arena_strndup(walk->arena, text, (size_t)size, walk->err));
}

static const struct {
	const char *name;
	function *run;
	size_t least, most;
} functions[] = {
	{ "json", run_json, 1, 1 },
	{ "lower", run_lower, 1, 1 },
	{ "upper", run_upper, 1, 1 },
	{ "title", run_title, 1, 1 },
	{ "join", run_join, 2, 2 },
	{ "split", run_split, 2, 2 },
	{ "truncate", run_truncate, 2, 2 },
	{ "len", run_len, 1, 1 },
	{ "index", run_index, 1, TEMPLATE_ARGS_MAX },
	{ "print", run_print, 0, TEMPLATE_ARGS_MAX },
	{ "println", run_println, 0, TEMPLATE_ARGS_MAX },
	{ "not", run_not, 1, 1 },
	{ "and", run_and, 1, TEMPLATE_ARGS_MAX },
	{ "or", run_or, 1, TEMPLATE_ARGS_MAX },
	{ "eq", run_eq, 2, TEMPLATE_ARGS_MAX },
	{ "ne", run_ne, 2, 2 },
	{ "lt", run_lt, 2, 2 },
	{ "le", run_le, 2, 2 },
	{ "gt", run_gt, 2, 2 },
	{ "ge", run_ge, 2, 2 },
};

static const struct value *set_unknown(struct walk *walk, const char *name)
{
	cleanup_str struct str known = STR_EMPTY;

	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		str_add_format(&known, "%s%s", i ? ", " : "", functions[i].name);
	(void)error_set(walk->err, 0, "template: there is no function \"%s\"", name);
	(void)error_hint(walk->err, "there are: %s", known.text ? known.text : "");
	return NULL;
}

const struct value *template_call(struct walk *walk, const char *name,
				  const struct value *const *args, size_t n)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		if (strcmp(functions[i].name, name) != 0)
			continue;
		if (n >= functions[i].least && n <= functions[i].most)
			return functions[i].run(walk, args, n);
		(void)error_set(walk->err, 0, "template: %s does not take %zu arguments", name, n);
		return NULL;
	}
	return set_unknown(walk, name);
}
