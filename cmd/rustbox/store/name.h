/* SPDX-License-Identifier: Apache-2.0 */
/* Names of containers and volumes. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"

enum { NAME_MAX_BYTES = 128 };

/* [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most NAME_MAX_BYTES. */
bool name_is_valid(const char *name);

/*
 * A name for who has given none: "brave_otter"; with digits once several tries
 * found theirs taken. NULL with err.
 */
char *name_make_up(unsigned int tries, struct arena *arena, struct error *err);
