/* SPDX-License-Identifier: Apache-2.0 */
/* A container's lower folders as one tree that can be looked into. */
#pragma once

#include <stddef.h>

#include "base/error.h"

/*
 * A descriptor of the merged tree, read-only: the folder itself, or an overlay
 * that is attached nowhere and gone when the descriptor is. Paths below it are
 * foreign: base/path.h. layers: absolute, the uppermost first, at least one.
 */
int layers_open(char *const *layers, size_t n, struct error *err);
