/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a text to tokens, for the two readers of JSON: into structs by table
 * (json_read.c), and into values of any shape (cmd/rustbox/format/value.c).
 */
#pragma once

#include <stddef.h>
#include <yajl/yajl_parse.h>

#include "base/error.h"

/*
 * Calls back for each token of the text, which is one document (RFC 8259) of
 * at most JSON_SIZE_MAX bytes, and need not end in NUL. -1 with err: "line 3,
 * column 14: …" where it is none. A callback that returns 0 ends it, and has
 * set err by itself.
 */
int json_parse(const char *text, size_t size, const yajl_callbacks *callbacks, void *data,
	       struct error *err);
