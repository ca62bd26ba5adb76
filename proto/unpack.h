/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from others. protobuf-c alone takes more than is good for us: a text
 * with a NUL in it would be read as another, shorter text, and four megabytes
 * of empty elements grow to hundreds.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"
#include "base/mem.h"

enum { UNPACK_MEMORY_MAX = 16 << 20 };

/*
 * The message of these bytes; protobuf_c_message_free_unpacked(message, NULL)
 * frees it. *ret_memory (may be NULL) is about how much memory it takes. NULL
 * with err for what is malformed, has a string that is not UTF-8 or has a NUL
 * in it, or needs more than UNPACK_MEMORY_MAX.
 */
ProtobufCMessage *unpack_message(const ProtobufCMessageDescriptor *descriptor, size_t size,
				 const void *data, size_t *ret_memory, struct error *err);

/* The same, of the descriptor's own type; it lives as long as the arena. */
void *unpack_message_in_arena(const ProtobufCMessageDescriptor *descriptor, size_t size,
			      const void *data, struct arena *arena, struct error *err);
