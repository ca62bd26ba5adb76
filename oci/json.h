/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed structs from and to JSON, driven by one table a struct.
 *
 * A row says which member a key belongs to. The C type of the member decides
 * how the value is read, so a row cannot disagree with its struct. Reading
 * never acts: it fills structs in an arena, which are read-only afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

/* Numbers and truth values that may be absent. */
struct json_int {
	bool set;
	int64_t value;
};
struct json_uint {
	bool set;
	uint64_t value;
};
struct json_pair {
	char *key, *value;
};

enum json_kind {
	JSON_STRING,   /* char * (const if only written)    NULL when absent */
	JSON_BOOL,     /* bool                       false when absent */
	JSON_INT,      /* int32_t, int64_t           0 when absent */
	JSON_UINT,     /* uint16_t, uint32_t, uint64_t */
	JSON_OPT_INT,  /* struct json_int */
	JSON_OPT_UINT, /* struct json_uint */
	JSON_STRINGS,  /* char **, size_t n_x        the vector ends with NULL; NULL when absent */
	JSON_UINTS,    /* uint32_t *, size_t n_x */
	JSON_MAP,      /* struct json_pair *, size_t n_x    an object of strings, in its order */
	JSON_OBJECT,   /* struct x *                 NULL when absent */
	JSON_OBJECTS,  /* struct x *, size_t n_x     an array of objects */
	JSON_NAMED,    /* struct x *, size_t n_x     an object of objects; the key goes to x's first
			  member, a char * */
	JSON_ENUM,     /* int                        index into a list of names */
};

struct json_type;
struct json_field {
	const char *key;
	enum json_kind kind;
	bool required;
	size_t offset; /* of the member */
	size_t count;  /* of its n_ companion */
	size_t size;   /* of the member, for number ranges */
	uint64_t max;  /* greatest value of an unsigned number; 0: what the type holds */
	const struct json_type *type; /* OBJECT, OBJECTS, NAMED */
	const char *const *names;     /* ENUM: ends with NULL */
};

struct json_type {
	size_t size;
	const struct json_field *fields; /* ends with a NULL key; at most JSON_FIELDS_MAX */
	const void *initial;		 /* what a struct holds before it is read; NULL: zeroes */
};
enum { JSON_FIELDS_MAX = 64 };

#define JSON_KIND_OF(m)                                                                            \
	_Generic((m),                                                                              \
		char *: JSON_STRING,                                                               \
		const char *: JSON_STRING,                                                         \
		bool: JSON_BOOL,                                                                   \
		int32_t: JSON_INT,                                                                 \
		int64_t: JSON_INT,                                                                 \
		uint16_t: JSON_UINT,                                                               \
		uint32_t: JSON_UINT,                                                               \
		uint64_t: JSON_UINT,                                                               \
		struct json_int: JSON_OPT_INT,                                                     \
		struct json_uint: JSON_OPT_UINT)

#define JSON_AT(s, m, k)   .key = (k), .offset = offsetof(struct s, m)
#define JSON_AT_N(s, m, k) JSON_AT(s, m, k), .count = offsetof(struct s, n_##m)
#define JSON_SCALAR(s, m, k)                                                                       \
	JSON_AT(s, m, k), .kind = JSON_KIND_OF(((struct s *)0)->m),                                \
			  .size = sizeof(((struct s *)0)->m)

/* Rows of a table. s is the struct's name, m the member, k the JSON key. */
#define FIELD(s, m, k)                                                                             \
	{                                                                                          \
		JSON_SCALAR(s, m, k)                                                               \
	}
#define REQUIRED(s, m, k)                                                                          \
	{                                                                                          \
		JSON_SCALAR(s, m, k), .required = true                                             \
	}
#define AT_MOST(s, m, k, limit)                                                                    \
	{                                                                                          \
		JSON_SCALAR(s, m, k), .max = (limit)                                               \
	}
#define ENUM(s, m, k, list)                                                                        \
	{                                                                                          \
		JSON_AT(s, m, k), .kind = JSON_ENUM, .names = (list)                               \
	}
#define REQUIRED_ENUM(s, m, k, list)                                                               \
	{                                                                                          \
		JSON_AT(s, m, k), .kind = JSON_ENUM, .names = (list), .required = true             \
	}
#define OBJECT(s, m, k, t)                                                                         \
	{                                                                                          \
		JSON_AT(s, m, k), .kind = JSON_OBJECT, .type = (t)                                 \
	}
#define ARRAY(s, m, k, t)                                                                          \
	{                                                                                          \
		JSON_AT_N(s, m, k), .kind = JSON_OBJECTS, .type = (t)                              \
	}
#define NAMED(s, m, k, t)                                                                          \
	{                                                                                          \
		JSON_AT_N(s, m, k), .kind = JSON_NAMED, .type = (t)                                \
	}
#define LIST(s, m, k)                                                                              \
	{                                                                                          \
		JSON_AT_N(s, m, k), .kind = JSON_STRINGS                                           \
	}
#define NUMBERS(s, m, k)                                                                           \
	{                                                                                          \
		JSON_AT_N(s, m, k), .kind = JSON_UINTS                                             \
	}
#define PAIRS(s, m, k)                                                                             \
	{                                                                                          \
		JSON_AT_N(s, m, k), .kind = JSON_MAP                                               \
	}

enum { JSON_DEPTH_MAX = 64, JSON_SIZE_MAX = 16 * 1024 * 1024 };

/*
 * Reads the text (need not end in NUL) into *out, which the caller has zeroed;
 * all else comes from the arena. Unknown keys are ignored. Null counts as
 * absent (but is an error within an array), and so does "" for a JSON_STRING
 * that is not required, because writers in Go make no difference.
 *
 * Errors, each with the JSON path in front ("process.user.uid: …") or, where
 * the text is no JSON, with line and column: wrong type, number out of range,
 * missing required key, duplicate key, invalid UTF-8, an embedded NUL, nesting
 * deeper than JSON_DEPTH_MAX, text behind the document, more than
 * JSON_SIZE_MAX bytes. *out is of no use then.
 */
int json_read(const struct json_type *type, const char *text, size_t size, void *out,
	      struct arena *arena, struct error *err);

/*
 * The struct as JSON text, NUL-terminated, malloc'd; absent members are left
 * out, and so are false and 0 unless required. `indent` makes it readable (two
 * spaces a level, a newline at the end). NULL with err: a required text is
 * NULL, or one is not valid UTF-8.
 */
char *json_write(const struct json_type *type, const void *in, bool indent, struct error *err);
