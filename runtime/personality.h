/* SPDX-License-Identifier: Apache-2.0 */
/* linux.personality (personality(2)). */
#pragma once

#include "base/error.h"
#include "oci/spec.h"

/* Sets the execution domain of the caller; `config` may be NULL: nothing is done. */
int personality_set(const struct spec_personality *config, struct error *err);
