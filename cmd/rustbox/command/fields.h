/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the objects that --format sees: rows of lists, documents of inspect. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/format/value.h"
#include "oci/json.h"

/* Starts as { arena, err }. Once something failed it stays failed, for one check at the end. */
struct fields {
	struct arena *arena;
	struct error *err;
	struct value *object;
	bool failed;
};

/* NULL is "". */
void fields_text(struct fields *fields, const char *key, const char *text);
void fields_format(struct fields *fields, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void fields_number(struct fields *fields, const char *key, int64_t number);
void fields_bool(struct fields *fields, const char *key, bool truth);
void fields_texts(struct fields *fields, const char *key, char *const *texts, size_t n);
void fields_pairs(struct fields *fields, const char *key, const struct json_pair *pairs, size_t n);
/* "a=b,c=d", as Docker's lists show labels. */
void fields_joined(struct fields *fields, const char *key, const struct json_pair *pairs, size_t n);
/* The struct as its table writes it. */
void fields_json(struct fields *fields, const char *key, const struct json_type *type,
		 const void *in);
/* NULL: it could not be made (err is set already). */
void fields_value(struct fields *fields, const char *key, struct value *value);

/* The object; NULL with err. The next field begins a new one. */
struct value *fields_end(struct fields *fields);

/* To standard output. Always 0; main checks that it could be written. */
int fields_print(const struct str *text);
