/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that show all that is known of something share. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/format/value.h"

struct inspect_words_options {
	const char *format, *type;
	bool size;
};
/* Only --format: for commands about one kind. */
extern const struct option_row inspect_words_rows[];

/* The kinds that there are: "container", "image", "network", "volume"; ends with NULL. */
extern const char *const inspect_words_kinds[];

/*
 * Finds each argument among the kinds, in their order, and prints what was
 * found. What was not is told after that, and makes the exit code 1.
 */
int inspect_words_run(const struct invocation *call, const char *const *kinds, int *ret_exit_code,
		      struct error *err);

/* As `inspect` shows it. NULL with err. */
struct image;
struct value *inspect_image(const struct invocation *call, const struct image *image,
			    struct error *err);
