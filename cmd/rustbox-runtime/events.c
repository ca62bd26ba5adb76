/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "cmd/rustbox-runtime/command.h"
#include "cmd/rustbox-runtime/stats_json.h"
#include "cmd/rustbox-runtime/value.h"

struct events_options {
	const char *interval;
	bool stats;
};

static const struct option_row rows[] = {
	{ "stats", 0, NULL, "print the statistics once, and end",
	  OPTION_AT(events_options, stats) },
	{ "interval", 0, "TIME", "how often to print them, as in 500ms or 1m30s",
	  OPTION_AT(events_options, interval), .fallback = "5s" },
	{ NULL },
};

struct watch {
	struct container_view view;
	int64_t interval;  /* nanoseconds */
	int64_t oom_kills; /* -1: not known */
	bool oom_is_counted;
	int end, timer, oom; /* readable: the container ended, time is up, somebody was killed */
};

static void watch_done(struct watch *watch)
{
	fd_close(&watch->end);
	fd_close(&watch->timer);
	fd_close(&watch->oom);
}

static int print_line(struct str *s, struct error *err)
{
	cleanup_free char *line = str_take(s, err);

	if (!line)
		return -1;
	if (fputs(line, stdout) == EOF || fflush(stdout) != 0)
		return error_set(err, errno, "write to standard output");
	return 0;
}

static int print_stats(const struct container_view *view, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str s = STR_EMPTY;
	struct cgroup_stats stats = { 0 };

	if (cgroup_read_stats(&view->cgroup, &arena, &stats, err) < 0)
		return -1;
	stats_json_add_stats(&s, view->state.id, &stats);
	return print_line(&s, err);
}

static int open_timer(struct watch *watch, struct error *err)
{
	const struct timespec every = { .tv_sec = watch->interval / 1000000000,
					.tv_nsec = watch->interval % 1000000000 };
	const struct itimerspec times = { .it_interval = every, .it_value = every };

	watch->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (watch->timer < 0 || timerfd_settime(watch->timer, 0, &times, NULL) < 0)
		return error_set(err, errno, "timerfd");
	return 0;
}

/* The end is that of the process which was the container's after we had got hold of it. */
static int open_end(struct watch *watch, const struct invocation *call, struct error *err)
{
	pid_t pid = watch->view.state.pid;

	watch->end = process_pidfd_open(pid);
	if (watch->end < 0 && errno != ESRCH)
		return error_set(err, errno, "pidfd_open %d", (int)pid);
	if (container_look(call->engine, call->args[0], call->arena, &watch->view, err) < 0)
		return -1;
	if (watch->end < 0 || watch->view.status == CONTAINER_STOPPED ||
	    watch->view.state.pid != pid)
		return error_set(err, 0, "container %s has stopped", call->args[0]);
	return 0;
}

/* Without a memory controller there are statistics all the same. */
static void open_oom(struct watch *watch)
{
	struct error err;
	int waiting;

	if (watch->view.cgroup.disabled)
		return;
	watch->oom = cgroup_watch_oom(&watch->view.cgroup, &err);
	if (watch->oom < 0) {
		log_warning("no out-of-memory events: %s", err.text);
		return;
	}
	/* Only an eventfd does not know FIONREAD: v1. */
	watch->oom_is_counted = ioctl(watch->oom, FIONREAD, &waiting) == 0;
	watch->oom_kills = cgroup_oom_kills(&watch->view.cgroup, &err);
}

/*
 * v2 notifies of every change of memory.events, so that the count decides. v1
 * notifies of nothing else (but of the end of the cgroup), and before it counts.
 */
static int report_oom(struct watch *watch, bool notified, struct error *err)
{
	cleanup_str struct str s = STR_EMPTY;
	struct error gone;
	int64_t kills = cgroup_oom_kills(&watch->view.cgroup, &gone);
	bool happened = watch->oom_is_counted ? kills != watch->oom_kills : notified;

	if (kills < 0 || !happened)
		return 0;
	watch->oom_kills = kills;
	stats_json_add_oom(&s, watch->view.state.id);
	return print_line(&s, err);
}

static void drain(int fd)
{
	char buffer[4096];

	(void)!read(fd, buffer, sizeof(buffer));
}

/* 0: go on; 1: the container has ended; -1: error. */
static int handle_events(struct watch *watch, const struct pollfd *fds, struct error *err)
{
	bool ended = fds[0].revents != 0, due = fds[1].revents != 0, notified = fds[2].revents != 0;

	if (notified)
		drain(watch->oom);
	if (watch->oom >= 0 && (notified || ended) && report_oom(watch, notified, err) < 0)
		return -1;
	if (ended)
		return 1;
	if (!due)
		return 0;
	drain(watch->timer);
	if (print_stats(&watch->view, err) == 0)
		return 0;
	/* The cgroup may have gone with the container's end. */
	return process_pidfd_ended(watch->end) ? 1 : -1;
}

static int watch_events(struct watch *watch, struct error *err)
{
	struct pollfd fds[] = {
		{ .fd = watch->end, .events = POLLIN },
		{ .fd = watch->timer, .events = POLLIN },
		{ .fd = watch->oom, .events = POLLIN },
	};
	int done = 0;

	while (done == 0) {
		if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) >= 0)
			done = handle_events(watch, fds, err);
		else if (errno != EINTR)
			return error_set(err, errno, "poll");
	}
	return done < 0 ? -1 : 0;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	const struct events_options *options = call->options;
	__attribute__((
		cleanup(watch_done))) struct watch watch = { .end = -1, .timer = -1, .oom = -1 };

	if (!value_duration(options->interval, &watch.interval))
		return error_set(err, 0, "--interval: \"%s\" is not a time such as 5s or 500ms",
				 options->interval);
	if (container_look(call->engine, call->args[0], call->arena, &watch.view, err) < 0)
		return -1;
	if (watch.view.status == CONTAINER_STOPPED)
		return error_set(err, 0, "container %s has stopped", call->args[0]);
	if (options->stats)
		return print_stats(&watch.view, err);
	if (open_end(&watch, call, err) < 0 || open_timer(&watch, err) < 0)
		return -1;
	open_oom(&watch);
	return watch_events(&watch, err);
}

const struct command command_events = {
	.about = {
		.name = "events",
		.summary = "print statistics and out-of-memory events of a container",
		.arguments = "ID",
		.description =
			"Prints a JSON object a line until the container stops: of the type "
			"\"stats\" every 5 seconds, or as --interval says, and of the type \"oom\" "
			"when the kernel killed a process for want of memory.",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct events_options),
	.args_least = 1,
	.args_most = 1,
	.run = run,
};
