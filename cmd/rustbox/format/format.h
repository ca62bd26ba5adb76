/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How lists and documents are shown: as a table, as JSON, or by a template
 * ("{{.ID}} {{json .Labels}}", Go's text/template as far as Docker's users use
 * it: fields, index, json, join, lower, upper, title, split, len, println, if/else, range, with,
 * eq ne lt gt and or not; "table " in front makes columns).
 */
#pragma once

#include <stdio.h>

#include "base/error.h"
#include "base/str.h"
#include "cmd/rustbox/format/value.h"

/* Applies the template to each value (a newline behind each), or parses it only (n == 0). */
int format_template(const char *format, const struct value *const *values, size_t n,
		    struct str *out, struct error *err);

/* A table: columns padded with three spaces between, as Docker's. */
struct format_column {
	const char *title; /* "CONTAINER ID" */
	const char *field; /* of the row's object: "ID" */
};

/*
 * Rows (objects of texts and numbers) as --format says: NULL or "table": these
 * columns; "json": one object a line; "table {{.ID}}\t{{.Names}}"; a template; or "ID,Names",
 * "table ID,Names": columns, which may be any field of the rows. no_header for -q-like uses.
 */
int format_rows(const char *format, const struct format_column *columns,
		const struct value *const *rows, size_t n, bool no_header, struct str *out,
		struct error *err);

/* One document: NULL: indented JSON in an array; "json": compact; a template. */
int format_documents(const char *format, const struct value *const *documents, size_t n,
		     struct str *out, struct error *err);

/* "3 minutes ago", "Up 2 hours"; "1.5MB" (decimal), "1.5MiB"; read "256M", "1g", "512000". */
void format_ago(struct str *out, int64_t seconds);
void format_size(struct str *out, uint64_t bytes);
void format_binary_size(struct str *out, uint64_t bytes);
/* Bytes with an optional k, m, g, t (×1024; "kb", "KiB" too). Any negative one is -1,
 * where `allows_negative`. */
int format_read_size(const char *text, bool allows_negative, int64_t *ret, struct error *err);
/* "1m30s", "500ms", "2h", "10" (seconds). Milliseconds; 292 years at most: nanoseconds fit in 63
 * bits. */
#define FORMAT_DURATION_MAX_MS 9223372036854u
int format_read_duration(const char *text, uint64_t *ret_ms, struct error *err);
/* RFC 3339, "2006-01-02T15:04:05", unix seconds with fraction, or "10m" ago: nanoseconds since
 * 1970. */
int format_read_time(const char *text, uint64_t now_ns, uint64_t *ret_ns, struct error *err);
/* A signal's name with or without SIG, or its number. */
int format_read_signal(const char *text, int *ret, struct error *err);
