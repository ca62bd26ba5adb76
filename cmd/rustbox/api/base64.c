/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/api/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct str *out, const void *data, size_t size)
{
	const unsigned char *p = data;

	for (; size > 0; p += 3) {
		size_t n = size < 3 ? size : 3;
		uint32_t bits = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) |
				(n > 2 ? p[2] : 0);
		char four[4] = { digits[bits >> 18], digits[bits >> 12 & 63],
				 n > 1 ? digits[bits >> 6 & 63] : '=',
				 n > 2 ? digits[bits & 63] : '=' };
		str_add_bytes(out, four, sizeof(four));
		size -= n;
	}
}

static int digit(char c)
{
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

bool base64_read(const char *text, void *buffer, size_t most, size_t *ret_size)
{
	unsigned char *p = buffer;
	size_t length = strlen(text), size = 0;

	if (length % 4)
		return false;
	for (size_t i = 0; i < length; i += 4) {
		bool is_last = i + 4 == length;
		size_t n = !is_last || text[i + 3] != '=' ? 3 : text[i + 2] != '=' ? 2 : 1;
		uint32_t bits = 0;
		for (size_t k = 0; k < 4; k++) {
			int value = k <= n ? digit(text[i + k]) : 0;
			if (value < 0)
				return false;
			bits = bits << 6 | (uint32_t)value;
		}
		if (size + n > most)
			return false;
		for (size_t k = 0; k < n; k++)
			p[size++] = (unsigned char)(bits >> (16 - 8 * k));
	}
	*ret_size = size;
	return true;
}
