/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number_list.h"

#include <string.h>

#include "base/str.h"

static bool parse_number(const char **p, uint64_t *ret)
{
	char text[8];
	size_t n = strspn(*p, "0123456789");

	if (n >= sizeof(text))
		return false;
	memcpy(text, *p, n);
	text[n] = '\0';
	*p += n;
	return str_to_uint(text, 10, NUMBER_LIST_MAX - 1, ret);
}

bool number_list_parse(const char *text, struct number_list *ret)
{
	for (const char *p = text; *p;) {
		uint64_t first, last;

		p += strspn(p, " ");
		if (!parse_number(&p, &first))
			return false;
		last = first;
		if (*p == '-' && (p++, !parse_number(&p, &last) || last < first))
			return false;
		for (; first <= last; first++)
			ret->mask[first / NUMBER_LIST_WORD] |= 1UL << first % NUMBER_LIST_WORD;
		p += strspn(p, " \n");
		if (*p && *p++ != ',')
			return false;
		if (p[-1] == ',' && !*p)
			return false;
	}
	return true;
}

size_t number_list_count(const struct number_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(list->mask) / sizeof(*list->mask); i++)
		count += (size_t)__builtin_popcountl(list->mask[i]);
	return count;
}
