/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"

const struct option_row global_rows[] = {
	{ "root", 0, "DIR", "where containers and images are kept, /var/lib/rustbox by default",
	  OPTION_AT(global_options, root), .path = OPTION_DIRECTORY },
	{ "log-level", 0, "LEVEL", "what goes to standard error: error, warning, info, debug",
	  OPTION_AT(global_options, log_level), .fallback = "warning" },
	{ "debug", 'D', NULL, "the same as --log-level debug", OPTION_AT(global_options, debug) },
	{ "version", 'v', NULL, "print the version", OPTION_AT(global_options, version) },
	{ NULL },
};
