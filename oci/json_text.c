/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Length of the UTF-8 sequence that begins with `lead`, and the range of its
 * second byte, which is where overlong forms, surrogates and numbers above
 * U+10FFFF show (RFC 3629, section 4). 0: no sequence begins so.
 */
static size_t sequence(unsigned char lead, unsigned char *ret_low, unsigned char *ret_high)
{
	*ret_low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*ret_high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return lead < 0x80 ? 1 : 0;
}

/* How much is ASCII from the beginning on: nearly always all, which eight bytes at a time tell. */
static size_t ascii_length(const unsigned char *s, size_t n)
{
	uint64_t eight;
	size_t at = 0;

	for (; n - at >= sizeof(eight); at += sizeof(eight)) {
		memcpy(&eight, s + at, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	while (at < n && s[at] < 0x80)
		at++;
	return at;
}

size_t json_text_utf8(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t at = ascii_length(s, n); at < n; at += ascii_length(s + at, n - at)) {
		unsigned char low, high;
		size_t length = sequence(s[at], &low, &high);
		if (length == 0 || length > n - at)
			return at;
		for (size_t i = 1; i < length; i++) {
			if (s[at + i] < low || s[at + i] > high)
				return at;
			low = 0x80;
			high = 0xbf;
		}
		at += length;
	}
	return n;
}

/* The number of a "\uXXXX" at s, -1 if there is none within n bytes. */
static int escape_number(const char *s, size_t n)
{
	int number = 0;

	if (n < 6 || s[0] != '\\' || s[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int c = (unsigned char)s[i] | 0x20;
		if (c >= '0' && c <= '9')
			number = number * 16 + c - '0';
		else if (c >= 'a' && c <= 'f')
			number = number * 16 + c - 'a' + 10;
		else
			return -1;
	}
	return number;
}

/*
 * The length of the escape at s; 0 for half a surrogate pair, which yajl would
 * turn into something else. What is no escape at all is left to yajl.
 */
static size_t escape_length(const char *s, size_t n)
{
	int number = escape_number(s, n);

	if (number < 0xd800 || number > 0xdfff)
		return 2;
	if (number >= 0xdc00)
		return 0;
	number = escape_number(s + 6, n - 6);
	return number >= 0xdc00 && number <= 0xdfff ? 12 : 0;
}

int json_text_check(const char *text, size_t n, struct error *err)
{
	size_t valid = json_text_utf8(text, n);

	if (valid < n)
		return json_text_error(text, valid, "not valid UTF-8", err);
	for (size_t at = 0; at < n;) {
		const char *backslash = memchr(text + at, '\\', n - at);
		if (!backslash)
			break;
		at = (size_t)(backslash - text);
		size_t length = escape_length(backslash, n - at);
		if (length == 0)
			return json_text_error(text, at, "an escape of half a surrogate pair", err);
		at += length;
	}
	return 0;
}

static void add_character(struct str *to, unsigned char c)
{
	static const char escapes[] = {
		['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r', ['\b'] = 'b', ['\f'] = 'f', [' '] = 0
	};

	if (c == '"' || c == '\\')
		str_add_format(to, "\\%c", c);
	else if (c < ' ' && escapes[c])
		str_add_format(to, "\\%c", escapes[c]);
	else
		str_add_format(to, "\\u%04x", c);
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c != '"' && c != '\\' && c != 0x7f;
}

void json_text_add(struct str *to, const char *text, size_t n)
{
	for (size_t at = 0, end; at < n; at = end) {
		for (end = at; end < n && is_plain((unsigned char)text[end]);)
			end++;
		str_add_bytes(to, text + at, end - at);
		if (end < n)
			add_character(to, (unsigned char)text[end++]);
	}
}

int json_text_error(const char *text, size_t offset, const char *reason, struct error *err)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; i < offset; i++)
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	return error_set(err, 0, "line %zu, column %zu: %s", line, offset - start + 1, reason);
}
