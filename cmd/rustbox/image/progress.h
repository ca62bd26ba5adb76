/* SPDX-License-Identifier: Apache-2.0 */
/* Progress of long work, for who waits for it. */
#pragma once

#include <stdint.h>

struct image_progress {
	/* Called often. total: 0 when it is not known. */
	void (*step)(void *data, const char *what, uint64_t done, uint64_t total);
	void *data;
};

/* progress may be NULL. */
static inline void image_progress_step(const struct image_progress *progress, const char *what,
				       uint64_t done, uint64_t total)
{
	if (progress)
		progress->step(progress->data, what, done, total);
}
