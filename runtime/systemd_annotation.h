/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Properties of the container's unit given as annotations:
 *
 *	"org.systemd.property.TimeoutStopUSec": "uint64 5000000"
 *	"org.systemd.property.After": "['a.service', 'b.service']"
 *
 * Values are in GVariant's text format (docs.gtk.org/glib/gvariant-text-format.html):
 * true and false, numbers (int32 without a type in front, double with a point),
 * texts in single or double quotes, arrays of these or of tuples of these, a
 * type by its keyword ("uint64 5") or its signature ("@t 5", "@as []").
 *
 * A number named …Sec, with a small letter before the S, is seconds, and sets
 * the property …USec, as it is in systemd's own files.
 */
#pragma once

#include "base/error.h"
#include "oci/json.h"
#include "runtime/systemd_request.h"

#define SYSTEMD_ANNOTATION_PREFIX "org.systemd.property."

/* Adds what the annotations ask for; the others are passed over. -1 with err: not understood. */
int systemd_annotation_apply(const struct json_pair *annotations, size_t n_annotations,
			     struct systemd_properties *list, struct error *err);
