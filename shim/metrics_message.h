/* SPDX-License-Identifier: Apache-2.0 */
/* What both forms of metrics need to fill their messages. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "proto/any.pb-c.h"
#include "runtime/cgroup_stats.h"

/* In metrics_v1.c and metrics_v2.c: packs the statistics, as metrics_read() does. */
int metrics_pack_v1(const struct cgroup_stats *stats, struct arena *arena,
		    Google__Protobuf__Any *ret, struct error *err);
int metrics_pack_v2(const struct cgroup_stats *stats, struct arena *arena,
		    Google__Protobuf__Any *ret, struct error *err);

/* A line of the kernel's file, and the uint64_t of a message that it goes to. */
struct metrics_key {
	const char *name;
	size_t offset;
};

/* Adds up, where several names have the same offset. */
void metrics_fill_message(void *message, const struct metrics_key *keys, size_t n_keys,
			  const struct cgroup_number *numbers, size_t n_numbers);

/* A repeated field: pointers to `count` empty messages. NULL with err. */
void *metrics_make_list(struct arena *arena, const ProtobufCMessageDescriptor *type, size_t count,
			struct error *err);

int metrics_pack_message(const ProtobufCMessage *message, struct arena *arena,
			 Google__Protobuf__Any *ret, struct error *err);
