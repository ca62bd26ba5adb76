/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/reference.h"

#include <string.h>

#include "base/str.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

enum { TAG_MAX = 128 };

static int refuse(const char *text, const char *reason, struct error *err)
{
	(void)error_plain(err, EINVAL, "image name \"%.300s\": %s", text, reason);
	return error_hint(err, "names look like debian, team/app:1.2 or registry:5000/team/app");
}

/* One component of the path: letters and digits, with separators between, never at an end. */
static bool is_component(const char *text, size_t n)
{
	static const char separators[] = "._-";

	if (!n || strchr(separators, text[0]) || strchr(separators, text[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strchr(LOWER DIGIT "._-", text[i]))
			return false;
	return true;
}

static bool is_path(const char *text, size_t n)
{
	for (const char *end = text + n, *slash; text <= end; text = slash + 1) {
		slash = memchr(text, '/', (size_t)(end - text));
		if (!slash)
			slash = end;
		if (!is_component(text, (size_t)(slash - text)))
			return false;
	}
	return true;
}

static bool is_tag(const char *tag)
{
	size_t n = strlen(tag);

	return n && n <= TAG_MAX && tag[0] != '.' && tag[0] != '-' &&
	       strspn(tag, LOWER UPPER DIGIT "_.-") == n;
}

/* The bytes of the registry's name, if it begins with one: it has a dot or a port, or is localhost.
 */
static size_t host_length(const char *text)
{
	size_t n = strcspn(text, "/");

	if (!text[n])
		return 0;
	if (strcspn(text, ".:") < n ||
	    (n == strlen("localhost") && strncmp(text, "localhost", n) == 0))
		return n;
	return 0;
}

static bool is_host(const char *text, size_t n)
{
	size_t name = strcspn(text, ":/");
	uint64_t port;
	char number[8];

	if (!name || strspn(text, LOWER UPPER DIGIT ".-") != name || strchr(".-", text[0]) ||
	    memmem(text, name, "..", 2))
		return false;
	if (name >= n)
		return true;
	if (n - name - 1 >= sizeof(number))
		return false;
	memcpy(number, text + name + 1, n - name - 1);
	number[n - name - 1] = '\0';
	return str_to_uint(number, 10, UINT16_MAX, &port);
}

int reference_read(const char *text, struct arena *arena, char **ret, struct error *err)
{
	size_t host = host_length(text), path;
	const char *rest = host ? text + host + 1 : text, *tag;

	if (strchr(text, '@'))
		return refuse(text, "a digest names no image that is given a name here", err);
	if (host && !is_host(text, host))
		return refuse(text, "the registry's name is not well-formed", err);
	path = strcspn(rest, ":");
	tag = rest[path] ? rest + path + 1 : "latest";
	if (!is_path(rest, path))
		return refuse(text, "a-z 0-9, and . _ - between them, are allowed", err);
	if (!is_tag(tag))
		return refuse(text, "the tag has up to 128 of a-z A-Z 0-9 _ . -", err);
	if (host && (strncmp(text, "docker.io/", host + 1) == 0 ||
		     strncmp(text, "index.docker.io/", host + 1) == 0))
		host = 0;
	if (!host && rest > text && host_length(rest))
		return refuse(text, "two registries", err);
	if (!host && str_starts_with(rest, "library/") &&
	    !memchr(rest + strlen("library/"), '/', path - strlen("library/"))) {
		rest += strlen("library/");
		path -= strlen("library/");
	}
	*ret = arena_format(arena, err, "%.*s%s%.*s:%s", (int)host, text, host ? "/" : "",
			    (int)path, rest, tag);
	if (!*ret)
		return -1;
	return strlen(*ret) > REFERENCE_MAX ? refuse(text, "it is too long", err) : 0;
}

void reference_to_file(char *name)
{
	for (; (name = strchr(name, '/')); name++)
		*name = '%';
}

void reference_from_file(char *name)
{
	for (; (name = strchr(name, '%')); name++)
		*name = '/';
}
