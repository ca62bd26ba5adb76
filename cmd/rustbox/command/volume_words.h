/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about volumes share. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/command/filter.h"
#include "cmd/rustbox/format/value.h"
#include "cmd/rustbox/store/volume.h"

/* As `volume inspect` shows it, and `volume list` but for Labels, which are one text there. */
struct value *volume_words_value(const struct invocation *call, const struct volume *volume,
				 bool for_list, struct error *err);

/* The thing that the filters are about: name, label, dangling. */
struct volume_words_filter {
	const struct volume *volume;
	struct record *const *records;
	size_t n_records;
};
extern const struct filter_key volume_words_keys[];

/*
 * Removes what no container mounts: anonymous ones, or all of them. filters
 * may be NULL. Prints a heading and the names.
 */
int volume_words_prune(const struct invocation *call, bool all,
		       const struct option_strings *filters, uint64_t *ret_bytes,
		       struct error *err);
