/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings: a builder, and number parsers that take the whole text or nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A growing text. Starts as STR_EMPTY; `text` is NUL-terminated, or NULL as
 * long as nothing was added. Once memory ran out it stays `failed`, so that a
 * row of adds needs one check at its end (str_take).
 */
struct str {
	char *text;
	size_t size, capacity;
	bool failed;
};
#define STR_EMPTY                                                                                  \
	{                                                                                          \
		NULL, 0, 0, false                                                                  \
	}

void str_add(struct str *s, const char *text);
void str_add_bytes(struct str *s, const void *data, size_t n);
void str_add_format(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text, the caller's to free ("" if nothing was added); NULL when memory ran out (err set). */
char *str_take(struct str *s, struct error *err);

void str_done(struct str *s);
#define cleanup_str __attribute__((cleanup(str_done)))

/* malloc'd text, or NULL with err set. */
char *str_format(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool str_equal(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts_with(const char *s, const char *prefix);
bool str_ends_with(const char *s, const char *suffix);

/*
 * The number that the whole text is, in the base (8, 10 or 16; no prefix, no
 * sign for the unsigned one, no white space, no empty text). False if it is
 * not one, or is out of range: then *ret is unchanged.
 */
bool str_to_uint(const char *s, int base, uint64_t max, uint64_t *ret);
bool str_to_int(const char *s, int64_t min, int64_t max, int64_t *ret);
