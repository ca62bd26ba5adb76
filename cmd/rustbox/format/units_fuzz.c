/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations, times and signals: what is taken lies within its bounds. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "cmd/rustbox/format/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool truth)
{
	if (!truth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t now = 1767366245000000000;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str out = STR_EMPTY;
	struct error err;
	const char *text = arena_strndup(&arena, (const char *)data, size, &err);
	int64_t bytes;
	uint64_t number;
	int signal;

	if (!text)
		return 0;
	if (format_read_size(text, false, &bytes, &err) == 0) {
		expect(bytes >= 0);
		format_size(&out, (uint64_t)bytes);
		format_binary_size(&out, (uint64_t)bytes);
		format_ago(&out, bytes);
	}
	if (format_read_size(text, true, &bytes, &err) == 0)
		expect(bytes >= -1);
	if (format_read_duration(text, &number, &err) == 0)
		expect(number <= FORMAT_DURATION_MAX_MS);
	/* The digits of a year or of seconds come first: a time far ahead cannot be an early one.
	 */
	if (format_read_time(text, now, &number, &err) == 0 && str_starts_with(text, "9999-"))
		expect(number > now);
	if (format_read_signal(text, &signal, &err) == 0)
		expect(signal > 0 && signal <= SIGRTMAX);
	return 0;
}
