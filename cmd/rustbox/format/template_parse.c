/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "cmd/rustbox/format/template_parts.h"

struct parser {
	const char *text; /* the whole template, for messages */
	const char *p;
	const char *action_end; /* of the action being read: its "}}", or " -}}" */
	const char *after;	/* behind that */
	bool trims_next;	/* it was " -}}": the white space there does not count */
	struct arena *arena;
	struct error *err;
	size_t depth;
};

static int fail(struct parser *parser, const char *problem)
{
	return error_set(parser->err, 0, "template, character %zu: %s",
			 (size_t)(parser->p - parser->text) + 1, problem);
}

static void *allocate(struct parser *parser, size_t size)
{
	return arena_alloc(parser->arena, size, parser->err);
}

/* ---- words of an action ---- */

static void skip_space(struct parser *parser)
{
	while (parser->p < parser->action_end && isspace((unsigned char)*parser->p))
		parser->p++;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '/' || (c & 0x80);
}

static const char *read_word(struct parser *parser, bool dots)
{
	const char *begin = parser->p;

	while (parser->p < parser->action_end &&
	       (is_word(*parser->p) || (dots && *parser->p == '.')))
		parser->p++;
	return arena_strndup(parser->arena, begin, (size_t)(parser->p - begin), parser->err);
}

/* "text", with Go's escapes, or `text`. */
static struct value *read_quoted(struct parser *parser)
{
	char quote = *parser->p++;
	struct str text = STR_EMPTY;
	struct value *value = NULL;

	while (parser->p < parser->action_end && *parser->p != quote) {
		char c = *parser->p++;
		if (c == '\\' && quote == '"' && parser->p < parser->action_end) {
			c = *parser->p++;
			c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
		}
		str_add_bytes(&text, &c, 1);
	}
	if (parser->p == parser->action_end)
		(void)fail(parser, "a quotation that does not end");
	else {
		parser->p++;
		value = value_text(parser->arena, text.text, parser->err);
	}
	str_done(&text);
	return value;
}

static bool is_number(const char *word)
{
	if (*word == '-')
		word++;
	return *word && word[strspn(word, "0123456789")] == 0;
}

static struct value *read_constant(struct parser *parser)
{
	const char *begin = parser->p, *word;
	int64_t number;

	if (*parser->p == '"' || *parser->p == '`')
		return read_quoted(parser);
	word = read_word(parser, false);
	if (!word)
		return NULL;
	if (is_number(word) && str_to_int(word, INT64_MIN, INT64_MAX, &number))
		return value_number(parser->arena, number, parser->err);
	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
		return value_bool(parser->arena, *word == 't', parser->err);
	parser->p = begin;
	(void)fail(parser, "a field (.Name), a text in quotation marks or a number is expected");
	return NULL;
}

/* ---- pipelines ---- */

static struct pipeline *read_pipeline(struct parser *parser, char end);

/* ".A.B" right behind what it is of; nothing: the value itself. */
static int read_fields(struct parser *parser, struct operand *operand)
{
	operand->path = "";
	if (parser->p < parser->action_end && *parser->p == '.') {
		parser->p++;
		operand->path = read_word(parser, true);
	}
	return operand->path ? 0 : -1;
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by TEMPLATE_DEPTH_MAX
static int read_operand(struct parser *parser, struct operand *ret)
{
	if (*parser->p == '(') {
		parser->p++;
		ret->kind = OPERAND_PIPELINE;
		ret->pipeline = read_pipeline(parser, ')');
		return ret->pipeline ? read_fields(parser, ret) : -1;
	}
	if (*parser->p == '$') {
		parser->p++;
		ret->kind = OPERAND_VARIABLE;
		ret->variable = read_word(parser, false);
		return ret->variable ? read_fields(parser, ret) : -1;
	}
	if (*parser->p == '.') {
		ret->kind = OPERAND_FIELD;
		return read_fields(parser, ret);
	}
	ret->kind = OPERAND_CONSTANT;
	ret->constant = read_constant(parser);
	return ret->constant ? 0 : -1;
}

static bool begins_function(const struct parser *parser)
{
	static const char *const words[] = { "true", "false" };
	size_t size = 0;

	while (parser->p + size < parser->action_end && is_word(parser->p[size]))
		size++;
	for (size_t i = 0; i < 2; i++)
		if (strlen(words[i]) == size && strncmp(parser->p, words[i], size) == 0)
			return false;
	return isalpha((unsigned char)*parser->p);
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by TEMPLATE_DEPTH_MAX
static struct stage *read_stage(struct parser *parser, char end)
{
	struct stage *stage = allocate(parser, sizeof(*stage));

	if (!stage)
		return NULL;
	stage->args =
		arena_array(parser->arena, TEMPLATE_ARGS_MAX, sizeof(*stage->args), parser->err);
	if (!stage->args)
		return NULL;
	skip_space(parser);
	if (begins_function(parser) && !(stage->function = read_word(parser, false)))
		return NULL;
	for (;;) {
		skip_space(parser);
		if (parser->p == parser->action_end || *parser->p == '|' || *parser->p == end)
			break;
		if (stage->n_args == TEMPLATE_ARGS_MAX || (!stage->function && stage->n_args)) {
			(void)fail(parser, "one argument too many");
			return NULL;
		}
		if (read_operand(parser, &stage->args[stage->n_args++]) < 0)
			return NULL;
	}
	if (!stage->function && !stage->n_args) {
		(void)fail(parser, "something is missing here");
		return NULL;
	}
	return stage;
}

/* "$x := ", "$i, $x := ". */
static int read_declaration(struct parser *parser, struct pipeline *pipeline)
{
	const char *begin = parser->p, *first, *second = NULL;

	skip_space(parser);
	if (*parser->p != '$')
		return 0;
	parser->p++;
	first = read_word(parser, false);
	skip_space(parser);
	if (*parser->p == ',') {
		parser->p++;
		skip_space(parser);
		if (*parser->p == '$') {
			parser->p++;
			second = read_word(parser, false);
			skip_space(parser);
		}
	}
	if (!first)
		return -1;
	if (strncmp(parser->p, ":=", 2) != 0) {
		parser->p = begin;
		return 0;
	}
	parser->p += 2;
	pipeline->variable = second ? second : first;
	pipeline->index = second ? first : NULL;
	return 0;
}

/* end: the ")" of one in parentheses, which is skipped; 0: to the end of the action. */
// NOLINTNEXTLINE(misc-no-recursion): bounded by TEMPLATE_DEPTH_MAX
static struct pipeline *read_pipeline(struct parser *parser, char end)
{
	struct pipeline *pipeline = allocate(parser, sizeof(*pipeline));
	struct stage **place;

	if (!pipeline)
		return NULL;
	if (++parser->depth > TEMPLATE_DEPTH_MAX) {
		(void)fail(parser, "nested too deeply");
		return NULL;
	}
	if (!end && read_declaration(parser, pipeline) < 0)
		return NULL;
	for (place = &pipeline->stages;; place = &(*place)->next) {
		*place = read_stage(parser, end ? end : '|');
		if (!*place)
			return NULL;
		if (parser->p == parser->action_end || *parser->p != '|')
			break;
		parser->p++;
	}
	if (end && (parser->p == parser->action_end || *parser->p++ != end)) {
		(void)fail(parser, "a parenthesis is not closed");
		return NULL;
	}
	parser->depth--;
	return pipeline;
}

/* ---- nodes ---- */

enum ending { END_OF_TEXT, END_WORD, END_ELSE, END_ELSE_IF, END_FAILED };

static enum ending read_nodes(struct parser *parser, struct node **ret_list);

static struct node *new_node(struct parser *parser, enum node_kind kind)
{
	struct node *node = allocate(parser, sizeof(*node));

	if (node)
		node->kind = kind;
	return node;
}

/* The bodies of if, range and with, up to their {{end}}. */
// NOLINTNEXTLINE(misc-no-recursion): bounded by TEMPLATE_DEPTH_MAX
static int read_bodies(struct parser *parser, struct node *node)
{
	enum ending ending = read_nodes(parser, &node->body);

	if (ending == END_ELSE)
		ending = read_nodes(parser, &node->otherwise);
	if (ending == END_ELSE_IF) {
		struct node *inner = new_node(parser, NODE_IF);
		if (!inner || !(inner->pipeline = read_pipeline(parser, 0)))
			return -1;
		parser->p = parser->after;
		if (++parser->depth > TEMPLATE_DEPTH_MAX)
			return fail(parser, "nested too deeply");
		if (read_bodies(parser, inner) < 0)
			return -1;
		parser->depth--;
		node->otherwise = inner;
		return 0;
	}
	if (ending == END_FAILED)
		return -1;
	return ending == END_WORD ? 0 : fail(parser, "{{end}} is missing");
}

static bool take_keyword(struct parser *parser, const char *word)
{
	size_t size = strlen(word);

	if ((size_t)(parser->action_end - parser->p) < size ||
	    strncmp(parser->p, word, size) != 0 || is_word(parser->p[size]))
		return false;
	parser->p += size;
	skip_space(parser);
	return true;
}

/* Between "{{" and "}}". NULL with *ret_ending for what ends a body. */
// NOLINTNEXTLINE(misc-no-recursion): bounded by TEMPLATE_DEPTH_MAX
static struct node *read_action(struct parser *parser, enum ending *ret_ending)
{
	static const char *const blocks[] = {
		[NODE_IF] = "if", [NODE_RANGE] = "range", [NODE_WITH] = "with"
	};
	struct node *node = NULL;
	enum node_kind kind = NODE_SHOW;

	*ret_ending = END_FAILED;
	skip_space(parser);
	if (strncmp(parser->p, "/*", 2) == 0) {
		parser->p = parser->after;
		node = new_node(parser, NODE_TEXT);
		if (node)
			node->text = "";
		return node;
	}
	if (take_keyword(parser, "end")) {
		*ret_ending = END_WORD;
		parser->p = parser->after;
		return NULL;
	}
	if (take_keyword(parser, "else")) {
		*ret_ending = take_keyword(parser, "if") ? END_ELSE_IF : END_ELSE;
		if (*ret_ending == END_ELSE)
			parser->p = parser->after;
		return NULL;
	}
	for (enum node_kind i = NODE_IF; i <= NODE_WITH; i++)
		if (take_keyword(parser, blocks[i]))
			kind = i;
	node = new_node(parser, kind);
	if (!node || !(node->pipeline = read_pipeline(parser, 0)))
		return NULL;
	parser->p = parser->after;
	if (kind != NODE_SHOW && read_bodies(parser, node) < 0)
		return NULL;
	return node;
}

static bool begins_trimming(const char *p)
{
	return str_starts_with(p, "{{-") && isspace((unsigned char)p[3]);
}

/* Of a template given in a shell: \n and \t are meant as such, as Docker takes them. */
static struct node *read_text(struct parser *parser, const char *next)
{
	struct node *node = new_node(parser, NODE_TEXT);
	cleanup_str struct str text = STR_EMPTY;
	const char *end = next;

	if (parser->trims_next)
		while (parser->p < end && isspace((unsigned char)*parser->p))
			parser->p++;
	if (begins_trimming(next))
		while (end > parser->p && isspace((unsigned char)end[-1]))
			end--;
	for (; parser->p < end; parser->p++) {
		char c = *parser->p;
		if (c == '\\' && parser->p + 1 < end &&
		    (parser->p[1] == 'n' || parser->p[1] == 't')) {
			parser->p++;
			c = *parser->p == 'n' ? '\n' : '\t';
		}
		str_add_bytes(&text, &c, 1);
	}
	parser->p = next;
	if (!node)
		return NULL;
	if (text.failed) {
		(void)error_memory(parser->err);
		return NULL;
	}
	node->text =
		arena_strndup(parser->arena, text.text ? text.text : "", text.size, parser->err);
	node->size = text.size;
	return node->text ? node : NULL;
}

/* The end of an action: the "}}" that is in no quotation. */
static const char *find_end(const char *p)
{
	char quote = 0;

	for (; *p; p++) {
		if (quote && *p == '\\' && quote == '"' && p[1])
			p++;
		else if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '"' || *p == '`')
			quote = *p;
		else if (p[0] == '}' && p[1] == '}')
			return p;
	}
	return NULL;
}

/* Behind "{{" or "{{- ", with the action's end known. */
static bool begin_action(struct parser *parser)
{
	const char *begin = parser->p + (begins_trimming(parser->p) ? 3 : 2), *end = begin;

	while (isspace((unsigned char)*end))
		end++;
	if (str_starts_with(end, "/*")) {
		end = strstr(end + 2, "*/");
		end = end ? strstr(end, "}}") : NULL;
	} else {
		end = find_end(begin);
	}
	if (!end) {
		(void)fail(parser, "}} is missing");
		return false;
	}
	parser->p = begin;
	parser->after = end + 2;
	parser->trims_next = end - begin >= 2 && end[-1] == '-' && isspace((unsigned char)end[-2]);
	parser->action_end = parser->trims_next ? end - 1 : end;
	return true;
}

// NOLINTNEXTLINE(misc-no-recursion): bounded by TEMPLATE_DEPTH_MAX
static enum ending read_nodes(struct parser *parser, struct node **ret_list)
{
	enum ending ending = END_FAILED;
	struct node **place = ret_list;

	if (++parser->depth > TEMPLATE_DEPTH_MAX) {
		(void)fail(parser, "nested too deeply");
		return END_FAILED;
	}
	while (*parser->p) {
		const char *begin = strstr(parser->p, "{{");
		if (begin != parser->p) {
			*place = read_text(parser, begin ? begin : parser->p + strlen(parser->p));
		} else {
			if (!begin_action(parser))
				return END_FAILED;
			*place = read_action(parser, &ending);
			if (!*place && ending != END_FAILED)
				break;
		}
		if (!*place)
			return END_FAILED;
		place = &(*place)->next;
		ending = END_OF_TEXT;
	}
	if (!*parser->p && ending != END_WORD && ending != END_ELSE && ending != END_ELSE_IF)
		ending = END_OF_TEXT;
	parser->depth--;
	return ending;
}

struct template *template_parse(const char *text, struct arena *arena, struct error *err)
{
	struct parser parser = { .text = text, .p = text, .arena = arena, .err = err };
	struct template *template = arena_alloc(arena, sizeof(*template), err);
	enum ending ending;

	if (!template)
		return NULL;
	ending = read_nodes(&parser, &template->nodes);
	if (ending == END_FAILED)
		return NULL;
	if (ending != END_OF_TEXT) {
		(void)fail(&parser, "{{end}} or {{else}} without a beginning");
		return NULL;
	}
	return template;
}
