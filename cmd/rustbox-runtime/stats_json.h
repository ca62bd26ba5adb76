/* SPDX-License-Identifier: Apache-2.0 */
/* Events as `events` prints them, one JSON object a line, with the member names of runc's. */
#pragma once

#include "base/str.h"
#include "runtime/cgroup_stats.h"

void stats_json_add_stats(struct str *s, const char *id, const struct cgroup_stats *stats);
void stats_json_add_oom(struct str *s, const char *id);
