/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that may block (mounting, unmounting a slow disk), done in a forked
 * child so that the loop goes on.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"
#include "shim/reaper.h"

/*
 * Forks a child with no descriptors but our 0 to 2 (the log) and those in
 * `keep` (-1 among them stands for none), which calls work(work_data, err) and
 * ends. Then `done` is called from the loop: failure is NULL, or the error's
 * text, or what the child died of. -1 with err when the child could not be
 * made (then `done` is not called).
 */
int background_run(struct reaper *reaper, int (*work)(void *work_data, struct error *err),
		   void *work_data, const int *keep, size_t n_keep,
		   void (*done)(void *data, const char *failure), void *data, struct error *err);
