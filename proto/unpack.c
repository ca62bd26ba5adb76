/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/unpack.h"

#include <stdlib.h>

#include "proto/utf8.h"

enum { DEPTH_MAX = 32, ALLOCATION_OVERHEAD = 16, NUMBER_MAX = 0x1fffffff };

/* protobuf.dev/programming-guides/encoding */
enum wire_type { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_BYTES = 2, WIRE_32BIT = 5 };

struct bytes {
	const uint8_t *p;
	size_t n;
};

static int take_varint(struct bytes *in, uint64_t *ret, struct error *err)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && in->n; shift += 7) {
		uint8_t byte = *in->p++;
		in->n--;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return 0;
		}
	}
	return error_set(err, 0, "a number that does not end");
}

static int take_bytes(struct bytes *in, uint64_t n, struct bytes *ret, struct error *err)
{
	if (n > in->n)
		return error_set(err, 0, "%zu bytes where %llu should follow", in->n,
				 (unsigned long long)n);
	*ret = (struct bytes){ in->p, (size_t)n };
	in->p += n;
	in->n -= (size_t)n;
	return 0;
}

static int take_value(struct bytes *in, unsigned int wire, struct bytes *ret, struct error *err)
{
	uint64_t n;

	*ret = (struct bytes){ 0 };
	switch (wire) {
	case WIRE_VARINT:
		return take_varint(in, &n, err);
	case WIRE_64BIT:
		return take_bytes(in, 8, ret, err);
	case WIRE_32BIT:
		return take_bytes(in, 4, ret, err);
	case WIRE_BYTES:
		return take_varint(in, &n, err) < 0 ? -1 : take_bytes(in, n, ret, err);
	default:
		return error_set(err, 0, "a field of the unknown wire type %u", wire);
	}
}

static int check_text(const struct bytes *text, const char *field, struct error *err)
{
	for (size_t i = 0; i < text->n;) {
		size_t n = utf8_sequence(text->p + i, text->n - i);
		if (!n || !text->p[i])
			return error_set(err, 0, "\"%s\" is not text: %s", field,
					 n ? "it has a NUL byte" : "it is not UTF-8");
		i += n;
	}
	return 0;
}

static int check_message(const ProtobufCMessageDescriptor *descriptor, struct bytes in, int depth,
			 struct error *err)
{
	if (depth > DEPTH_MAX)
		return error_set(err, 0, "messages nested more than %d deep", DEPTH_MAX);
	while (in.n) {
		uint64_t tag;
		struct bytes value;
		if (take_varint(&in, &tag, err) < 0 ||
		    take_value(&in, (unsigned int)(tag & 7), &value, err) < 0)
			return -1;
		if (!(tag >> 3) || tag >> 3 > NUMBER_MAX)
			return error_set(err, 0, "a field of number %llu",
					 (unsigned long long)(tag >> 3));
		const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
			descriptor, (unsigned int)(tag >> 3));
		if (!field || (tag & 7) != WIRE_BYTES)
			continue;
		if (field->type == PROTOBUF_C_TYPE_STRING &&
		    check_text(&value, field->name, err) < 0)
			return -1;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
		    check_message(field->descriptor, value, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

/* What is left of UNPACK_MEMORY_MAX, and where memory comes from: malloc() without an arena. */
struct budget {
	size_t left;
	struct arena *arena;
};

static void *budget_alloc(void *data, size_t size)
{
	struct budget *budget = data;
	size_t cost = size + ALLOCATION_OVERHEAD;
	struct error ignored;

	if (cost < size || cost > budget->left)
		return NULL;
	budget->left -= cost;
	return budget->arena ? arena_alloc(budget->arena, size, &ignored) : malloc(size);
}

static void budget_free(void *data, void *memory)
{
	const struct budget *budget = data;

	if (!budget->arena)
		free(memory);
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *descriptor, size_t size,
				const void *data, struct budget *budget, struct error *err)
{
	ProtobufCAllocator allocator = { budget_alloc, budget_free, budget };
	ProtobufCMessage *message = NULL;

	if (check_message(descriptor, (struct bytes){ data, size }, 0, err) == 0) {
		message = protobuf_c_message_unpack(descriptor, &allocator, size, data);
		if (!message)
			(void)error_set(err, 0, "malformed, or too large");
	}
	if (!message)
		(void)error_wrap(err, "unpack %s", descriptor->name);
	return message;
}

ProtobufCMessage *unpack_message(const ProtobufCMessageDescriptor *descriptor, size_t size,
				 const void *data, size_t *ret_memory, struct error *err)
{
	struct budget budget = { .left = UNPACK_MEMORY_MAX };
	ProtobufCMessage *message = unpack(descriptor, size, data, &budget, err);

	if (message && ret_memory)
		*ret_memory = UNPACK_MEMORY_MAX - budget.left;
	return message;
}

void *unpack_message_in_arena(const ProtobufCMessageDescriptor *descriptor, size_t size,
			      const void *data, struct arena *arena, struct error *err)
{
	return unpack(descriptor, size, data, &(struct budget){ UNPACK_MEMORY_MAX, arena }, err);
}
