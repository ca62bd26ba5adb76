/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of template.h: template_parse.c makes the tree, template.c walks it,
 * template_functions.c has what is called on the way.
 */
#pragma once

#include "cmd/rustbox/format/template.h"

enum { TEMPLATE_DEPTH_MAX = 32, TEMPLATE_ARGS_MAX = 16 };

/* An argument: ".A.B", "$x.A", "$", a constant, or a pipeline in parentheses: "(…).A". */
struct operand {
	enum { OPERAND_FIELD, OPERAND_VARIABLE, OPERAND_CONSTANT, OPERAND_PIPELINE } kind;
	const char *path;     /* "A.B" of what it is; "": the value itself */
	const char *variable; /* "x" of $x; "": $ */
	struct value *constant;
	struct pipeline *pipeline;
};

/* A function with its arguments, or one operand (function NULL). */
struct stage {
	const char *function;
	struct operand *args;
	size_t n_args;
	struct stage *next; /* gets our result as its last argument */
};

struct pipeline {
	const char *variable; /* "x" of {{$x := …}}; NULL */
	const char *index;    /* "i" of {{range $i, $x := …}}; NULL */
	struct stage *stages;
};

struct node {
	enum node_kind { NODE_TEXT, NODE_SHOW, NODE_IF, NODE_RANGE, NODE_WITH } kind;
	const char *text;
	size_t size;
	struct pipeline *pipeline;
	struct node *body, *otherwise;
	struct node *next;
};

struct template
{
	struct node *nodes;
};

/* ---- template_functions.c ---- */

/*
 * What a template may cost: a few characters can ask for more than any machine
 * has. In bytes; a pipeline counts as PIPELINE_COST.
 */
enum { COST_MAX = 32 * 1024 * 1024, PIPELINE_COST = 64 };

struct walk {
	const struct value *top;
	size_t cost;
	struct arena *arena;
	struct str *out;
	struct error *err;
};

/* What is not there; it shows as "<no value>". */
extern const struct value template_missing;

bool template_is_true(const struct value *value);
/* As Go prints them: lists as [a b], objects as map[k:v]. */
void template_show(struct str *out, const struct value *value);
/* -1 with err when it is too much. */
int template_spend(struct walk *walk, size_t cost);
/* NULL with err. */
const struct value *template_call(struct walk *walk, const char *name,
				  const struct value *const *args, size_t n);
