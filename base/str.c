/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool make_room(struct str *s, size_t n)
{
	if (s->failed)
		return false;
	if (s->capacity - s->size > n)
		return true;
	size_t wanted = s->capacity ? s->capacity : 64;
	while (wanted - s->size <= n)
		wanted *= 2;
	char *grown = realloc(s->text, wanted);
	if (!grown) {
		s->failed = true;
		return false;
	}
	s->text = grown;
	s->capacity = wanted;
	return true;
}

void str_add_bytes(struct str *s, const void *data, size_t n)
{
	if (!make_room(s, n))
		return;
	if (n)
		memcpy(s->text + s->size, data, n);
	s->size += n;
	s->text[s->size] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_bytes(s, text, strlen(text));
}

void str_add_format(struct str *s, const char *format, ...)
{
	va_list ap, again;

	va_start(ap, format);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, format, ap);
	if (n >= 0 && make_room(s, (size_t)n + 1)) {
		(void)vsnprintf(s->text + s->size, (size_t)n + 1, format, again);
		s->size += (size_t)n;
	}
	va_end(again);
	va_end(ap);
}

char *str_take(struct str *s, struct error *err)
{
	str_add(s, "");
	if (s->failed) {
		error_memory(err);
		return NULL;
	}
	char *text = move_ptr(&s->text);
	*s = (struct str)STR_EMPTY;
	return text;
}

void str_done(struct str *s)
{
	free(s->text);
	*s = (struct str)STR_EMPTY;
}

char *str_format(struct error *err, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		error_memory(err);
		return NULL;
	}
	return text;
}

bool str_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool str_starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_to_uint(const char *s, int base, uint64_t max, uint64_t *ret)
{
	char *end;

	if (!isxdigit((unsigned char)*s) || (base == 16 && (s[1] == 'x' || s[1] == 'X')))
		return false;
	errno = 0;
	unsigned long long value = strtoull(s, &end, base);
	if (errno || *end || value > max)
		return false;
	*ret = value;
	return true;
}

bool str_to_int(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)s[*s == '-']))
		return false;
	errno = 0;
	long long value = strtoll(s, &end, 10);
	if (errno || *end || value < min || value > max)
		return false;
	*ret = value;
	return true;
}
