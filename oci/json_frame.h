/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For json_read.c alone: the stack of frames, which knows what the value that
 * comes next belongs to, and which values belong to nothing.
 *
 * The functions that return an int return 1 to go on, or 0 with the error set:
 * what yajl wants from its callbacks.
 */
#pragma once

#include "oci/json.h"

/* An open object or array that the tables know. */
struct json_frame {
	enum json_kind kind;		/* JSON_OBJECT, or the kind of a collection */
	const struct json_type *type;	/* of the object, or of the collection's objects */
	const struct json_field *field; /* of the object's current key (NULL: unknown), or the
					   one that the collection is for */
	char *base;			/* the struct that is filled, or gets the collection */
	uint64_t seen, given;		/* object: keys so far, and those whose value is not null */
	void *items;			/* collection: on the heap while it grows */
	size_t count, capacity, item_size;
};

struct json_reader {
	struct arena *arena;
	struct error *err;
	const struct json_type *type; /* of the document */
	void *out;
	struct json_frame frames[JSON_DEPTH_MAX];
	size_t n_frames;
	size_t depth;	   /* of open objects and arrays, ignored ones included */
	size_t ignored_at; /* the depth at which an ignored value began; 0: none is open */
};

enum { JSON_IGNORED = -1 };

/* Where a value goes. */
struct json_slot {
	int kind;			/* enum json_kind, or JSON_IGNORED: its key is unknown */
	void *member;			/* scalars and members */
	const struct json_field *field; /* members; NULL for an element */
	const struct json_type *type;	/* objects */
	char *base;			/* the object itself, if it has its place already */
};

/* Sets the error, with the path of what is being read in front; returns 0. */
int json_frame_stop(struct json_reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "expected an integer, found `found`"; returns 0. */
int json_frame_stop_type(struct json_reader *r, int kind, const char *found);

/* The slot of the value that comes now; to be called once for each but null. */
int json_frame_find_slot(struct json_reader *r, struct json_slot *ret_slot);

/* The key of the next value. */
int json_frame_key(struct json_reader *r, const char *key, size_t n);

/* The value is null. */
int json_frame_null(struct json_reader *r);

/* The value is an object or array, which begins here. */
int json_frame_begin(struct json_reader *r, const struct json_slot *slot, bool is_array);

/* The innermost object or array ends. */
int json_frame_end(struct json_reader *r);

/* Frees what is left on the heap after an error. */
void json_frame_done(struct json_reader *r);
