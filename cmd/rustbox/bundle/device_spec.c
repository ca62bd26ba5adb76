/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/device_spec.h"

#include <limits.h>
#include <string.h>

#include "base/str.h"

static bool is_access(const char *text)
{
	size_t n = strspn(text, "rwm");

	if (!n || text[n])
		return false;
	for (size_t i = 0; i < n; i++)
		if (strchr(text + i + 1, text[i]))
			return false;
	return true;
}

int device_spec_parse(const char *text, struct arena *arena, struct device_request *ret,
		      struct error *err)
{
	char *source = arena_strdup(arena, text, err), *second, *third = NULL;

	if (!source)
		return -1;
	second = strchr(source, ':');
	if (second)
		*second++ = '\0';
	if (second && (third = strchr(second, ':')))
		*third++ = '\0';
	/* "/dev/x:r": the second part may be the access as well. */
	if (second && !third && is_access(second)) {
		third = second;
		second = NULL;
	}
	if (*source != '/' && strchr(source, '='))
		return error_set(err, 0, "devices by CDI names are not supported; give the path");
	if (*source != '/' || (second && *second != '/'))
		return error_set(err, 0, "write PATH[:PATH][:rwm] with absolute paths");
	if (third && !is_access(third))
		return error_set(err, 0, "access \"%s\" is not made of r, w and m", third);
	*ret = (struct device_request){
		.source = source,
		.destination = second ? second : source,
		.access = third ? third : "rwm",
	};
	return 0;
}

/* A number or "*", up to the separator; *cursor goes behind it. */
static bool read_number(char **cursor, char separator, struct json_int *ret)
{
	char *text = *cursor, *end = strchr(text, separator);
	int64_t number;

	if (!end)
		return false;
	*end = '\0';
	*cursor = end + 1;
	*ret = (struct json_int){ false, 0 };
	if (strcmp(text, "*") == 0)
		return true;
	if (!str_to_int(text, 0, INT_MAX, &number))
		return false;
	*ret = (struct json_int){ true, number };
	return true;
}

int device_spec_parse_rule(const char *text, struct arena *arena, struct spec_device_rule *ret,
			   struct error *err)
{
	struct spec_device_rule rule = { .allow = true };
	char *copy = arena_strdup(arena, text, err), *cursor = copy;

	if (!copy)
		return -1;
	if (!*copy || !strchr("abc", *copy) || copy[1] != ' ')
		return error_set(err, 0, "\"%s\" is not of the form \"c 1:3 rwm\"", text);
	copy[1] = '\0';
	rule.type = copy;
	cursor += 2;
	if (!read_number(&cursor, ':', &rule.major) || !read_number(&cursor, ' ', &rule.minor) ||
	    !is_access(cursor))
		return error_set(err, 0, "\"%s\" is not of the form \"c 1:3 rwm\"", text);
	rule.access = cursor;
	*ret = rule;
	return 0;
}
