/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of TOML (toml.io, 1.0) as lists of options need: keys with truth
 * values, whole decimal numbers and texts of one line; comments and [section]
 * headers. Arrays, tables in braces, dates and other numbers are passed over as
 * TOML_OTHER; texts of several lines are refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

enum toml_kind { TOML_BOOL, TOML_NUMBER, TOML_TEXT, TOML_OTHER };

struct toml_entry {
	const char *section; /* "" above the first header; parts joined by dots */
	const char *key;     /* parts joined by dots */
	enum toml_kind kind;
	bool boolean;
	int64_t number;
	const char *text;
	size_t line; /* from 1 */
};

/* Read-only for callers. */
struct toml {
	const char *at, *end;
	size_t line;
	const char *section;
	struct arena *arena; /* where texts go */
};

/* The text is borrowed. Refuses what is not UTF-8, and control characters (NUL among them). */
int toml_begin(struct toml *toml, const char *text, size_t size, struct arena *arena,
	       struct error *err);

/* The next key: 1, 0 at the end, -1 with err ("line 3: …"); then no more can be read. */
int toml_next(struct toml *toml, struct toml_entry *ret, struct error *err);
