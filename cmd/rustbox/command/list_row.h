/* SPDX-License-Identifier: Apache-2.0 */
/* A container as `list` shows it. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/format/value.h"

struct list_row_options {
	bool no_trunc;
	bool with_size; /* looks at every file of the container */
	int64_t now;	/* seconds since 1970 */
};

/* The object with Docker's names (ID, Names, Image, …) and ours. NULL with err. */
struct value *list_row(const struct invocation *call, const struct record *record,
		       const struct list_row_options *options, struct error *err);

/* "created", "running", …: the record's status in small letters. In the arena; NULL with err. */
const char *list_row_state(const struct record *record, struct arena *arena, struct error *err);
