/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration to start from, as `spec` writes it. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * config.json as indented text, malloc'd; NULL with err. `rootless`: for a
 * caller without privileges, who becomes root of a new user namespace; the
 * caller's effective ids are mapped.
 */
char *spec_default_json(bool rootless, struct error *err);
