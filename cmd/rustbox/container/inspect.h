/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of containers_inspect(): each function makes one part of the
 * document. Members are put into objects without a check each: a builder that
 * ran out of memory stays failed.
 */
#pragma once

#include "cmd/rustbox/format/value.h"
#include "cmd/rustbox/store/record.h"
#include "cmd/rustbox/store/root.h"
#include "oci/spec.h"

struct inspect {
	const struct store *store;
	const struct record *record;
	const struct spec *spec; /* of config.json; an empty one where that cannot be read */
	struct arena arena;
	struct error *err;
	bool failed;
};

struct value *inspect_object(struct inspect *in);
struct value *inspect_list(struct inspect *in);
void inspect_put(struct inspect *in, struct value *object, const char *key, struct value *value);
void inspect_append(struct inspect *in, struct value *list, struct value *value);
void inspect_text(struct inspect *in, struct value *object, const char *key, const char *text);
void inspect_number(struct inspect *in, struct value *object, const char *key, int64_t number);
void inspect_bool(struct inspect *in, struct value *object, const char *key, bool truth);
/* null where n is 0, as Docker has it */
void inspect_texts(struct inspect *in, struct value *object, const char *key, char *const *texts,
		   size_t n);
void inspect_pairs(struct inspect *in, struct value *object, const char *key,
		   const struct json_pair *pairs, size_t n);
/* A path of the store; "" when memory ran out. */
void inspect_path(struct inspect *in, struct value *object, const char *key, const char *folder,
		  const char *name);

struct value *inspect_config(struct inspect *in);
struct value *inspect_host_config(struct inspect *in);
struct value *inspect_mounts(struct inspect *in);
struct value *inspect_network(struct inspect *in);
/* {"80/tcp": [{"HostIp": …, "HostPort": …}]} */
struct value *inspect_ports(struct inspect *in);
