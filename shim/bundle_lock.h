/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who works on a container holds a lock on its bundle (flock(2) on the folder,
 * shared): the server, and through the descriptor that they inherit the
 * runtime and the children that mount and unmount. A server that is killed
 * leaves these behind for a moment, some of them half-way in a mount(2);
 * `delete` waits for the last one, or what it takes away would come back.
 */
#pragma once

#include "base/error.h"

/*
 * Opens the bundle and takes the lock, which lasts until all copies of the
 * descriptor are closed. The descriptor, or -1 with err: EBUSY while a
 * `delete` is at work on it. Does not block.
 */
int bundle_lock_open(const char *bundle, struct error *err);

/*
 * For `delete`: waits until nobody works on the bundle, and keeps others from
 * beginning; bundle is borrowed, of this process alone, and not an O_PATH one.
 * -1 with err: ETIMEDOUT after timeout_ms. Uses SIGALRM and ITIMER_REAL.
 */
int bundle_lock_wait(int bundle, int timeout_ms, struct error *err);
