/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of template.h: template_parse.c makes the tree, template.c walks it. */
#pragma once

#include "cmd/rustbox/format/template.h"

enum { TEMPLATE_DEPTH_MAX = 32, TEMPLATE_ARGS_MAX = 16 };

/* An argument: ".A.B", "$x.A", "$", a constant, or a pipeline in parentheses. */
struct operand {
	enum { OPERAND_FIELD, OPERAND_VARIABLE, OPERAND_CONSTANT, OPERAND_PIPELINE } kind;
	const char *path;     /* "A.B"; "": the value itself */
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
