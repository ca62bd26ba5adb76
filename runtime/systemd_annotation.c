/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/systemd_annotation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { NAME_LEAST = 3, NUMBER_SIZE = 48, VALUES_MAX = 1024, SIGNATURE_SIZE = 32, DEPTH_MAX = 2 };

/* The basic types, and the range of those that are whole numbers. */
static const struct basic {
	char letter;
	const char *keyword;
	int64_t min;
	uint64_t max; /* 0: not a whole number */
} basics[] = {
	{ 'b', "boolean", 0, 0 },
	{ 'y', "byte", 0, UINT8_MAX },
	{ 'n', "int16", INT16_MIN, INT16_MAX },
	{ 'q', "uint16", 0, UINT16_MAX },
	{ 'i', "int32", INT32_MIN, INT32_MAX },
	{ 'u', "uint32", 0, UINT32_MAX },
	{ 'x', "int64", INT64_MIN, INT64_MAX },
	{ 't', "uint64", 0, UINT64_MAX },
	{ 'd', "double", 0, 0 },
	{ 's', "string", 0, 0 },
	{ '\0', NULL, 0, 0 },
};

static const struct basic *find_basic(char letter)
{
	const struct basic *basic = basics;

	while (basic->letter && basic->letter != letter)
		basic++;
	return basic->letter ? basic : NULL;
}

/* A value being read: the basic values found so far, in the arena. */
struct reading {
	const char *at;
	struct arena *arena;
	const char **values;
	size_t n_values;
};

/* A signature under construction. */
struct signature {
	char text[SIGNATURE_SIZE];
	size_t n;
};

static int wanted(const struct reading *r, const char *what, struct error *err)
{
	return error_set(err, EINVAL, "%s is wanted at \"%.24s\"", what, r->at);
}

static void skip_space(struct reading *r)
{
	r->at += strspn(r->at, " \t\n");
}

static bool take(struct reading *r, char c)
{
	skip_space(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static int take_or_fail(struct reading *r, char c, struct error *err)
{
	const char what[] = { '\'', c, '\'', '\0' };

	return take(r, c) ? 0 : wanted(r, what, err);
}

static int add_letter(struct signature *to, char letter, struct error *err)
{
	if (to->n + 1 == sizeof(to->text))
		return error_set(err, E2BIG, "the type has more than %zu parts",
				 sizeof(to->text) - 1);
	to->text[to->n++] = letter;
	to->text[to->n] = '\0';
	return 0;
}

static int add_value(struct reading *r, const char *text, size_t n, struct error *err)
{
	if (r->n_values == VALUES_MAX)
		return error_set(err, E2BIG, "more than %d values", VALUES_MAX);
	char *copy = arena_strndup(r->arena, text, n, err);
	if (!copy)
		return -1;
	r->values[r->n_values++] = copy;
	return 0;
}

/* ---- basic values ------------------------------------------------------------------------- */

/* The word at the reading's place: letters, digits, and what numbers have. */
static size_t word_length(const struct reading *r)
{
	return strspn(r->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
}

static bool is_word(const struct reading *r, const char *word)
{
	return word_length(r) == strlen(word) && strncmp(r->at, word, strlen(word)) == 0;
}

static int read_text(struct reading *r, struct error *err)
{
	char quote = *r->at;
	cleanup_str struct str text = STR_EMPTY;

	if (quote != '\'' && quote != '"')
		return wanted(r, "a text in quotes", err);
	for (r->at++; *r->at != quote; r->at++) {
		if (*r->at == '\\' && r->at[1] && strchr("\\'\"", r->at[1]))
			r->at++;
		else if (*r->at == '\\' || *r->at == '\0')
			return wanted(r, *r->at ? "one of \\\\, \\' and \\\"" : "the closing quote",
				      err);
		str_add_bytes(&text, r->at, 1);
	}
	r->at++;
	cleanup_free char *whole = str_take(&text, err);
	return whole ? add_value(r, whole, strlen(whole), err) : -1;
}

static bool is_number(const struct basic *basic, const char *word)
{
	uint64_t positive;
	int64_t number;
	char *end;

	if (basic->letter == 'd') {
		errno = 0;
		(void)strtod(word, &end);
		return *word && !*end && errno == 0;
	}
	return basic->min < 0 ? str_to_int(word, basic->min, (int64_t)basic->max, &number)
			      : str_to_uint(word, 10, basic->max, &positive);
}

static int read_basic(struct reading *r, const struct basic *basic, struct error *err)
{
	char word[NUMBER_SIZE];
	size_t n;

	skip_space(r);
	if (is_word(r, basic->keyword)) {
		r->at += strlen(basic->keyword);
		skip_space(r);
	}
	if (basic->letter == 's')
		return read_text(r, err);
	n = word_length(r);
	(void)snprintf(word, sizeof(word), "%.*s", (int)n, r->at);
	if (n >= sizeof(word) || !(basic->letter == 'b' ? is_word(r, "true") || is_word(r, "false")
							: is_number(basic, word)))
		return wanted(r, basic->keyword, err);
	r->at += n;
	return add_value(r, word, n, err);
}

/* The type that the text says or shows; NULL with err. */
static const struct basic *infer_basic(const struct reading *r, struct error *err)
{
	size_t n = word_length(r);

	for (const struct basic *basic = basics; basic->letter; basic++)
		if (is_word(r, basic->keyword))
			return basic;
	if (*r->at == '\'' || *r->at == '"')
		return find_basic('s');
	if (is_word(r, "true") || is_word(r, "false"))
		return find_basic('b');
	if (n > 0 && strchr("+-.0123456789", *r->at))
		return find_basic(memchr(r->at, '.', n) ? 'd' : 'i');
	wanted(r, "a value", err);
	return NULL;
}

/* ---- arrays and tuples -------------------------------------------------------------------- */

/* One complete type within a signature: a basic one, an array, a struct. *at moves behind it. */
static int read_typed(struct reading *r, const char **at, struct error *err);

static int read_typed_array(struct reading *r, const char **at, struct error *err)
{
	const char *element = ++*at;
	bool first = true;

	if (take_or_fail(r, '[', err) < 0)
		return -1;
	while (!take(r, ']')) {
		*at = element;
		if ((!first && take_or_fail(r, ',', err) < 0) || read_typed(r, at, err) < 0)
			return -1;
		first = false;
	}
	if (first) /* nothing has moved over the element's type */
		*at = *element == '(' ? strchr(element, ')') + 1 : element + 1;
	return 0;
}

static int read_typed(struct reading *r, const char **at, struct error *err)
{
	bool first = true;

	if (**at == 'a')
		return read_typed_array(r, at, err);
	if (**at != '(')
		return read_basic(r, find_basic(*(*at)++), err);
	if (take_or_fail(r, '(', err) < 0)
		return -1;
	for (++*at; **at != ')'; first = false)
		if ((!first && take_or_fail(r, ',', err) < 0) || read_typed(r, at, err) < 0)
			return -1;
	++*at;
	return take_or_fail(r, ')', err);
}

/* "t", "as", "a(st)": what a property can be. */
static bool is_supported(const char *type)
{
	size_t n = strlen(type);

	if (n == 1)
		return find_basic(type[0]) != NULL;
	if (type[0] != 'a' || n == 2)
		return n == 2 && type[0] == 'a' && find_basic(type[1]);
	if (n < 4 || type[1] != '(' || type[n - 1] != ')')
		return false;
	for (size_t i = 2; i < n - 1; i++)
		if (!find_basic(type[i]))
			return false;
	return true;
}

static int infer(struct reading *r, int depth, struct signature *type, struct error *err);

static int infer_array(struct reading *r, int depth, struct signature *type, struct error *err)
{
	size_t element = type->n;

	if (take(r, ']'))
		return error_set(err, EINVAL, "an empty array needs its type: @as []");
	if (infer(r, depth + 1, type, err) < 0)
		return -1;
	while (!take(r, ']')) {
		const char *at = type->text + element;
		if (take_or_fail(r, ',', err) < 0 || read_typed(r, &at, err) < 0)
			return -1;
	}
	return 0;
}

/* Reads a value whose type is not known, and adds that to *type. */
static int infer(struct reading *r, int depth, struct signature *type, struct error *err)
{
	skip_space(r);
	if ((*r->at == '[' || *r->at == '(') && depth == DEPTH_MAX)
		return error_set(err, EINVAL, "nested deeper than an array of tuples");
	if (take(r, '['))
		return add_letter(type, 'a', err) < 0 ? -1 : infer_array(r, depth, type, err);
	if (take(r, '(')) {
		if (add_letter(type, '(', err) < 0)
			return -1;
		do
			if (infer(r, depth + 1, type, err) < 0)
				return -1;
		while (take(r, ','));
		return take_or_fail(r, ')', err) < 0 ? -1 : add_letter(type, ')', err);
	}
	const struct basic *basic = infer_basic(r, err);
	if (!basic || add_letter(type, basic->letter, err) < 0)
		return -1;
	return read_basic(r, basic, err);
}

/* "@SIGNATURE VALUE" */
static int read_annotated(struct reading *r, struct signature *type, struct error *err)
{
	const char *at;

	while (*r->at && !strchr(" \t\n", *r->at))
		if (add_letter(type, *r->at++, err) < 0)
			return -1;
	if (!is_supported(type->text))
		return 0; /* which the caller says */
	at = type->text;
	return read_typed(r, &at, err);
}

static int read_value(struct reading *r, struct signature *type, struct error *err)
{
	if ((take(r, '@') ? read_annotated(r, type, err) : infer(r, 0, type, err)) < 0)
		return -1;
	if (!is_supported(type->text))
		return error_set(err, EINVAL,
				 "no property has the type \"%s\" (a basic type, or an array of "
				 "basic types or of tuples of these)",
				 type->text);
	skip_space(r);
	return *r->at ? wanted(r, "the end", err) : 0;
}

/* ---- properties --------------------------------------------------------------------------- */

static bool is_property_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n >= NAME_LEAST && !name[n];
}

/* "TimeoutStopSec", but neither "FooUSec" nor "FOOSec". */
static bool is_in_seconds(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && str_equal(name + n - 3, "Sec") && name[n - 4] >= 'a' && name[n - 4] <= 'z';
}

static int set_seconds(struct systemd_properties *list, const char *name, const char *type,
		       const char *value, struct error *err)
{
	const uint64_t second = 1000000;
	uint64_t whole;
	cleanup_free char *renamed =
		str_format(err, "%.*sUSec", (int)(strlen(name) - strlen("Sec")), name);

	if (!renamed)
		return -1;
	if (str_equal(type, "d")) {
		double seconds = strtod(value, NULL);
		if (!(seconds >= 0 && seconds < 1e12))
			return error_set(err, ERANGE, "%.48s seconds", value);
		return systemd_property_number(list, renamed, (uint64_t)(seconds * 1e6 + 0.5), err);
	}
	if (!strchr("ynqiuxt", *type) || type[1])
		return error_set(err, EINVAL, "seconds are a number");
	if (!str_to_uint(value, 10, UINT64_MAX / second, &whole))
		return error_set(err, ERANGE, "%s seconds", value);
	return systemd_property_number(list, renamed, whole * second, err);
}

static int apply(const char *name, const char *text, struct systemd_properties *list,
		 struct error *err)
{
	struct signature type = { "", 0 };
	struct reading r = { .at = text, .arena = list->arena };

	if (!is_property_name(name))
		return error_set(err, EINVAL,
				 "\"%s\" is no name of a property (three letters at "
				 "least, and nothing but letters)",
				 name);
	r.values = arena_array(list->arena, VALUES_MAX, sizeof(*r.values), err);
	if (!r.values || read_value(&r, &type, err) < 0)
		return -1;
	if (is_in_seconds(name))
		return set_seconds(list, name, type.text, r.values[0], err);
	return systemd_property_set(list, name, type.text, r.values, r.n_values, err);
}

int systemd_annotation_apply(const struct json_pair *annotations, size_t n_annotations,
			     struct systemd_properties *list, struct error *err)
{
	const size_t n = strlen(SYSTEMD_ANNOTATION_PREFIX);

	for (size_t i = 0; i < n_annotations; i++) {
		const struct json_pair *pair = &annotations[i];

		if (str_starts_with(pair->key, SYSTEMD_ANNOTATION_PREFIX) &&
		    apply(pair->key + n, pair->value, list, err) < 0)
			return error_wrap(err, "annotation %.200s = \"%.200s\"", pair->key,
					  pair->value);
	}
	return 0;
}
