/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Marks a text that did not fit, so that nobody takes a cut path for a whole one. */
static void mark_cut(struct error *err, int wanted)
{
	if (wanted >= ERROR_TEXT_SIZE)
		memcpy(err->text + ERROR_TEXT_SIZE - 4, "...", 4);
}

/* The length that the text would have, as vsnprintf(3). */
__attribute__((format(printf, 3, 0))) static int set_text(struct error *err, int code,
							  const char *format, va_list ap)
{
	err->code = code;
	return vsnprintf(err->text, sizeof(err->text), format, ap);
}

int(error_set)(struct error *err, int code, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int n = set_text(err, code, format, ap);
	va_end(ap);
	if (code && n >= 0 && n < ERROR_TEXT_SIZE)
		n += snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s",
			      strerrordesc_np(code) ? strerrordesc_np(code) : "unknown error");
	mark_cut(err, n);
	return -1;
}

int(error_plain)(struct error *err, int code, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	mark_cut(err, set_text(err, code, format, ap));
	va_end(ap);
	return -1;
}

int(error_wrap)(struct error *err, const char *format, ...)
{
	char old[ERROR_TEXT_SIZE];
	va_list ap;

	memcpy(old, err->text, sizeof(old));
	va_start(ap, format);
	int n = vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	if (n >= 0 && n < ERROR_TEXT_SIZE)
		n += snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", old);
	mark_cut(err, n);
	return -1;
}

int(error_hint)(struct error *err, const char *format, ...)
{
	char hint[ERROR_TEXT_SIZE];
	va_list ap;
	size_t used = strlen(err->text);

	va_start(ap, format);
	(void)vsnprintf(hint, sizeof(hint), format, ap);
	va_end(ap);
	int n = snprintf(err->text + used, sizeof(err->text) - used, " (%s)", hint);
	mark_cut(err, (int)used + n);
	return -1;
}

int(error_memory)(struct error *err)
{
	return error_set(err, ENOMEM, "allocating memory");
}

bool error_is_shortage(const struct error *err)
{
	static const int codes[] = { ENOMEM, EMFILE, ENFILE, EIO, ENOSPC, ENOLCK };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (err->code == codes[i])
			return true;
	return false;
}
