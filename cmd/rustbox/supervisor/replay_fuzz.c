/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output of any kind: nothing is invented, and it does not matter in which
 * pieces it comes. The first byte says where it is cut.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/supervisor/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
	if (!truth)
		abort();
}

static size_t filter(const char *bytes, size_t cut, size_t n, char *out)
{
	struct replay replay = { 0 };
	size_t given = replay_filter(&replay, bytes, cut, out);

	return given + replay_filter(&replay, bytes + cut, n - cut, out + given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const char *bytes = (const char *)data + 1;
	size_t n = size - 1, cut = data[0] < n ? data[0] : n;
	char *whole = malloc(n + REPLAY_HELD_MAX), *cut_up = malloc(n + REPLAY_HELD_MAX);

	expect(whole && cut_up);
	size_t given = filter(bytes, 0, n, whole);
	expect(given <= n);
	expect(filter(bytes, cut, n, cut_up) == given && memcmp(whole, cut_up, given) == 0);
	for (size_t i = 0, at = 0; i < given; i++, at++)
		while (bytes[at] != whole[i])
			expect(++at < n);
	free(whole);
	free(cut_up);
	return 0;
}
