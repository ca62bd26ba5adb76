/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/container/session_keys.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cmd/rustbox/container/session.h"

/* "a", "ctrl-a", "ctrl-@": *ret_key. */
static bool read_key(const char *text, size_t size, char *ret_key)
{
	static const char prefix[] = "ctrl-";

	if (size == 1 && isprint((unsigned char)text[0])) {
		*ret_key = text[0];
		return true;
	}
	if (size != sizeof(prefix) || strncmp(text, prefix, sizeof(prefix) - 1) != 0)
		return false;
	int key = toupper((unsigned char)text[size - 1]);
	/* '@' to '_': what a terminal sends is their distance from '@'. */
	if (key < '@' || key > '_')
		return false;
	*ret_key = (char)(key - '@');
	return true;
}

int session_read_detach_keys(const char *text, char keys[SESSION_KEYS_MAX], struct error *err)
{
	const char *p = text;
	int n = 0;

	if (!*text)
		return 0;
	for (;;) {
		size_t size = strcspn(p, ",");
		if (n == SESSION_KEYS_MAX)
			return error_set(err, 0, "detach keys \"%s\": more than %d keys", text,
					 SESSION_KEYS_MAX);
		if (!read_key(p, size, &keys[n++])) {
			(void)error_set(err, 0, "detach keys \"%s\": \"%.*s\" is no key", text,
					(int)size, p);
			return error_hint(err,
					  "a character, or ctrl- and one of a-z @ [ \\ ] ^ _, with "
					  "commas between them");
		}
		if (!p[size])
			return n;
		p += size + 1;
	}
}

/*
 * The held bytes and one more: given out from the front until what is left is
 * a beginning of the keys again.
 */
static size_t add_byte(struct session_keys *keys, char byte, char *out)
{
	char held[SESSION_KEYS_MAX];
	size_t n = keys->held, given = 0;

	memcpy(held, keys->keys, n);
	held[n++] = byte;
	while (n > 0 && memcmp(held, keys->keys, n) != 0) {
		out[given++] = held[0];
		memmove(held, held + 1, --n);
	}
	keys->held = n;
	return given;
}

size_t session_keys_filter(struct session_keys *keys, const char *typed, size_t n, char *out,
			   bool *ret_detached)
{
	size_t given = 0;

	*ret_detached = false;
	if (keys->n == 0) {
		memcpy(out, typed, n);
		return n;
	}
	for (size_t i = 0; i < n && !*ret_detached; i++) {
		given += add_byte(keys, typed[i], out + given);
		*ret_detached = keys->held == keys->n;
	}
	return given;
}
