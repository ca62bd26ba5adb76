/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened, for `rustbox events`: lines of JSON at the end of
 * /run/rustbox/events, each written by one write(2) under a shared lock. At
 * 4 MiB the file becomes events.1.
 */
#pragma once

#include "cmd/rustbox/store/record.h"
#include "cmd/rustbox/store/root.h"

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
