/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio_uri.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const struct {
	const char *name;
	enum stdio_scheme scheme;
} schemes[] = {
	{ "fifo", STDIO_FIFO },
	{ "file", STDIO_FILE },
	{ "binary", STDIO_BINARY },
	{ "binary-v2", STDIO_BINARY_V2 },
};

void stdio_uri_done(struct stdio_uri *uri)
{
	free(uri->args);
	free(uri->path); /* the arguments' text lies behind it */
	*uri = (struct stdio_uri){ 0 };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place, which never takes more room. */
static int decode(char *text, bool plus_is_space, const char *uri, struct error *err)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '+' && plus_is_space) {
			*to++ = ' ';
		} else if (*from != '%') {
			*to++ = *from;
		} else {
			int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);
			if (low < 0 || (high | low) == 0)
				return error_set(err, EINVAL,
						 "%s: \"%.3s\" is no percent-encoded byte of a "
						 "text",
						 uri, from);
			*to++ = (char)(high << 4 | low);
			from += 2;
		}
	}
	*to = '\0';
	return 0;
}

static bool has_key(char *const *args, size_t n_args, const char *key)
{
	for (size_t i = 1; i < n_args; i += 2)
		if (str_equal(args[i], key))
			return true;
	return false;
}

/* "key=value&key=value", which it takes to pieces, to the arguments behind the path. */
static int read_query(char *query, struct stdio_uri *uri, const char *text, struct error *err)
{
	size_t n_args = 1, n_pairs = 1;

	for (const char *p = query; *p; p++)
		n_pairs += *p == '&';
	if (n_pairs > STDIO_URI_PAIRS)
		return error_set(err, EINVAL, "a logging program with more than %d arguments",
				 STDIO_URI_PAIRS);
	uri->args = calloc(1 + 2 * n_pairs + 1, sizeof(*uri->args));
	if (!uri->args)
		return error_memory(err);
	uri->args[0] = uri->path;
	for (char *pair; (pair = strsep(&query, "&"));) {
		if (!*pair)
			continue;
		char *value = pair, *key = strsep(&value, "=");
		if (!value)
			value = key + strlen(key);
		if (decode(key, true, text, err) < 0 || decode(value, true, text, err) < 0)
			return -1;
		if (has_key(uri->args, n_args, key))
			continue;
		uri->args[n_args++] = key;
		uri->args[n_args++] = value;
	}
	return 0;
}

static int find_scheme(const char *text, size_t length, enum stdio_scheme *ret, struct error *err)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i].name) == length && !memcmp(schemes[i].name, text, length)) {
			*ret = schemes[i].scheme;
			return 0;
		}
	(void)error_plain(err, EINVAL, "unknown STDIO scheme %.*s",
			  (int)(length > 64 ? 64 : length), text);
	return error_hint(err, "known are fifo, file, binary and binary-v2");
}

/* What is behind "scheme:". */
static int read_rest(char *rest, struct stdio_uri *uri, const char *text, struct error *err)
{
	static char none[] = "";

	rest[strcspn(rest, "#")] = '\0';
	if (str_starts_with(rest, "//"))
		rest += 2;
	char *query = rest, *path = strsep(&query, "?");
	if (*path != '/')
		return error_set(err, EINVAL, "%s: what is to follow \"://\" is an absolute path",
				 text);
	if (decode(path, false, text, err) < 0)
		return -1;
	if (uri->scheme == STDIO_FIFO || uri->scheme == STDIO_FILE) {
		memmove(uri->path, path, strlen(path) + 1);
		return 0;
	}
	if (read_query(query ? query : none, uri, text, err) < 0)
		return -1;
	/* The start of the block, so that it can be freed; the arguments lie behind. */
	memmove(uri->path, path, strlen(path) + 1);
	return 0;
}

int stdio_uri_parse(const char *text, struct stdio_uri *ret, struct error *err)
{
	struct stdio_uri uri = { .scheme = STDIO_FIFO };
	size_t length = strcspn(text, ":/");
	bool is_path = *text == '/'; /* in which everything counts as it is */

	if (!is_path && text[length] != ':')
		return error_set(err, EINVAL, "%s: neither an absolute path nor a URI", text);
	if (!is_path && find_scheme(text, length, &uri.scheme, err) < 0)
		return -1;
	uri.path = strdup(text);
	if (!uri.path)
		return error_memory(err);
	if (!is_path && read_rest(uri.path + length + 1, &uri, text, err) < 0) {
		stdio_uri_done(&uri);
		return -1;
	}
	*ret = uri;
	return 0;
}
