/* SPDX-License-Identifier: Apache-2.0 */
/* --device and --device-cgroup-rule. Pure parsing. */
#pragma once

#include "oci/spec.h"

struct device_request {
	char *source;	    /* of the host */
	char *destination;  /* in the container */
	const char *access; /* of "rwm", each at most once */
};

/* "PATH[:PATH][:rwm]" */
int device_spec_parse(const char *text, struct arena *arena, struct device_request *ret,
		      struct error *err);

/* "c 1:3 rwm", "b 8:* r", "a *:* rwm" */
int device_spec_parse_rule(const char *text, struct arena *arena, struct spec_device_rule *ret,
			   struct error *err);
