/* SPDX-License-Identifier: Apache-2.0 */
/* inspect of one kind alone: image inspect, volume inspect. */
#include "cmd/rustbox/command/inspect_words.h"

#define INSPECT(kind)                                                                              \
	static int run_##kind(const struct invocation *call, int *ret_exit_code,                   \
			      struct error *err)                                                   \
	{                                                                                          \
		static const char *const kinds[] = { #kind, NULL };                                \
		return inspect_words_run(call, kinds, ret_exit_code, err);                         \
	}                                                                                          \
	const struct command command_##kind##_inspect = {                                          \
		.about = {                                                                         \
			.name = #kind " inspect",                                                  \
			.summary = "show all that is known of " #kind "s",                         \
			.arguments = "NAME...",                                                    \
			.rows = inspect_words_rows,                                                \
		},                                                                                 \
		.options_size = sizeof(struct inspect_words_options),                              \
		.args_least = 1,                                                                   \
		.args_most = ARGS_ANY,                                                             \
		.run = run_##kind,                                                                 \
	}

INSPECT(image);
INSPECT(volume);
