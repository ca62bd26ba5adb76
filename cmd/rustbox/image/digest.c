/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/digest.h"

#include <string.h>

#include "base/str.h"

bool digest_is_hex(const char *text)
{
	return strspn(text, "0123456789abcdef") == DIGEST_HEX && !text[DIGEST_HEX];
}

struct digest digest_of_hex(const char *hex)
{
	struct digest digest = { DIGEST_PREFIX };

	memcpy(digest.text + sizeof(DIGEST_PREFIX) - 1, hex, DIGEST_HEX + 1);
	return digest;
}

int digest_parse(const char *text, struct digest *ret, struct error *err)
{
	const size_t n = sizeof(DIGEST_PREFIX) - 1;

	if (strncmp(text, DIGEST_PREFIX, n) == 0 && digest_is_hex(text + n)) {
		*ret = digest_of_hex(text + n);
		return 0;
	}
	return error_set(err, 0, "digest \"%.200s\": not %s and 64 hex digits", text,
			 DIGEST_PREFIX);
}

struct digest digest_end(SHA2_CTX *context)
{
	char hex[SHA256_DIGEST_STRING_LENGTH];

	(void)SHA256End(context, hex);
	return digest_of_hex(hex);
}

struct digest digest_of(const void *data, size_t size)
{
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, data, size);
	return digest_end(&context);
}

int digest_of_file(int fd, const char *name, struct digest *ret, uint64_t *ret_size,
		   struct error *err)
{
	static uint8_t buffer[256 * 1024];
	SHA2_CTX context;
	off_t at = 0;
	ssize_t n;

	SHA256Init(&context);
	while ((n = pread(fd, buffer, sizeof(buffer), at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "read %s", name);
		SHA256Update(&context, buffer, (size_t)n);
		at += n;
	}
	*ret = digest_end(&context);
	*ret_size = (uint64_t)at;
	return 0;
}
