/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened, for `rustbox events`: lines of JSON at the end of
 * /run/rustbox/events, each written by one write(2) under a shared lock. At
 * 4 MiB the file becomes events.1.
 */
#pragma once

#include "cmd/rustbox/store/record.h"
#include "cmd/rustbox/store/root.h"

#define EVENT_FILE     "events"
#define EVENT_FILE_OLD "events.1"
enum { EVENT_FILE_SIZE = 4 * 1024 * 1024 };

struct event {
	char *time;   /* RFC 3339, nanoseconds; filled by event_write() when NULL */
	char *type;   /* "container", "image", "volume", "network" */
	char *action; /* "create", "start", "die", "kill", "stop", "pause", "unpause", "restart",
			 "rename", "update", "destroy", "oom", "exec_create", "exec_start",
			 "exec_die", "health_status", "attach", "detach", "commit", "load",
			 "import", "remove", … */
	char *id, *name;
	struct json_pair *attributes; /* "image", "exitCode", "signal", labels */
	size_t n_attributes;
};
extern const struct json_type event_type;

/* Failing to tell is not a failure of what happened: it is logged. */
void event_write(const struct store *store, const struct event *event);
/* The same for a container, with its name, image and labels. key may be NULL. */
void event_of_container(const struct store *store, const struct record *record, const char *action,
			const char *key, const char *value);

/*
 * Reading them, from the oldest there is, across the change of files. Lines
 * of another shape (a full disk has cut them) are left out.
 */
struct event_reader {
	const struct store *store;
	int file, watch; /* -1: none yet */
	char *buffer;	 /* what was read and is not used up */
	size_t start, end, room;
	bool is_old; /* it is events.1, and EVENT_FILE comes next */
};
int event_reader_open(const struct store *store, struct event_reader *ret, struct error *err);
void event_reader_close(struct event_reader *reader);

/* The next one, in the arena. 1; 0: no more for now; -1 with err. */
int event_reader_next(struct event_reader *reader, struct arena *arena, struct event *ret,
		      struct error *err);

/* A descriptor that polls readable when there may be more; call _acknowledge() before _next(). */
int event_reader_watch(struct event_reader *reader, struct error *err);
void event_reader_acknowledge(struct event_reader *reader);
