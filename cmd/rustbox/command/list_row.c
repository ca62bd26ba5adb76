/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/list_row.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd/rustbox/command/fields.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/store/tree.h"

enum { COMMAND_WIDTH = 20, MOUNT_WIDTH = 15 };

/* Adds at most `width` bytes of the text, the last of which then are an ellipsis. 0: all. */
static void add_cut(struct str *s, const char *text, size_t width)
{
	size_t size = strlen(text);

	if (width == 0 || size <= width) {
		str_add(s, text);
		return;
	}
	size = width - 1;
	while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
		size--; /* not within a character */
	str_add_bytes(s, text, size);
	str_add(s, "…");
}

static void put_command(struct fields *f, const struct record *record, bool no_trunc)
{
	const struct image_settings *settings = record->settings;
	cleanup_str struct str words = STR_EMPTY, shown = STR_EMPTY;

	for (size_t i = 0; i < settings->n_entrypoint; i++)
		str_add_format(&words, "%s%s", words.size ? " " : "", settings->entrypoint[i]);
	for (size_t i = 0; i < settings->n_cmd; i++)
		str_add_format(&words, "%s%s", words.size ? " " : "", settings->cmd[i]);
	str_add(&shown, "\"");
	add_cut(&shown, words.text ? words.text : "", no_trunc ? 0 : COMMAND_WIDTH);
	str_add(&shown, "\"");
	fields_text(f, "Command", shown.text);
}

static void put_created(struct fields *f, const struct record *record, int64_t now)
{
	time_t created = record_seconds(record->created);
	cleanup_str struct str ago = STR_EMPTY;
	struct tm tm = { 0 };
	char text[48] = "";

	(void)gmtime_r(&created, &tm);
	(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", &tm);
	fields_text(f, "CreatedAt", text);
	format_ago(&ago, now - created);
	str_add(&ago, " ago");
	fields_text(f, "RunningFor", ago.text);
}

/* ---- state ---- */

const char *list_row_state(const struct record *record, struct arena *arena, struct error *err)
{
	char *state = arena_strdup(arena, record_status_names[record->state->status], err);

	if (state)
		*state = (char)tolower((unsigned char)*state);
	return state;
}

static void add_up(struct str *s, const struct record *record, int64_t now)
{
	const struct record_state *state = record->state;

	str_add(s, "Up ");
	format_ago(s, now - record_seconds(state->started));
	if (state->status == RECORD_PAUSED)
		str_add(s, " (Paused)");
	else if (state->health == HEALTH_STARTING)
		str_add(s, " (health: starting)");
	else if (state->health != HEALTH_NONE)
		str_add_format(s, " (%s)", record_health_names[state->health]);
}

static void put_status(struct fields *f, const struct record *record, int64_t now)
{
	const struct record_state *state = record->state;
	cleanup_str struct str s = STR_EMPTY;

	if (state->status == RECORD_CREATED) {
		str_add(&s, "Created");
	} else if (state->status == RECORD_RUNNING || state->status == RECORD_PAUSED) {
		add_up(&s, record, now);
	} else {
		str_add_format(&s, "%s (%d) ", record_status_names[state->status],
			       state->exit_code);
		format_ago(&s, now - record_seconds(state->finished));
		str_add(&s, " ago");
	}
	fields_text(f, "Status", s.text);
	fields_text(f, "State", list_row_state(record, f->arena, f->err));
	fields_text(f, "Health", record_health_names[state->health]);
	fields_number(f, "ExitCode", state->exit_code);
	fields_number(f, "Pid", state->pid);
}

/* ---- network, mounts ---- */

static bool is_published(const struct record_network *network, const char *exposed)
{
	char text[32];

	for (size_t i = 0; i < network->n_ports; i++) {
		(void)snprintf(text, sizeof(text), "%u/%s", network->ports[i].container_port,
			       network->ports[i].protocol);
		if (str_equal(text, exposed))
			return true;
	}
	return false;
}

/* Of a container that runs: the others have none. */
static void put_ports(struct fields *f, const struct record *record)
{
	const struct record_network *network = record->network;
	cleanup_str struct str s = STR_EMPTY;

	for (size_t i = 0; record_is_live(record) && i < network->n_ports; i++) {
		const struct record_port *port = &network->ports[i];
		const char *ip = port->host_ip ? port->host_ip : "0.0.0.0";
		const char *open = strchr(ip, ':') ? "[" : "", *close = *open ? "]" : "";
		str_add_format(&s, "%s%s%s%s:%u->%u/%s", s.size ? ", " : "", open, ip, close,
			       port->host_port, port->container_port, port->protocol);
	}
	for (size_t i = 0; record_is_live(record) && i < record->settings->n_exposed_ports; i++) {
		const char *exposed = record->settings->exposed_ports[i].key;
		if (!is_published(network, exposed))
			str_add_format(&s, "%s%s", s.size ? ", " : "", exposed);
	}
	fields_text(f, "Ports", s.text);
	fields_text(f, "Networks", network->mode);
}

static void put_mounts(struct fields *f, const struct record *record, bool no_trunc)
{
	cleanup_str struct str s = STR_EMPTY;
	int64_t volumes = 0;

	for (size_t i = 0; i < record->n_mounts; i++) {
		const struct record_mount *mount = &record->mounts[i];
		const char *name = mount->name ? mount->name : mount->source;
		volumes += mount->name != NULL;
		if (!name)
			continue;
		if (s.size)
			str_add(&s, ",");
		add_cut(&s, name, no_trunc ? 0 : MOUNT_WIDTH);
	}
	fields_text(f, "Mounts", s.text);
	fields_number(f, "LocalVolumes", volumes);
}

/* Docker's words: what the container has written, and all that it sees. */
static int put_size(struct fields *f, const struct invocation *call, const struct record *record)
{
	const char *upper = arena_format(f->arena, f->err, "overlay/%s/upperdir", record->id);
	cleanup_str struct str s = STR_EMPTY;
	uint64_t own = 0, all = 0, layer = 0;

	if (!upper || tree_disk_usage(call->store->root_fd, upper, &own, f->err) < 0)
		return -1;
	all = own;
	for (size_t i = 0; i < record->n_lower; i++) {
		if (tree_disk_usage(AT_FDCWD, record->lower[i], &layer, f->err) < 0)
			return -1;
		all += layer;
	}
	format_size(&s, own);
	str_add(&s, " (virtual ");
	format_size(&s, all);
	str_add(&s, ")");
	fields_text(f, "Size", s.text);
	return 0;
}

struct value *list_row(const struct invocation *call, const struct record *record,
		       const struct list_row_options *options, struct error *err)
{
	struct fields f = { .arena = call->arena, .err = err };

	fields_text(&f, "ID", record->id);
	fields_text(&f, "Names", record->name);
	fields_text(&f, "Image", record->image ? record->image : record->rootfs);
	put_command(&f, record, options->no_trunc);
	put_created(&f, record, options->now);
	put_status(&f, record, options->now);
	put_ports(&f, record);
	put_mounts(&f, record, options->no_trunc);
	fields_joined(&f, "Labels", record->labels, record->n_labels);
	if (options->with_size && put_size(&f, call, record) < 0)
		return NULL;
	return fields_end(&f);
}
