/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of copying, from a descriptor to another, with back-pressure:
 * what the writer's side does not take is not read. Pipes are spliced; where
 * that cannot be, through a small buffer that exists only as long as something
 * is in it. The program ignores SIGPIPE.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/loop.h"

struct relay;

/*
 * Copies from `from` to `to` (both taken over, made non-blocking) until end of
 * file or EIO (a terminal without writers), or until `to` breaks (EPIPE; then
 * the rest is read and thrown away, so that the writer does not block). A full
 * disk (ENOSPC, EDQUOT) loses what it did not take, and no more. Then
 * it closes both and calls `ended` from the loop. NULL with err; the
 * descriptors are closed then, too.
 */
struct relay *relay_new(struct loop *loop, int take_from, int take_to, void (*ended)(void *data),
			void *data, struct error *err);

/* From now on a broken `to` is the end: the source learns that nobody reads any more. */
void relay_end_when_broken(struct relay *relay);

/* Writes to another descriptor of the same file from now on; what was read is not lost. */
void relay_replace_target(struct relay *relay, int take_to);

/* From now on an empty source (EAGAIN) counts as its end. */
void relay_finish(struct relay *relay);

/* Closes both; `ended` is not called any more. May be called from `ended`; NULL is fine. */
void relay_free(struct relay *relay);
