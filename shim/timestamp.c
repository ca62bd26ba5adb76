/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/timestamp.h"

/* 0001-01-01T00:00:00Z */
static const int64_t no_time = -62135596800;

void timestamp_fill(Google__Protobuf__Timestamp *message, const struct timespec *when)
{
	google__protobuf__timestamp__init(message);
	message->seconds = no_time;
	if (!when || (when->tv_sec == 0 && when->tv_nsec == 0))
		return;
	message->seconds = when->tv_sec;
	message->nanos = (int32_t)when->tv_nsec;
}
