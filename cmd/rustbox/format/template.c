/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/format/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/format/template_parts.h"

struct variable {
	const char *name;
	const struct value *value;
	const struct variable *outer;
};

struct walk {
	const struct value *top;
	struct arena *arena;
	struct str *out;
	struct error *err;
};

static const struct value missing = { .kind = VALUE_NULL };

/* ---- what values mean ---- */

static bool is_true(const struct value *value)
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
static void show(struct str *out, const struct value *value)
{
	if (value == &missing || value->kind == VALUE_NULL) {
		str_add(out, value == &missing ? "<no value>" : "<nil>");
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
			show(out, value->items[i]);
		}
		str_add(out, "]");
	}
}

static const char *text_of(struct walk *walk, const struct value *value)
{
	cleanup_str struct str text = STR_EMPTY;

	if (value->kind == VALUE_TEXT || value->kind == VALUE_NUMBER)
		return value->text;
	show(&text, value);
	return arena_strdup(walk->arena, text.text ? text.text : "", walk->err);
}

/* ---- functions ---- */

typedef const struct value *function(struct walk *walk, const struct value *const *args, size_t n);

static const struct value *make_text(struct walk *walk, const char *text)
{
	return text ? value_text(walk->arena, text, walk->err) : NULL;
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
			show(&text, args[1]);
		show(&text, args[0]->items[i]);
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
	return &missing;
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
		show(&text, args[i]);
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
	return make_bool(walk, !is_true(args[0]));
}

static const struct value *run_and(struct walk *walk, const struct value *const *args, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (!is_true(args[i]))
			return args[i];
	return args[n - 1];
}

static const struct value *run_or(struct walk *walk, const struct value *const *args, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (is_true(args[i]))
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

static const struct value *call(struct walk *walk, const char *name,
				const struct value *const *args, size_t n)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		if (strcmp(functions[i].name, name) != 0)
			continue;
		if (n >= functions[i].least && n <= functions[i].most)
			return functions[i].run(walk, args, n);
		(void)error_set(walk->err, EINVAL, "template: %s does not take %zu arguments", name,
				n);
		return NULL;
	}
	(void)error_set(walk->err, EINVAL, "template: there is no function \"%s\"", name);
	return NULL;
}

/* ---- pipelines ---- */

static const struct value *find_variable(const struct walk *walk, const char *name,
					 const struct variable *variables)
{
	if (!*name)
		return walk->top;
	for (; variables; variables = variables->outer)
		if (strcmp(variables->name, name) == 0)
			return variables->value;
	return NULL;
}

static const struct value *field(const struct value *value, const char *path)
{
	const struct value *found = *path ? value_get(value, path) : value;

	return found ? found : &missing;
}

static const struct value *run_pipeline(struct walk *walk, const struct pipeline *pipeline,
					const struct value *dot, const struct variable *variables);

// NOLINTNEXTLINE(misc-no-recursion): as deep as the template
static const struct value *evaluate(struct walk *walk, const struct operand *operand,
				    const struct value *dot, const struct variable *variables)
{
	const struct value *value;

	switch (operand->kind) {
	case OPERAND_FIELD:
		return field(dot, operand->path);
	case OPERAND_CONSTANT:
		return operand->constant;
	case OPERAND_PIPELINE:
		return run_pipeline(walk, operand->pipeline, dot, variables);
	default:
		value = find_variable(walk, operand->variable, variables);
		if (value)
			return field(value, operand->path);
		(void)error_set(walk->err, EINVAL, "template: there is no variable $%s",
				operand->variable);
		return NULL;
	}
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the template
static const struct value *run_pipeline(struct walk *walk, const struct pipeline *pipeline,
					const struct value *dot, const struct variable *variables)
{
	const struct value *result = NULL;

	for (const struct stage *stage = pipeline->stages; stage; stage = stage->next) {
		const struct value *args[TEMPLATE_ARGS_MAX + 1] = { NULL };
		size_t n = 0;
		for (; n < stage->n_args; n++) {
			args[n] = evaluate(walk, &stage->args[n], dot, variables);
			if (!args[n])
				return NULL;
		}
		if (result)
			args[n++] = result;
		result = stage->function ? call(walk, stage->function, args, n) : args[0];
		if (!result)
			return NULL;
	}
	return result;
}

/* ---- nodes ---- */

static int walk_nodes(struct walk *walk, const struct node *node, const struct value *dot,
		      const struct variable *variables);

// NOLINTNEXTLINE(misc-no-recursion): as deep as the template
static int walk_range(struct walk *walk, const struct node *node, const struct value *list,
		      const struct variable *variables)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct pipeline *pipeline = node->pipeline;
		struct variable index = { pipeline->index, NULL, variables };
		struct variable item = { pipeline->variable, list->items[i], variables };
		if (pipeline->index) {
			index.value = list->kind == VALUE_OBJECT
					      ? value_text(walk->arena, list->keys[i], walk->err)
					      : value_number(walk->arena, (int64_t)i, walk->err);
			if (!index.value)
				return -1;
			item.outer = &index;
		}
		if (walk_nodes(walk, node->body, list->items[i],
			       pipeline->variable ? &item : variables) < 0)
			return -1;
	}
	return 0;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the template
static int walk_nodes(struct walk *walk, const struct node *node, const struct value *dot,
		      const struct variable *variables)
{
	for (; node; node = node->next) {
		const struct value *value;
		int result = 0;

		if (node->kind == NODE_TEXT) {
			str_add_bytes(walk->out, node->text, node->size);
			continue;
		}
		value = run_pipeline(walk, node->pipeline, dot, variables);
		if (!value)
			return -1;
		struct variable own = { node->pipeline->variable, value, variables };
		if (node->kind == NODE_SHOW && own.name) {
			/* It is there for the rest of this body. */
			return walk_nodes(walk, node->next, dot, &own);
		}
		if (node->kind == NODE_SHOW)
			show(walk->out, value);
		else if (node->kind == NODE_RANGE && value->n && value->kind >= VALUE_LIST)
			result = walk_range(walk, node, value, variables);
		else if (node->kind != NODE_RANGE && is_true(value))
			result = walk_nodes(walk, node->body, node->kind == NODE_WITH ? value : dot,
					    own.name ? &own : variables);
		else
			result = walk_nodes(walk, node->otherwise, dot, variables);
		if (result < 0)
			return -1;
	}
	return 0;
}

int template_apply(const struct template *template, const struct value *value, struct arena *arena,
		   struct str *out, struct error *err)
{
	struct walk walk = { .top = value, .arena = arena, .out = out, .err = err };

	return walk_nodes(&walk, template->nodes, value, NULL);
}

/* ---- what it uses ---- */

static bool pipeline_uses(const struct pipeline *pipeline, const char *name);

// NOLINTNEXTLINE(misc-no-recursion): as deep as the template
static bool operand_uses(const struct operand *operand, const char *name)
{
	size_t size = strlen(name);

	if (operand->kind == OPERAND_PIPELINE)
		return pipeline_uses(operand->pipeline, name);
	if (operand->kind == OPERAND_CONSTANT)
		return false;
	/* {{json .}} uses everything. */
	return !*operand->path || (strncmp(operand->path, name, size) == 0 &&
				   (operand->path[size] == 0 || operand->path[size] == '.'));
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the template
static bool pipeline_uses(const struct pipeline *pipeline, const char *name)
{
	for (const struct stage *stage = pipeline->stages; stage; stage = stage->next)
		for (size_t i = 0; i < stage->n_args; i++)
			if (operand_uses(&stage->args[i], name))
				return true;
	return false;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the template
static bool nodes_use(const struct node *node, const char *name)
{
	for (; node; node = node->next)
		if (node->kind != NODE_TEXT &&
		    (pipeline_uses(node->pipeline, name) || nodes_use(node->body, name) ||
		     nodes_use(node->otherwise, name)))
			return true;
	return false;
}

bool template_uses(const struct template *template, const char *name)
{
	return nodes_use(template->nodes, name);
}
