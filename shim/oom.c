/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts is the kernel's number of kills; its notifications only say when
 * to look at it. cgroup2 counts before it notifies. v1 notifies before it
 * chooses whom to kill, so that the number is looked at again for a while,
 * less and less often, when it has not grown yet.
 */
#include "shim/oom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "runtime/cgroup_backend.h"
#include "runtime/cgroup_stats.h"

/* A second in all: 1, 2, 4, … ms. The OOM killer has long chosen then, or there is none. */
enum { LOOK_AGAIN_FIRST_MS = 1, LOOK_AGAIN_LAST_MS = 512 };

struct oom_watch {
	struct loop *loop;
	const struct cgroup *cgroup;
	void (*killed)(void *data);
	void *data;
	struct loop_watch watch;
	struct loop_timer again;
	int64_t again_ms; /* how long to wait until the next look */
	int64_t told;	  /* kills */
	uint64_t due;	  /* notified, but not counted yet */
	bool counts_late; /* v1 */
};

static void stop_watching(struct oom_watch *watch)
{
	loop_cancel_timer(watch->loop, &watch->again);
	loop_remove(watch->loop, &watch->watch);
	fd_close(&watch->watch.fd);
}

/* True when there is nothing left to look at. */
static bool is_gone(const struct error *err)
{
	return err->code == ENOENT || err->code == ENODEV;
}

/* Calls `killed`, after which the watch may be gone. */
static void look(struct oom_watch *watch)
{
	struct error err;
	int64_t kills = cgroup_oom_kills(watch->cgroup, &err);

	if (kills < 0 && is_gone(&err)) {
		stop_watching(watch);
		return;
	}
	if (kills < 0) {
		log_warning("watch for OOM kills: %s", err.text);
		kills = watch->told;
		watch->due += watch->due == 0;
	}
	uint64_t grown = kills > watch->told ? (uint64_t)(kills - watch->told) : 0;
	watch->told += (int64_t)grown;
	watch->due -= grown < watch->due ? grown : watch->due;
	if (watch->due > 0 && watch->again_ms <= LOOK_AGAIN_LAST_MS) {
		loop_set_timer(watch->loop, &watch->again, watch->again_ms);
	} else {
		watch->due = 0;
		loop_cancel_timer(watch->loop, &watch->again);
	}
	if (grown > 0)
		watch->killed(watch->data);
}

static void look_again(struct loop_timer *timer)
{
	struct oom_watch *watch = loop_owner(timer, struct oom_watch, again);

	watch->again_ms *= 2;
	look(watch);
}

/* Takes all that there is to read; the eventfd's number. False when it cannot be read. */
static bool take_notifications(struct oom_watch *watch, uint64_t *ret_count)
{
	_Alignas(uint64_t) char bytes[512]; /* the eventfd's eight, or some inotify_event's */
	ssize_t n;

	*ret_count = 0;
	for (;;) {
		n = read(watch->watch.fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		if (watch->counts_late && n == sizeof(*ret_count))
			memcpy(ret_count, bytes, sizeof(*ret_count));
	}
}

static void on_notification(struct loop_watch *loop_watch, uint32_t events)
{
	struct oom_watch *watch = loop_owner(loop_watch, struct oom_watch, watch);
	uint64_t count;

	(void)events;
	if (!take_notifications(watch, &count)) {
		log_warning("watch for OOM kills: the kernel's notifications cannot be read");
		stop_watching(watch);
		return;
	}
	watch->due += count;
	watch->again_ms = LOOK_AGAIN_FIRST_MS;
	look(watch);
}

struct oom_watch *oom_watch_new(struct loop *loop, const struct cgroup *cgroup,
				void (*killed)(void *data), void *data, struct error *err)
{
	/* Before the watch, so that what comes between is seen with the next look. */
	int64_t kills = cgroup_oom_kills(cgroup, err);
	cleanup_fd int fd = kills < 0 ? -1 : cgroup_watch_oom(cgroup, err);

	if (fd < 0)
		return NULL;
	cleanup_free struct oom_watch *watch = calloc(1, sizeof(*watch));
	if (!watch) {
		error_memory(err);
		return NULL;
	}
	*watch = (struct oom_watch){
		.loop = loop,
		.cgroup = cgroup,
		.killed = killed,
		.data = data,
		.watch = { .fd = fd, .events = EPOLLIN, .ready = on_notification },
		.again.fire = look_again,
		.again_ms = LOOK_AGAIN_FIRST_MS,
		.told = kills,
		.counts_late = cgroup_find_v1(cgroup, "memory") != NULL,
	};
	if (loop_add(loop, &watch->watch, err) < 0)
		return NULL;
	(void)move_fd(&fd);
	return move_ptr(&watch);
}

void oom_watch_check(struct oom_watch *watch)
{
	look(watch);
}

void oom_watch_free(struct oom_watch *watch)
{
	if (!watch)
		return;
	stop_watching(watch);
	free(watch);
}
