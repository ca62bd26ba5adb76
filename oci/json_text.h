/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reader and the writer of JSON need to know about text, and yajl is
 * too lenient about.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

/* The offset of the first byte that is not part of valid UTF-8 (RFC 3629); n when all of it is. */
size_t json_text_utf8(const char *text, size_t n);

/*
 * Refuses invalid UTF-8 and \u escapes of half a surrogate pair anywhere in
 * the text, with line and column.
 */
int json_text_check(const char *text, size_t n, struct error *err);

/* Adds n bytes of valid UTF-8 as they stand between the quotes of a string. */
void json_text_add(struct str *to, const char *text, size_t n);

/* Sets *err to "line 3, column 14: reason" for an offset (columns count bytes). Returns -1. */
int json_text_error(const char *text, size_t offset, const char *reason, struct error *err);
