/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/toml.h"

#include <string.h>

#include "base/str.h"
#include "oci/json_text.h"

enum { NESTING_MAX = 64, WORD_MAX = 64 };

static int fail(const struct toml *t, struct error *err, const char *reason)
{
	return error_set(err, 0, "line %zu: %s", t->line, reason);
}

static bool at(const struct toml *t, char c)
{
	return t->at < t->end && *t->at == c;
}

static bool take(struct toml *t, char c)
{
	if (!at(t, c))
		return false;
	t->at++;
	return true;
}

static void skip_blanks(struct toml *t)
{
	while (at(t, ' ') || at(t, '\t'))
		t->at++;
}

static void skip_comment(struct toml *t)
{
	if (at(t, '#'))
		while (t->at < t->end && *t->at != '\n')
			t->at++;
}

static bool take_newline(struct toml *t)
{
	if (t->end - t->at >= 2 && t->at[0] == '\r' && t->at[1] == '\n')
		t->at++;
	if (!take(t, '\n'))
		return false;
	t->line++;
	return true;
}

static void skip_space(struct toml *t)
{
	do {
		skip_blanks(t);
		skip_comment(t);
	} while (take_newline(t));
}

static int expect_line_end(struct toml *t, struct error *err)
{
	skip_blanks(t);
	skip_comment(t);
	if (t->at == t->end || take_newline(t))
		return 0;
	return fail(t, err, "only a comment can follow on the same line");
}

int toml_begin(struct toml *toml, const char *text, size_t size, struct arena *arena,
	       struct error *err)
{
	struct toml t = { text, text + size, 1, "", arena };

	if (json_text_utf8(text, size) != size)
		return error_set(err, 0, "the text is not UTF-8");
	for (; t.at < t.end; t.at++) {
		unsigned char c = (unsigned char)*t.at;
		if (c == '\n')
			t.line++;
		else if (c == 0x7f || (c < ' ' && c != '\t' &&
				       !(c == '\r' && t.end - t.at >= 2 && t.at[1] == '\n')))
			return fail(&t, err, "a control character");
	}
	t.at = text;
	t.line = 1;
	*toml = t;
	return 0;
}

/* ---- texts ---- */

static const struct escape {
	char letter, meaning;
} escapes[] = { { 'b', '\b' }, { 't', '\t' }, { 'n', '\n' },  { 'f', '\f' },
		{ 'r', '\r' }, { '"', '"' },  { '\\', '\\' }, { '\0', '\0' } };

static void add_utf8(struct str *out, uint32_t c)
{
	static const struct {
		uint32_t below;
		unsigned char lead;
		int more;
	} forms[] = { { 0x80, 0, 0 }, { 0x800, 0xc0, 1 }, { 0x10000, 0xe0, 2 }, { 0, 0xf0, 3 } };
	size_t form = 0;

	while (forms[form].below && c >= forms[form].below)
		form++;
	for (int i = forms[form].more; i >= 0; i--) {
		bool first = i == forms[form].more;
		unsigned char byte = (unsigned char)(first ? forms[form].lead | c >> (6 * i)
							   : 0x80 | (c >> (6 * i) & 0x3f));
		str_add_bytes(out, &byte, 1);
	}
}

/* The digits of \u and \U. */
static int read_code_point(struct toml *t, size_t digits, struct str *out, struct error *err)
{
	char hex[9] = "";
	uint64_t c = 0;

	if ((size_t)(t->end - t->at) >= digits)
		memcpy(hex, t->at, digits);
	if (!str_to_uint(hex, 16, 0x10ffff, &c) || c == 0 || (c >= 0xd800 && c < 0xe000))
		return fail(t, err, "\\u and \\U want 4 or 8 hexadecimal digits of a character");
	t->at += digits;
	add_utf8(out, (uint32_t)c);
	return 0;
}

static int read_escape(struct toml *t, struct str *out, struct error *err)
{
	char letter = t->at < t->end ? *t->at++ : '\0';

	if (letter == 'u' || letter == 'U')
		return read_code_point(t, letter == 'u' ? 4 : 8, out, err);
	for (const struct escape *e = escapes; e->letter; e++)
		if (e->letter == letter) {
			str_add_bytes(out, &e->meaning, 1);
			return 0;
		}
	return fail(t, err, "an unknown \\ sequence");
}

/* A text in "" or '', at its first quote. */
static int read_quoted(struct toml *t, struct str *out, struct error *err)
{
	char quote = *t->at++;

	if (t->end - t->at >= 2 && t->at[0] == quote && t->at[1] == quote)
		return fail(t, err, "texts of several lines are not understood here");
	while (t->at < t->end && *t->at != quote && *t->at != '\n') {
		if (quote == '"' && take(t, '\\')) {
			if (read_escape(t, out, err) < 0)
				return -1;
			continue;
		}
		str_add_bytes(out, t->at++, 1);
	}
	return take(t, quote) ? 0 : fail(t, err, "a text has no end");
}

static const char *keep(struct toml *t, const struct str *s, struct error *err)
{
	if (s->failed)
		return error_memory(err), NULL;
	return arena_strndup(t->arena, s->text ? s->text : "", s->size, err);
}

/* ---- keys and headers ---- */

static bool is_one_of(const struct toml *t, const char *characters)
{
	return t->at < t->end && *t->at && strchr(characters, *t->at);
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

static int read_key_part(struct toml *t, struct str *out, struct error *err)
{
	const char *begin = t->at;

	if (at(t, '"') || at(t, '\''))
		return read_quoted(t, out, err);
	while (is_one_of(t, LETTERS DIGITS "_-"))
		t->at++;
	str_add_bytes(out, begin, (size_t)(t->at - begin));
	return t->at > begin ? 0 : fail(t, err, "a key is expected: Name = value");
}

static const char *read_key(struct toml *t, struct error *err)
{
	cleanup_str struct str key = STR_EMPTY;

	for (;;) {
		skip_blanks(t);
		if (read_key_part(t, &key, err) < 0)
			return NULL;
		skip_blanks(t);
		if (!take(t, '.'))
			return keep(t, &key, err);
		str_add(&key, ".");
	}
}

/* [section] or [[section]], behind the first bracket. */
static int read_header(struct toml *t, struct error *err)
{
	bool twice = take(t, '[');
	const char *section = read_key(t, err);

	if (!section)
		return -1;
	if (!take(t, ']') || (twice && !take(t, ']')))
		return fail(t, err, "a section's name has no end: [name]");
	if (expect_line_end(t, err) < 0)
		return -1;
	t->section = section;
	return 0;
}

/* ---- values ---- */

/* Passes over an array or a table, which may hold others, at its first bracket. */
static int skip_nested(struct toml *t, struct error *err)
{
	char closing[NESTING_MAX];
	size_t depth = 0;

	do {
		skip_space(t);
		if (t->at == t->end)
			return fail(t, err, "an array or a table has no end");
		if (at(t, '"') || at(t, '\'')) {
			cleanup_str struct str ignored = STR_EMPTY;
			if (read_quoted(t, &ignored, err) < 0)
				return -1;
			continue;
		}
		char c = *t->at++;
		if (c == '[' || c == '{') {
			if (depth == NESTING_MAX)
				return fail(t, err, "too many brackets in each other");
			closing[depth++] = c == '[' ? ']' : '}';
		} else if ((c == ']' || c == '}') && (!depth || closing[--depth] != c))
			return fail(t, err, "a bracket does not match");
	} while (depth);
	return 0;
}

/* true, a number; or a date, a fraction and the like, which begin as numbers do. */
static int read_word(struct toml *t, struct toml_entry *entry, struct error *err)
{
	char word[WORD_MAX] = "";
	const char *begin = t->at;

	while (is_one_of(t, LETTERS DIGITS "+-._:"))
		t->at++;
	if (t->at == begin || (size_t)(t->at - begin) >= sizeof(word))
		return fail(t, err, "a value is expected: true, false, a number or a text");
	memcpy(word, begin, (size_t)(t->at - begin));
	if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
		entry->kind = TOML_BOOL;
		entry->boolean = word[0] == 't';
		return 0;
	}
	const char *digits = word + (word[0] == '-');
	bool decimal = digits[0] != '0' || !digits[1];
	if (decimal && str_to_int(word, INT64_MIN, INT64_MAX, &entry->number))
		entry->kind = TOML_NUMBER;
	else if (strchr(DIGITS "+-", word[0]) || strcmp(word, "inf") == 0 ||
		 strcmp(word, "nan") == 0)
		entry->kind = TOML_OTHER;
	else
		return fail(t, err, "a text needs quotes");
	return 0;
}

static int read_text(struct toml *t, struct toml_entry *entry, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;

	entry->kind = TOML_TEXT;
	if (read_quoted(t, &text, err) < 0)
		return -1;
	entry->text = keep(t, &text, err);
	return entry->text ? 0 : -1;
}

static int read_value(struct toml *t, struct toml_entry *entry, struct error *err)
{
	if (at(t, '"') || at(t, '\''))
		return read_text(t, entry, err);
	if (at(t, '[') || at(t, '{')) {
		entry->kind = TOML_OTHER;
		return skip_nested(t, err);
	}
	return read_word(t, entry, err);
}

int toml_next(struct toml *toml, struct toml_entry *ret, struct error *err)
{
	struct toml_entry entry = { 0 };

	for (skip_space(toml); take(toml, '['); skip_space(toml))
		if (read_header(toml, err) < 0)
			return -1;
	if (toml->at == toml->end)
		return 0;
	entry.line = toml->line;
	entry.section = toml->section;
	entry.key = read_key(toml, err);
	if (!entry.key)
		return -1;
	if (!take(toml, '='))
		return fail(toml, err, "= is expected behind the key");
	skip_blanks(toml);
	if (read_value(toml, &entry, err) < 0 || expect_line_end(toml, err) < 0)
		return -1;
	*ret = entry;
	return 1;
}
