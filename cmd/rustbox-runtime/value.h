/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments that are more than a number: signals, sizes, durations. Each takes
 * the whole text or nothing: then false, and *ret is unchanged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * "KILL", "SIGKILL", "sigkill", "9", "RTMIN", "RTMIN+3", "SIGRTMAX-1". 0 counts,
 * too: it asks whether the process is there.
 */
bool value_signal(const char *text, int *ret);

/*
 * Bytes: "1048576", "64k", "512M", "1.5GiB": k, m, g, t and p are powers of 1024,
 * in any case, with "b" or "ib" behind it if you like. "-1" is -1: no limit.
 */
bool value_size(const char *text, int64_t *ret);

/* Nanoseconds, more than 0: "5s", "500ms", "1m30s", "1.5h"; units: ns us ms s m h. */
bool value_duration(const char *text, int64_t *ret);
