/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ends of processes: of the runtime's verbs, of loggers, and of the
 * containers' processes, which come to us when the verb that made them ends,
 * because we are a subreaper (PR_SET_CHILD_SUBREAPER).
 *
 * Everything is reaped. A pid that nobody watches is discarded, unless someone
 * holds: a verb is in flight whose process may end before we know its pid.
 * Until its end was handed over, a watched pid cannot be somebody else's.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "base/loop.h"

struct reaper_child {
	pid_t pid; /* 0: not watched */
	/* status as of waitpid(2); when: CLOCK_REALTIME. The child is no longer watched then. */
	void (*ended)(struct reaper_child *child, int status, const struct timespec *when);
	struct reaper_child *next;
};

struct reaper;

/*
 * Blocks SIGCHLD in this process, takes it by signalfd(2) from the loop, and
 * makes us a subreaper: before any child is started. One a process.
 */
struct reaper *reaper_new(struct loop *loop, struct error *err);
void reaper_free(struct reaper *reaper);

/*
 * Calls child->ended (set by the caller) when the process ends: from the loop,
 * or from within this call when it has ended already and was held, or is no
 * child of ours (then as if killed by SIGKILL: no one waits for ever).
 */
void reaper_watch(struct reaper *reaper, struct reaper_child *child, pid_t pid);
void reaper_forget(struct reaper *reaper, struct reaper_child *child);

/* Alive, or not reaped yet: this pid is a child of ours, and nobody else's. */
bool reaper_is_child(pid_t pid);

/*
 * Between hold and release ends of unknown pids are kept for reaper_watch().
 * They nest; with the last release what was kept is discarded.
 */
void reaper_hold(struct reaper *reaper);
void reaper_release(struct reaper *reaper);
