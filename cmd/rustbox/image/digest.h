/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 digests: "sha256:" and 64 lower-case hex digits. */
#pragma once

#include <sha2.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/fd.h"

#define DIGEST_PREFIX "sha256:"
enum { DIGEST_HEX = 64, DIGEST_SIZE = sizeof(DIGEST_PREFIX) + DIGEST_HEX };

struct digest {
	char text[DIGEST_SIZE]; /* "sha256:…" */
};

/* The hex digits alone: what files are called. */
static inline const char *digest_hex(const struct digest *digest)
{
	return digest->text + sizeof(DIGEST_PREFIX) - 1;
}

/* True for 64 lower-case hex digits. */
bool digest_is_hex(const char *text);

/* Other algorithms than SHA-256 are refused by name. */
int digest_parse(const char *text, struct digest *ret, struct error *err);
/* "sha256:" + hex, which has been checked. */
struct digest digest_of_hex(const char *hex);

/* As bytes come: SHA256Init(), SHA256Update(), and this. */
struct digest digest_end(SHA2_CTX *context);
struct digest digest_of(const void *data, size_t size);

/* Of a file's content, from its beginning; its size, too. */
int digest_of_file(int fd, const char *name, struct digest *ret, uint64_t *ret_size,
		   struct error *err);
