/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct allocation {
	struct arena *arena;
	bool failed;
	struct error error;
};

static void *allocate(void *data, size_t size)
{
	struct allocation *a = data;
	void *memory = arena_alloc(a->arena, size, &a->error);

	if (!memory)
		a->failed = true;
	return memory;
}

/* The arena's memory goes all at once. */
static void release(void *data, void *memory)
{
}

void *message_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t size,
		     struct arena *arena, struct error *err)
{
	struct allocation allocation = { .arena = arena };
	ProtobufCAllocator allocator = { allocate, release, &allocation };
	static const uint8_t nothing;
	void *message = protobuf_c_message_unpack(descriptor, &allocator, size,
						  size ? data : (const void *)&nothing);

	if (allocation.failed)
		*err = allocation.error;
	else if (!message)
		error_set(err, EBADMSG, "these bytes are no %s", descriptor->name);
	return message;
}

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && *at < end; shift += 7) {
		uint8_t byte = *(*at)++;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

enum { WIRE_VARINT = 0, WIRE_64_BIT = 1, WIRE_BYTES = 2, WIRE_32_BIT = 5 };

bool message_has_nul(const void *data, size_t size)
{
	const uint8_t *at = data, *end = size ? at + size : at;
	uint64_t tag, length;

	while (at < end && read_varint(&at, end, &tag)) {
		uint64_t wire = tag & 7;

		if (wire == WIRE_64_BIT || wire == WIRE_32_BIT)
			length = wire == WIRE_64_BIT ? 8 : 4;
		else if ((wire != WIRE_VARINT && wire != WIRE_BYTES) ||
			 !read_varint(&at, end, &length))
			return false;
		if (wire == WIRE_VARINT)
			continue;
		if (length > (uint64_t)(end - at))
			return false;
		if (wire == WIRE_BYTES && memchr(at, '\0', length))
			return true;
		at += length;
	}
	return false;
}
