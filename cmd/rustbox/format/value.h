/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values as a tree, for what is shown and filtered. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

enum value_kind { VALUE_NULL, VALUE_BOOL, VALUE_NUMBER, VALUE_TEXT, VALUE_LIST, VALUE_OBJECT };

struct value {
	enum value_kind kind;
	bool truth;
	const char *text;     /* VALUE_TEXT, and the digits of VALUE_NUMBER */
	struct value **items; /* of a list or an object */
	const char **keys;    /* of an object, in order */
	size_t n, capacity;
};

/*
 * Reads a whole document (depth 64, 16 MiB, duplicate keys: the last counts). In
 * the arena. A NUL within a text or a key is an error, as is UTF-8 that is none.
 */
struct value *value_read(const char *text, size_t size, struct arena *arena, struct error *err);
/* The same for what strangers send: duplicate keys are errors, and many keys are no work. */
struct value *value_read_strict(const char *text, size_t size, struct arena *arena,
				struct error *err);

/* Building; NULL when out of memory (err set); adding to or with NULL gives -1 with err kept. */
struct value *value_object(struct arena *arena, struct error *err);
struct value *value_list(struct arena *arena, struct error *err);
struct value *value_text(struct arena *arena, const char *text, struct error *err);
struct value *value_number(struct arena *arena, int64_t number, struct error *err);
struct value *value_bool(struct arena *arena, bool truth, struct error *err);
int value_add(struct value *object, const char *key, struct value *value, struct arena *arena,
	      struct error *err);
int value_append(struct value *list, struct value *value, struct arena *arena, struct error *err);

/* The member of an object; "A.B" goes down. NULL where there is none. */
const struct value *value_get(const struct value *object, const char *path);

/* As JSON text. */
void value_write(struct str *out, const struct value *value, bool indent);
