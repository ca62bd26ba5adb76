/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --filter KEY=VALUE: filters of one key are alternatives, but for labels; what
 * different keys ask for has to hold together.
 */
#pragma once

#include "base/options.h"
#include "oci/json.h"

/* A key; true when the thing is what the value asks for. */
struct filter_key {
	const char *name;
	bool (*matches)(const void *thing, const char *value);
	bool all; /* every filter of this key has to match */
	/* Checks a value when the command line is read; NULL: any. */
	int (*check)(const char *value, struct error *err);
};

/* Keys end with a NULL name. The error names the keys that there are. */
int filter_check(const struct filter_key *keys, const struct option_strings *filters,
		 struct error *err);
bool filter_matches(const struct filter_key *keys, const struct option_strings *filters,
		    const void *thing);

/* True when one of the filters has the key. */
bool filter_has(const struct option_strings *filters, const char *key);

/* "key" or "key=value" of labels. */
bool filter_label(const struct json_pair *labels, size_t n, const char *value);
/* A part of the text, or a regular expression (regex(7), extended) found in it. */
bool filter_text(const char *text, const char *value);
