/* SPDX-License-Identifier: Apache-2.0 */
/* What create and run have in common: a container from a bundle. */
#pragma once

#include "cmd/rustbox-runtime/payload.h"

struct bundle_options {
	struct payload_options payload;
	const char *bundle, *config;
	bool no_pivot, no_new_keyring, no_subreaper, keep;
};

#define BUNDLE_ROWS                                                                                \
	{ "bundle",                                                                                \
	  'b',                                                                                     \
	  "DIR",                                                                                   \
	  "the bundle; the default is the current folder",                                         \
	  OPTION_AT(bundle_options, bundle),                                                       \
	  .path = OPTION_DIRECTORY },                                                              \
		{ "config",                                                                        \
		  'f',                                                                             \
		  "FILE",                                                                          \
		  "the configuration, instead of the bundle's config.json",                        \
		  OPTION_AT(bundle_options, config),                                               \
		  .path = OPTION_FILE },                                                           \
		PAYLOAD_ROWS(bundle_options),                                                      \
		{ "no-pivot", 0, NULL,                                                             \
		  "do not use pivot_root(2), which a root filesystem on an initramfs refuses; "    \
		  "weaker, so only where it must be",                                              \
		  OPTION_AT(bundle_options, no_pivot) },                                           \
		{ "no-new-keyring", 0, NULL, "share the session keyring of the caller",            \
		  OPTION_AT(bundle_options, no_new_keyring) },                                     \
	{                                                                                          \
		"no-subreaper", 0, NULL, "do not adopt processes that lost their parents",         \
			OPTION_AT(bundle_options, no_subreaper)                                    \
	}

int bundle_create_options(const struct invocation *call, struct container_create_options *ret,
			  struct error *err);
