/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a client wants a process's output to go: a path, or a URI (SHIM
 * contract: fifo://, file://, binary://, binary-v2://).
 */
#pragma once

#include "base/error.h"

enum stdio_scheme { STDIO_FIFO, STDIO_FILE, STDIO_BINARY, STDIO_BINARY_V2 };

/* More pairs than any logging program can want. */
enum { STDIO_URI_PAIRS = 256 };

struct stdio_uri {
	enum stdio_scheme scheme;
	char *path;  /* absolute, decoded; of a text without a scheme, the text as it is */
	char **args; /* binary://: the path, each key and its value as in the URI, NULL; else NULL
		      */
};

/*
 * A repeated key counts once, with its first value; a key without a value has
 * an empty one; what follows a "#" is not looked at. What is none of these
 * URIs, is cut off in an escape, or holds a NUL: -1 with EINVAL.
 */
int stdio_uri_parse(const char *text, struct stdio_uri *ret, struct error *err);

/* Repeatable; also for a zeroed struct. */
void stdio_uri_done(struct stdio_uri *uri);
#define cleanup_stdio_uri __attribute__((cleanup(stdio_uri_done)))
