/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of protobuf messages into an arena. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"

/* The message, which lives as long as the arena; NULL with err when the bytes are none. */
void *message_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t size,
		     struct arena *arena, struct error *err);

/*
 * True when a length-delimited field of the packed message's top level has a
 * NUL byte: a text would end there, silently.
 */
bool message_has_nul(const void *data, size_t size);
