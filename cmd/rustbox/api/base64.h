/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text (RFC 4648, section 4), since JSON holds nothing else. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

void base64_add(struct str *out, const void *data, size_t size);
/* Into the buffer of `most` bytes; padding is needed, white space is none of it. False if it is no
 * base64. */
bool base64_read(const char *text, void *buffer, size_t most, size_t *ret_size);
