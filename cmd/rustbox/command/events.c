/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/command/filter.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/store/event.h"

struct events_options {
	const char *since, *until, *format;
	struct option_strings filter;
};

static const struct option_row rows[] = {
	{ "since", 0, "TIME", "begin with those since then (a time, or 10m: ten minutes ago)",
	  OPTION_AT(events_options, since) },
	{ "until", 0, "TIME", "end then", OPTION_AT(events_options, until) },
	{ "filter", 'f', "KEY=VALUE",
	  "only those of this type, event, container, image, volume, network, label",
	  OPTION_AT(events_options, filter) },
	{ "format", 0, "FORM", "json, or a template ({{.Action}} {{.Actor.ID}})",
	  OPTION_AT(events_options, format) },
	{ NULL },
};

/* ---- filters ---- */

static const struct event *of(const void *thing)
{
	return thing;
}

static bool has_type(const void *thing, const char *value)
{
	return str_equal(of(thing)->type, value);
}

/* "health_status" is one for "health_status: healthy", too. */
static bool has_action(const void *thing, const char *value)
{
	size_t size = strlen(value);

	return strncmp(of(thing)->action, value, size) == 0 &&
	       (!of(thing)->action[size] || of(thing)->action[size] == ':');
}

static bool names(const struct event *event, const char *type, const char *value)
{
	return str_equal(event->type, type) &&
	       (str_equal(event->name, value) || (event->id && str_starts_with(event->id, value)));
}

static bool has_container(const void *thing, const char *value)
{
	return names(of(thing), "container", value);
}

static bool has_volume(const void *thing, const char *value)
{
	return names(of(thing), "volume", value);
}

static bool has_network(const void *thing, const char *value)
{
	return names(of(thing), "network", value);
}

static bool has_label(const void *thing, const char *value)
{
	return filter_label(of(thing)->attributes, of(thing)->n_attributes, value);
}

/* Of the image itself, or of a container of it. */
static bool has_image(const void *thing, const char *value)
{
	const struct event *event = of(thing);

	for (size_t i = 0; i < event->n_attributes; i++)
		if (str_equal(event->attributes[i].key, "image") &&
		    str_equal(event->attributes[i].value, value))
			return true;
	return names(event, "image", value);
}

static const struct filter_key keys[] = {
	{ "type", has_type },
	{ "event", has_action },
	{ "container", has_container },
	{ "image", has_image },
	{ "volume", has_volume },
	{ "network", has_network },
	{ "label", has_label, .all = true },
	{ NULL },
};

/* ---- showing ---- */

struct follower {
	const struct invocation *call;
	const struct events_options *options;
	struct event_reader reader;
	uint64_t since, until; /* nanoseconds since 1970; until 0: for ever */
};

/* Docker's keys; templates may use the names that its fields have in Go, too. */
static struct value *make_value(const struct event *event, uint64_t ns, bool for_template,
				struct arena *arena, struct error *err)
{
	struct fields f = { .arena = arena, .err = err };
	struct fields actor = f, attributes = f;

	for (size_t i = 0; i < event->n_attributes; i++)
		fields_text(&attributes, event->attributes[i].key, event->attributes[i].value);
	if (event->name)
		fields_text(&attributes, "name", event->name);
	fields_text(&actor, "ID", event->id);
	fields_value(&actor, "Attributes", fields_end(&attributes));
	fields_text(&f, for_template ? "Status" : "status", event->action);
	fields_text(&f, for_template ? "ID" : "id", event->id);
	fields_text(&f, "Type", event->type);
	fields_text(&f, "Action", event->action);
	fields_value(&f, "Actor", fields_end(&actor));
	fields_text(&f, for_template ? "Scope" : "scope", "local");
	fields_number(&f, for_template ? "Time" : "time", (int64_t)(ns / 1000000000));
	fields_number(&f, for_template ? "TimeNano" : "timeNano", (int64_t)ns);
	return fields_end(&f);
}

/* "2026-01-02T… container start 0123456789ab (image=busybox, name=web)" */
static void add_line(struct str *out, const struct event *event)
{
	const char *before = " (";

	str_add_format(out, "%s %s %s %s", event->time, event->type, event->action,
		       event->id ? event->id : "");
	for (size_t i = 0; i < event->n_attributes; i++, before = ", ")
		str_add_format(out, "%s%s=%s", before, event->attributes[i].key,
			       event->attributes[i].value);
	if (event->name) {
		str_add_format(out, "%sname=%s", before, event->name);
		before = ", ";
	}
	str_add(out, *before == ',' ? ")\n" : "\n");
	/* Labels are texts of others, and this may be a terminal. */
	for (char *p = out->text; p && *p; p++)
		if (((unsigned char)*p < ' ' && p[1]) || *p == 0x7f)
			*p = ' ';
}

static int show(const struct follower *f, const struct event *event, uint64_t ns,
		struct arena *arena, struct error *err)
{
	const char *format = f->options->format;
	cleanup_str struct str out = STR_EMPTY;
	const struct value *value;

	if (!format) {
		add_line(&out, event);
		return fields_print(&out);
	}
	value = make_value(event, ns, strcmp(format, "json") != 0, arena, err);
	if (!value || format_documents(format, &value, 1, &out, err) < 0)
		return -1;
	return fields_print(&out);
}

/* Shows what there is. 1: --until was passed, 0: there may be more. */
static int show_all(struct follower *f, struct error *err)
{
	for (;;) {
		cleanup_arena struct arena arena = ARENA_EMPTY;
		struct error ignored;
		struct event event;
		uint64_t ns;
		int rc = event_reader_next(&f->reader, &arena, &event, err);

		if (rc <= 0)
			return rc;
		if (format_read_time(event.time, 0, &ns, &ignored) < 0 || ns < f->since)
			continue;
		if (f->until && ns > f->until)
			return 1;
		if (filter_matches(keys, &f->options->filter, &event) &&
		    show(f, &event, ns, &arena, err) < 0)
			return -1;
	}
}

/* Until there may be more (0), --until has come or nobody reads our output any more (1). */
static int wait_for_more(struct follower *f, int watch, struct error *err)
{
	struct pollfd fds[] = { { .fd = watch, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	uint64_t now = clock_date_ns();
	int timeout = -1, rc;

	if (f->until && now >= f->until)
		return 1;
	if (f->until)
		timeout = f->until - now > 3600000000000U ? 3600000
							  : (int)((f->until - now) / 1000000 + 1);
	rc = poll(fds, 2, timeout);
	if (rc < 0 && errno != EINTR)
		return error_set(err, errno, "poll");
	event_reader_acknowledge(&f->reader);
	return rc > 0 && (fds[1].revents & (POLLERR | POLLHUP));
}

static int follow(struct follower *f, struct error *err)
{
	int watch = event_reader_watch(&f->reader, err), rc = 0;

	while (watch >= 0 && rc == 0) {
		rc = show_all(f, err);
		if (fflush(stdout) == EOF)
			return errno == EPIPE ? 0 : error_set(err, errno, "write the events");
		if (rc == 0)
			rc = wait_for_more(f, watch, err);
	}
	return watch < 0 || rc < 0 ? -1 : 0;
}

/* Checked before the first event comes. */
static int check_format(const char *format, struct error *err)
{
	cleanup_str struct str ignored = STR_EMPTY;

	if (!format || strcmp(format, "json") == 0)
		return 0;
	return format_template(format, NULL, 0, &ignored, err);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct follower f = { .call = call, .options = call->options };
	uint64_t now = clock_date_ns();
	int rc;

	f.since = now;
	if (filter_check(keys, &f.options->filter, err) < 0 ||
	    check_format(f.options->format, err) < 0 ||
	    (f.options->since && format_read_time(f.options->since, now, &f.since, err) < 0) ||
	    (f.options->until && format_read_time(f.options->until, now, &f.until, err) < 0) ||
	    event_reader_open(call->store, &f.reader, err) < 0)
		return -1;
	rc = follow(&f, err);
	event_reader_close(&f.reader);
	return rc;
}

const struct command command_events = {
	.about = {
		.name = "events",
		.summary = "show what happens to containers, images, volumes and networks",
		.arguments = "",
		.description = "Goes on until it is interrupted, or --until has come. Events of "
			       "the past are kept in memory, 4 to 8 MiB of them, until the "
			       "machine is restarted.",
		.rows = rows,
	},
	.options_size = sizeof(struct events_options),
	.run = run,
};
