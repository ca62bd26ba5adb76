/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <ctype.h>
#include <getopt.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"

/* getopt's codes: letters are themselves, in-order arguments are 1, rows come behind. */
enum { CODE_ARGUMENT = 1, CODE_ROW = 0x10000 };

struct parser {
	const struct option_row *rows;
	size_t n_rows;
	char **argv;
	int argc;
	struct option *longs; /* the rows, then --help */
	char *letters;
	char **rest;
	size_t n_rest;
	void *out;
	struct arena *arena;
};

/* ---- values ---- */

static bool read_bool(const char *value, bool *ret)
{
	static const char *const yes[] = { "true", "1", "t", "T", "TRUE", "True" };
	static const char *const no[] = { "false", "0", "f", "F", "FALSE", "False" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
			*ret = strcmp(value, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

static int set_flag(struct parser *p, const struct option_row *row, void *member, char *value,
		    struct error *err)
{
	bool on = true;

	if (value && !read_bool(value, &on))
		return error_set(err, 0, "--%s: \"%s\" is neither true nor false", row->name,
				 value);
	*(bool *)member = on;
	return 0;
}

static int set_path(struct parser *p, const char **member, const char *value, struct error *err)
{
	if (!*value) {
		*member = NULL;
		return 0;
	}
	cleanup_free char *absolute = path_absolute(value, err);
	if (!absolute)
		return -1;
	cleanup_free char *clean = path_clean(absolute, err);
	if (!clean)
		return -1;
	*member = arena_strdup(p->arena, clean, err);
	return *member ? 0 : -1;
}

static int set_string(struct parser *p, const struct option_row *row, void *member, char *value,
		      struct error *err)
{
	if (row->path != OPTION_NO_PATH && row->path != OPTION_FILE_OR_WORD)
		return set_path(p, member, value, err);
	*(const char **)member = value;
	return 0;
}

/* Room for one more, and an end of zeros: copied whenever the count is a power of two. */
static void *longer(struct parser *p, void *items, size_t count, size_t size, struct error *err)
{
	char *copy;

	if (count & (count - 1))
		return items;
	copy = arena_array(p->arena, 2 * count + 2, size, err);
	if (copy && count)
		memcpy(copy, items, count * size);
	return copy;
}

static int set_strings(struct parser *p, const struct option_row *row, void *member, char *value,
		       struct error *err)
{
	struct option_strings *list = member;
	char **items = longer(p, list->items, list->count, sizeof(*items), err);

	if (!items)
		return -1;
	items[list->count++] = value;
	list->items = items;
	return 0;
}

static int set_int(struct parser *p, const struct option_row *row, void *member, char *value,
		   struct error *err)
{
	bool bounded = row->min || row->max;
	struct option_int number = { .set = true };

	if (!str_to_int(value, bounded ? row->min : INT64_MIN, bounded ? row->max : INT64_MAX,
			&number.value)) {
		if (bounded)
			return error_set(err, 0, "--%s: \"%s\" is not a number from %lld to %lld",
					 row->name, value, (long long)row->min,
					 (long long)row->max);
		return error_set(err, 0, "--%s: \"%s\" is not a number", row->name, value);
	}
	*(struct option_int *)member = number;
	return 0;
}

static int read_uint(const struct option_row *row, const char *value, uint64_t most, uint64_t *ret,
		     struct error *err)
{
	if (row->max && (uint64_t)row->max < most)
		most = (uint64_t)row->max;
	if (!str_to_uint(value, 10, most, ret))
		return error_set(err, 0, "--%s: \"%s\" is not a number from 0 to %llu", row->name,
				 value, (unsigned long long)most);
	return 0;
}

static int set_uint(struct parser *p, const struct option_row *row, void *member, char *value,
		    struct error *err)
{
	struct option_uint number = { .set = true };

	if (read_uint(row, value, UINT64_MAX, &number.value, err) < 0)
		return -1;
	*(struct option_uint *)member = number;
	return 0;
}

static int set_numbers(struct parser *p, const struct option_row *row, void *member, char *value,
		       struct error *err)
{
	struct option_numbers *list = member;
	uint64_t number = 0;

	if (read_uint(row, value, UINT32_MAX, &number, err) < 0)
		return -1;
	uint32_t *items = longer(p, list->items, list->count, sizeof(*items), err);
	if (!items)
		return -1;
	items[list->count++] = (uint32_t)number;
	list->items = items;
	return 0;
}

static int set_choice(struct parser *p, const struct option_row *row, void *member, char *value,
		      struct error *err)
{
	cleanup_str struct str names = STR_EMPTY;

	for (int i = 0; row->choices[i]; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			*(int *)member = i;
			return 0;
		}
		str_add_format(&names, "%s%s", i ? ", " : "", row->choices[i]);
	}
	return error_set(err, 0, "--%s: \"%s\" is not one of %s", row->name, value,
			 names.failed || !names.text ? "the known ones" : names.text);
}

static int set_value(struct parser *p, const struct option_row *row, char *value, struct error *err)
{
	static int (*const setters[])(struct parser *, const struct option_row *, void *, char *,
				      struct error *) = {
		[OPTION_FLAG] = set_flag,	[OPTION_STRING] = set_string,
		[OPTION_STRINGS] = set_strings, [OPTION_INT] = set_int,
		[OPTION_UINT] = set_uint,	[OPTION_NUMBERS] = set_numbers,
		[OPTION_CHOICE] = set_choice,
	};

	if (row->instead) {
		(void)error_set(err, 0, "there is no --%s here", row->name);
		return error_hint(err, "%s", row->instead);
	}
	return setters[row->kind](p, row, (char *)p->out + row->offset, value, err);
}

/* ---- getopt ---- */

static int prepare(struct parser *p, enum options_order order, struct error *err)
{
	while (p->rows && p->rows[p->n_rows].name)
		p->n_rows++;
	while (p->argv[p->argc])
		p->argc++;
	p->longs = arena_array(p->arena, p->n_rows + 2, sizeof(*p->longs), err);
	p->letters = arena_array(p->arena, p->n_rows + 4, 2, err);
	p->rest = arena_array(p->arena, (size_t)p->argc + 1, sizeof(*p->rest), err);
	if (!p->longs || !p->letters || !p->rest)
		return -1;

	/* '-' and '+' also make $POSIXLY_CORRECT count for nothing; ':' tells errors apart. */
	char *letter = p->letters;
	*letter++ = order == OPTIONS_FIRST ? '+' : '-';
	*letter++ = ':';
	*letter++ = 'h';
	for (size_t i = 0; i < p->n_rows; i++) {
		const struct option_row *row = &p->rows[i];
		bool flag = row->kind == OPTION_FLAG;

		p->longs[i].name = row->name;
		p->longs[i].has_arg = flag ? optional_argument : required_argument;
		p->longs[i].val = CODE_ROW + (int)i;
		if (row->letter)
			*letter++ = row->letter;
		if (row->letter && !flag)
			*letter++ = ':';
	}
	p->longs[p->n_rows].name = "help";
	p->longs[p->n_rows].val = CODE_ROW + (int)p->n_rows;
	return 0;
}

/* The row of one of getopt's codes; NULL for --help. */
static const struct option_row *find_row(const struct parser *p, int code)
{
	if (code >= CODE_ROW)
		return code - CODE_ROW < (int)p->n_rows ? &p->rows[code - CODE_ROW] : NULL;
	for (size_t i = 0; i < p->n_rows; i++)
		if (p->rows[i].letter == code)
			return &p->rows[i];
	return NULL;
}

/* A word as it was typed, without its dashes and its value. */
static const char *bare_word(const char *element, size_t *ret_length)
{
	size_t dashes = strspn(element, "-");

	element += dashes < 2 ? dashes : 2;
	*ret_length = strcspn(element, "=");
	return element;
}

static int unknown_option(const struct parser *p, const char *element, struct error *err)
{
	char word[64];
	size_t length;
	const char *bare = bare_word(element, &length);
	struct options_nearest nearest = { .word = word };

	(void)error_set(err, 0, "unknown option %.*s", (int)(bare - element) + (int)length,
			element);
	if (length >= sizeof(word))
		return -1;
	memcpy(word, bare, length);
	word[length] = '\0';
	for (size_t i = 0; i < p->n_rows; i++)
		if (!p->rows[i].hidden)
			options_offer(&nearest, p->rows[i].name);
	if (nearest.name)
		(void)error_hint(err, "did you mean --%s?", nearest.name);
	return -1;
}

static int not_understood(const struct parser *p, int code, struct error *err)
{
	if (code == ':') {
		const struct option_row *row = find_row(p, optopt);

		return error_set(err, 0, "--%s needs an argument: %s", row ? row->name : "?",
				 row && row->argument ? row->argument : "a value");
	}
	if (optopt > ' ' && optopt < 0x7f) {
		const char letter[] = { '-', (char)optopt, '\0' };
		return unknown_option(p, letter, err);
	}
	return unknown_option(p, p->argv[optind - 1], err);
}

/*
 * getopt takes any beginning of a name that is unambiguous. Scripts that rely
 * on one break with the next option added, so that only whole names count.
 */
static bool is_whole_name(const struct parser *p, const struct option_row *row,
			  const char **ret_element)
{
	const char *name = row ? row->name : "help";
	const char *element = p->argv[optind - 1];
	size_t length;

	if (optarg == element)
		element = p->argv[optind - 2];
	*ret_element = element;
	const char *bare = bare_word(element, &length);
	if (length == 1 && row && bare[0] == row->letter)
		return true; /* "-d=false" */
	return strlen(name) == length && memcmp(name, bare, length) == 0;
}

/* 0: go on; 1: help; -1: error. */
static int take_option(struct parser *p, int code, struct error *err)
{
	const struct option_row *row;
	const char *element;

	if (code == CODE_ARGUMENT) {
		p->rest[p->n_rest++] = optarg;
		return 0;
	}
	if (code == '?' || code == ':')
		return not_understood(p, code, err);
	row = find_row(p, code);
	if (code >= CODE_ROW && !is_whole_name(p, row, &element))
		return unknown_option(p, element, err);
	return row ? set_value(p, row, optarg, err) : 1;
}

static int set_fallbacks(struct parser *p, struct error *err)
{
	for (size_t i = 0; i < p->n_rows; i++) {
		if (!p->rows[i].fallback)
			continue;
		char *value = arena_strdup(p->arena, p->rows[i].fallback, err);
		if (!value || set_value(p, &p->rows[i], value, err) < 0)
			return -1;
	}
	return 0;
}

int options_parse(const struct option_row *rows, enum options_order order, char **argv, void *out,
		  struct arena *arena, char ***ret_rest, struct error *err)
{
	struct parser p = { .rows = rows, .argv = argv, .out = out, .arena = arena };
	int code, done;

	if (prepare(&p, order, err) < 0 || set_fallbacks(&p, err) < 0)
		return -1;
	optind = 0; /* starts getopt anew */
	opterr = 0;
	while (p.argc > 0 &&
	       (code = getopt_long_only(p.argc, p.argv, p.letters, p.longs, NULL)) != -1) {
		done = take_option(&p, code, err);
		if (done)
			return done;
	}
	for (int i = optind; i < p.argc; i++)
		p.rest[p.n_rest++] = argv[i];
	*ret_rest = p.rest;
	return 0;
}

/* ---- the nearest name ---- */

enum { NAME_SIZE = 64 };

/* Insertions, deletions and changes that make one of the other. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[NAME_SIZE + 1], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t change = diagonal + (a[i] != b[j]);
			size_t other = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;

			diagonal = row[j + 1];
			row[j + 1] = change < other ? change : other;
		}
	}
	return row[n];
}

void options_offer(struct options_nearest *nearest, const char *name)
{
	size_t length = strlen(nearest->word), distance;

	/* One letter is near to everything, and a longer word than these is no slip. */
	if (length < 2 || length >= NAME_SIZE || strlen(name) >= NAME_SIZE)
		return;
	distance = str_starts_with(name, nearest->word) ? 0 : edit_distance(nearest->word, name);
	if (distance > 1 + length / 4)
		return;
	if (!nearest->name || distance < nearest->distance) {
		nearest->name = name;
		nearest->distance = distance;
	}
}
