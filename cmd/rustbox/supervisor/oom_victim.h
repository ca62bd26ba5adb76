/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the kernel has killed for want of memory. The cgroup's files only count;
 * who it was is in the kernel's log (/dev/kmsg), in lines of the form
 *
 *	oom-kill:constraint=…,task_memcg=/…/ID,task=NAME,pid=N,uid=N
 *
 * of which it leaves out some when there are many.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct oom_victim {
	int32_t pid;   /* as the host sees it; 0: not known */
	char task[32]; /* printable ASCII, "?" for all else */
};

/* Takes such a line apart; false when it is another one, or not of this container's cgroup. */
bool oom_victim_parse(const char *line, const char *id, struct oom_victim *ret);

/*
 * The last one of the container since the machine's clock_now_ns() was
 * `since_ns`. False when the log says of none, or may not be read. Does not
 * block.
 */
bool oom_victim_find(const char *id, int64_t since_ns, struct oom_victim *ret);
