/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread's event loop: epoll(7), one-shot timers, and callbacks. Watches
 * and timers are members of their owner's struct; a callback finds its owner
 * with loop_owner().
 *
 * A callback may add, change and remove any watch or timer, its own included,
 * and free its owner once that is removed: nothing removed is called back.
 * Between events the loop sleeps; without timers it never wakes up by itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/error.h"

struct loop_watch {
	int fd;		 /* borrowed; must stay open while watched */
	uint32_t events; /* of epoll_ctl(2), level-triggered; 0: only errors and hang-ups */
	void (*ready)(struct loop_watch *watch, uint32_t events);
	bool watched;
};

struct loop_timer {
	void (*fire)(struct loop_timer *timer);
	int64_t due_ns;		 /* CLOCK_MONOTONIC */
	struct loop_timer *next; /* in the order of their times; NULL: the last, or not set */
	bool set;
};

struct loop {
	int epoll;
	struct loop_timer *timers;
	bool stopping;
	struct epoll_event *pending; /* what epoll_wait gave and was not called yet */
	size_t n_pending;
};

#define loop_owner(member_pointer, type, member)                                                   \
	((type *)(void *)((char *)(member_pointer)-offsetof(type, member)))

int loop_init(struct loop *loop, struct error *err);
void loop_done(struct loop *loop); /* watches and timers stay their owners' */

/* watch->fd, events and ready are set by the caller. */
int loop_add(struct loop *loop, struct loop_watch *watch, struct error *err);
/*
 * Blocks SIGTERM and SIGINT in this process and watches a signalfd(2) for them,
 * which is the caller's to close: the watch's fd. `ready` is set by the caller.
 */
int loop_add_termination(struct loop *loop, struct loop_watch *watch, struct error *err);
/* Cannot fail for a watched descriptor. */
void loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events);
/* Before its descriptor is closed. Nothing happens where it is not watched. */
void loop_remove(struct loop *loop, struct loop_watch *watch);

/* Sets or moves the timer, whose `fire` the caller has set. */
void loop_set_timer(struct loop *loop, struct loop_timer *timer, int64_t milliseconds);
void loop_cancel_timer(struct loop *loop, struct loop_timer *timer);

/* Runs callbacks until loop_stop(). -1 with err when epoll itself fails. */
int loop_run(struct loop *loop, struct error *err);
void loop_stop(struct loop *loop);

/* One round: waits at most timeout_ms (-1: for ever) and calls what is due. For tests and flushes.
 */
int loop_run_once(struct loop *loop, int timeout_ms, struct error *err);
