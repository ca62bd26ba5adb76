/* SPDX-License-Identifier: Apache-2.0 */
/* The payload's environment. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * The entries in their order, each name once, with its last value; HOME is
 * added from the container's passwd (`root`: descriptor of its root) when it
 * is missing or empty. An entry that is not NAME=VALUE is an error. Ends with
 * NULL; memory from the arena, except that entries are taken over as they are.
 */
char **environment_make(char *const *entries, size_t count, int root, uint32_t uid,
			struct arena *arena, struct error *err);
