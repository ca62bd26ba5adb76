/* SPDX-License-Identifier: Apache-2.0 */
/* What --filter of containers knows: `list`, `prune`. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/command/filter.h"

struct image;
/* The thing that the keys are about. */
struct list_filter {
	const struct invocation *call;
	const struct record *record;
	struct record *const *records; /* all there are, for before and since */
	size_t n_records;
	const char *ancestor_name; /* what was looked up last */
	const struct image *ancestor;
};
extern const struct filter_key list_filter_keys[];

/* As filter_check(); names of before and since must be there, too. */
int list_filter_check(const struct list_filter *filter, const struct option_strings *filters,
		      struct error *err);
