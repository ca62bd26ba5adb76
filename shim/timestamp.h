/* SPDX-License-Identifier: Apache-2.0 */
/* Times in messages. */
#pragma once

#include <time.h>

#include "proto/timestamp.pb-c.h"

/*
 * The time, or containerd's "no time" (the year 1) for NULL and for a time that
 * was never set: an absent field would be read as 1970.
 */
void timestamp_fill(Google__Protobuf__Timestamp *message, const struct timespec *when);
