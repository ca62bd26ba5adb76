/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mountinfo.h"

#include <string.h>

#include "base/str.h"

/* The kernel writes space, tab, newline and backslash as \040 and so on. */
static void unescape(char *text)
{
	char *out = text;

	for (const char *p = text; *p;) {
		if (p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' &&
		    p[3] >= '0' && p[3] <= '7') {
			*out++ = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			p += 4;
		} else {
			*out++ = *p++;
		}
	}
	*out = '\0';
}

/* "36 35 98:0 /root /point options tags… - type source options" */
static bool parse_line(char *line, struct mountinfo *ret)
{
	enum { ID, PARENT, DEVICE, ROOT, POINT, HEAD_FIELDS };
	enum { TYPE, SOURCE, OPTIONS, TAIL_FIELDS };
	char *tail = strstr(line, " - "), *head_at = line, *tail_at, *head[HEAD_FIELDS],
	     *end[TAIL_FIELDS];

	if (!tail)
		return false;
	*tail = '\0';
	tail_at = tail + 3;
	for (int i = 0; i < HEAD_FIELDS; i++)
		if (!(head[i] = strsep(&head_at, " ")) || !*head[i])
			return false;
	for (int i = 0; i < TAIL_FIELDS; i++)
		if (!(end[i] = strsep(&tail_at, " ")))
			return false;
	*ret = (struct mountinfo){
		.root = head[ROOT], .point = head[POINT], .type = end[TYPE], .options = end[OPTIONS]
	};
	unescape(ret->root);
	unescape(ret->point);
	return str_to_uint(head[ID], 10, UINT64_MAX, &ret->id) &&
	       str_to_uint(head[PARENT], 10, UINT64_MAX, &ret->parent);
}

bool mountinfo_next(char **cursor, struct mountinfo *ret)
{
	for (char *line; (line = strsep(cursor, "\n"));)
		if (parse_line(line, ret))
			return true;
	return false;
}

static bool has_option(const char *options, const char *word, size_t size)
{
	for (const char *p = options;; p++) {
		size_t n = strcspn(p, ",");

		if (n == size && memcmp(p, word, size) == 0)
			return true;
		p += n;
		if (!*p)
			return false;
	}
}

bool mountinfo_has_options(const struct mountinfo *mount, const char *list)
{
	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");

		if (!has_option(mount->options, p, n))
			return false;
		p += n + (p[n] == ',');
	}
	return true;
}
