/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configuration must fulfil beyond its JSON types: known names, ranges,
 * combinations that the specification forbids, and what this runtime knows of
 * but has not built (refused by name, never ignored). Looks at nothing outside
 * the document. The message begins with the JSON path.
 */
#pragma once

#include "oci/spec.h"

int spec_check(const struct spec *spec, struct error *err);

/*
 * What `create` needs besides: members that a document may lack in general,
 * but not one that a container is made from. Warns of a major version that is
 * not 1 in the log.
 */
int spec_check_create(const struct spec *spec, struct error *err);

/* The part about `process`, also for exec --process; `where` is the JSON path in front ("process").
 */
int spec_check_process(const struct spec_process *process, const char *where, struct error *err);

/* l3CacheSchema and memBwSchema of linux.intelRdt (NULL: absent), also for update. */
int spec_check_rdt_schema(const char *text, const char *key, const char *prefix, struct error *err);

/* The part about `linux.resources`, also for update. */
int spec_check_resources(const struct spec_resources *resources, const char *where,
			 struct error *err);
