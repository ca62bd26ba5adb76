/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <limits.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"

enum { EVENTS_A_ROUND = 16, NS_PER_MS = 1000000 };

int loop_init(struct loop *loop, struct error *err)
{
	*loop = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	if (loop->epoll < 0)
		return error_set(err, errno, "create an epoll descriptor");
	return 0;
}

void loop_done(struct loop *loop)
{
	fd_close(&loop->epoll);
}

int loop_add(struct loop *loop, struct loop_watch *watch, struct error *err)
{
	struct epoll_event event = { .events = watch->events, .data.ptr = watch };

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, watch->fd, &event) < 0)
		return error_set(err, errno, "watch descriptor %d", watch->fd);
	watch->watched = true;
	return 0;
}

int loop_add_termination(struct loop *loop, struct loop_watch *watch, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return error_set(err, errno, "block signals");
	watch->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch->fd < 0)
		return error_set(err, errno, "signalfd");
	watch->events = EPOLLIN;
	return loop_add(loop, watch, err);
}

void loop_change(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	if (watch->watched && events != watch->events)
		(void)epoll_ctl(loop->epoll, EPOLL_CTL_MOD, watch->fd, &event);
	watch->events = events;
}

void loop_remove(struct loop *loop, struct loop_watch *watch)
{
	if (!watch->watched)
		return;
	watch->watched = false;
	(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	for (size_t i = 0; i < loop->n_pending; i++)
		if (loop->pending[i].data.ptr == watch)
			loop->pending[i].data.ptr = NULL;
}

void loop_set_timer(struct loop *loop, struct loop_timer *timer, int64_t milliseconds)
{
	int64_t now = clock_now_ns(), longest = (INT64_MAX - now) / NS_PER_MS;
	struct loop_timer **place = &loop->timers;

	loop_cancel_timer(loop, timer);
	if (milliseconds < 0)
		milliseconds = 0;
	if (milliseconds > longest)
		milliseconds = longest;
	timer->due_ns = now + milliseconds * NS_PER_MS;
	while (*place && (*place)->due_ns <= timer->due_ns)
		place = &(*place)->next;
	timer->next = *place;
	timer->set = true;
	*place = timer;
}

void loop_cancel_timer(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer **place = &loop->timers;

	if (!timer->set)
		return;
	while (*place && *place != timer)
		place = &(*place)->next;
	if (*place)
		*place = timer->next;
	timer->next = NULL;
	timer->set = false;
}

/* For epoll_wait: rounded up, so that the timer is due when it returns. */
static int time_to_wait(const struct loop *loop, int timeout_ms)
{
	if (!loop->timers)
		return timeout_ms;
	int64_t left = loop->timers->due_ns - clock_now_ns();
	left = left <= 0 ? 0 : (left - 1) / NS_PER_MS + 1;
	if (left > INT_MAX)
		left = INT_MAX;
	return timeout_ms >= 0 && timeout_ms < left ? timeout_ms : (int)left;
}

static void call_pending(struct loop *loop)
{
	while (loop->n_pending) {
		struct epoll_event event = *loop->pending++;
		loop->n_pending--;
		struct loop_watch *watch = event.data.ptr;
		/* An earlier callback may have changed what this one waits for. */
		if (watch && (event.events &= watch->events | EPOLLERR | EPOLLHUP))
			watch->ready(watch, event.events);
	}
	loop->pending = NULL;
}

/* Those that are due now; one that a callback sets anew has to wait for the next round. */
static void fire_timers(struct loop *loop)
{
	if (!loop->timers)
		return;
	int64_t now = clock_now_ns();
	while (loop->timers && loop->timers->due_ns <= now && !loop->stopping) {
		struct loop_timer *timer = loop->timers;
		loop_cancel_timer(loop, timer);
		timer->fire(timer);
	}
}

static int run_round(struct loop *loop, int timeout_ms, struct error *err)
{
	struct epoll_event events[EVENTS_A_ROUND];
	int n = epoll_wait(loop->epoll, events, EVENTS_A_ROUND, time_to_wait(loop, timeout_ms));

	if (n < 0 && errno != EINTR)
		return error_set(err, errno, "wait for events");
	/*
	 * When a callback runs a round of its own, this replaces what the outer
	 * round has left. Nothing is lost: the kernel tells of it again.
	 */
	loop->pending = events;
	loop->n_pending = n > 0 ? (size_t)n : 0;
	call_pending(loop);
	fire_timers(loop);
	return 0;
}

int loop_run_once(struct loop *loop, int timeout_ms, struct error *err)
{
	bool stopping = loop->stopping;

	loop->stopping = false;
	if (run_round(loop, timeout_ms, err) < 0)
		return -1;
	loop->stopping |= stopping;
	return 0;
}

int loop_run(struct loop *loop, struct error *err)
{
	while (!loop->stopping)
		if (run_round(loop, -1, err) < 0)
			return -1;
	loop->stopping = false;
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
	loop->n_pending = 0;
}
