/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/format/template.h"

#include <string.h>

#include "cmd/rustbox/format/template_parts.h"

struct variable {
	const char *name;
	const struct value *value;
	const struct variable *outer;
};

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

	return found ? found : &template_missing;
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
		value = run_pipeline(walk, operand->pipeline, dot, variables);
		return value ? field(value, operand->path) : NULL;
	default:
		value = find_variable(walk, operand->variable, variables);
		if (value)
			return field(value, operand->path);
		(void)error_set(walk->err, 0, "template: there is no variable $%s",
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
		if (template_spend(walk, PIPELINE_COST) < 0)
			return NULL;
		for (; n < stage->n_args; n++) {
			args[n] = evaluate(walk, &stage->args[n], dot, variables);
			if (!args[n])
				return NULL;
		}
		if (result)
			args[n++] = result;
		result = stage->function ? template_call(walk, stage->function, args, n) : args[0];
		if (!result)
			return NULL;
	}
	return result;
}

/* ---- nodes ---- */

static int show_out(struct walk *walk, const struct value *value)
{
	size_t before = walk->out->size;

	template_show(walk->out, value);
	return template_spend(walk, walk->out->size - before);
}

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

/* if, range, with. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the template
static int walk_block(struct walk *walk, const struct node *node, const struct value *value,
		      const struct value *dot, const struct variable *variables)
{
	const struct variable own = { node->pipeline->variable, value, variables };

	if (node->kind == NODE_RANGE && value->n && value->kind >= VALUE_LIST)
		return walk_range(walk, node, value, variables);
	if (node->kind != NODE_RANGE && template_is_true(value))
		return walk_nodes(walk, node->body, node->kind == NODE_WITH ? value : dot,
				  own.name ? &own : variables);
	return walk_nodes(walk, node->otherwise, dot, variables);
}

/* {{$x := …}}: it is there for the rest of the body. */
static const struct variable *declare(struct walk *walk, const char *name,
				      const struct value *value, const struct variable *outer)
{
	struct variable *variable = arena_alloc(walk->arena, sizeof(*variable), walk->err);

	if (variable)
		*variable = (struct variable){ name, value, outer };
	return variable;
}

static int walk_text(struct walk *walk, const struct node *node)
{
	str_add_bytes(walk->out, node->text, node->size);
	return template_spend(walk, node->size);
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as the template
static int walk_nodes(struct walk *walk, const struct node *node, const struct value *dot,
		      const struct variable *variables)
{
	int result = 0;

	for (; node && result == 0; node = node->next) {
		const struct value *value = NULL;
		if (node->kind == NODE_TEXT) {
			result = walk_text(walk, node);
			continue;
		}
		value = run_pipeline(walk, node->pipeline, dot, variables);
		if (!value)
			return -1;
		if (node->kind != NODE_SHOW) {
			result = walk_block(walk, node, value, dot, variables);
		} else if (node->pipeline->variable) {
			variables = declare(walk, node->pipeline->variable, value, variables);
			result = variables ? 0 : -1;
		} else {
			result = show_out(walk, value);
		}
	}
	return result;
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
