/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that detach, found in what is typed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { SESSION_KEYS_MAX = 16 };

struct session_keys {
	char keys[SESSION_KEYS_MAX];
	size_t n;    /* 0: none */
	size_t held; /* so many of them were typed and are kept back */
};

/*
 * Gives on what is typed, but for the keys: `out` has room for n bytes and
 * SESSION_KEYS_MAX more. A beginning of the keys is kept back until the next
 * byte tells. *ret_detached: they are complete; what is behind them is dropped.
 */
size_t session_keys_filter(struct session_keys *keys, const char *typed, size_t n, char *out,
			   bool *ret_detached);
