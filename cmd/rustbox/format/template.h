/* SPDX-License-Identifier: Apache-2.0 */
/* Templates ("{{.ID}}"), parsed once and applied to many values: see format.h. */
#pragma once

#include "cmd/rustbox/format/value.h"

struct template;

/* Everything of it is in the arena. NULL with err, which names the place. */
struct template *template_parse(const char *text, struct arena *arena, struct error *err);

/* A member that is missing shows as "<no value>", as Docker's. */
int template_apply(const struct template *template, const struct value *value, struct arena *arena,
		   struct str *out, struct error *err);

/* The names of the fields of the top that it uses ({{.Size}}), for what costs something. */
bool template_uses(const struct template *template, const char *name);
