/* SPDX-License-Identifier: Apache-2.0 */
/* For kill and delete: containers by a regular expression of their ids. */
#pragma once

#include "cmd/rustbox-runtime/command.h"

#define MATCHING_ROW(s)                                                                            \
	{                                                                                          \
		"regex", 'r', NULL, "take ID for an extended regular expression, regex(7)",        \
			OPTION_AT(s, regex)                                                        \
	}

/*
 * Calls `act` for every container whose id has the expression in it, in the
 * order of their ids. One that fails keeps none of the others from its turn;
 * the last error is ours then, the ones before are logged. No match is no error.
 */
int matching_each(const struct invocation *call, const char *expression,
		  int (*act)(const struct invocation *call, const struct container_view *view,
			     struct error *err),
		  struct error *err);
