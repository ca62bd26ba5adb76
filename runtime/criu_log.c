/* SPDX-License-Identifier: Apache-2.0 */
/* What CRIU's log says of a failure. */
#include <stdio.h>

#include "runtime/criu.h"

enum { EXCERPT_LINES = 3 };

struct line {
	const char *text;
	size_t size;
};

/*
 * What a program had for an exit code, that it all was in vain, and a limit that
 * it would have liked to be higher, are no reasons.
 */
static bool is_reason(const struct line *line)
{
	static const char *const empty[] = { "exited, status=", "ing FAILED.",
					     "Can't setup RLIMIT_NOFILE for self" };

	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		if (memmem(line->text, line->size, empty[i], strlen(empty[i])))
			return false;
	return true;
}

static bool is_among(const struct line *lines, size_t n, const struct line *line)
{
	for (size_t i = 0; i < n; i++)
		if (lines[i].size == line->size &&
		    memcmp(lines[i].text, line->text, line->size) == 0)
			return true;
	return false;
}

static size_t last_reasons(const char *log, struct line found[EXCERPT_LINES])
{
	size_t n = 0;

	for (const char *p = log; (p = strstr(p, "Error (")); p += strcspn(p, "\n")) {
		struct line line = { p, strcspn(p, "\n") };

		if (!is_reason(&line) || is_among(found, n, &line))
			continue;
		if (n == EXCERPT_LINES)
			memmove(found, found + 1, (--n) * sizeof(*found));
		found[n++] = line;
	}
	return n;
}

void criu_log_excerpt(const char *log, char *buffer, size_t size)
{
	struct line found[EXCERPT_LINES];
	size_t n = last_reasons(log, found), used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < n && used < size; i++) {
		int wrote = snprintf(buffer + used, size - used, "%s%.*s", i ? "; " : "",
				     (int)found[i].size, found[i].text);

		used += wrote > 0 ? (size_t)wrote : 0;
	}
	for (char *p = buffer; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}
