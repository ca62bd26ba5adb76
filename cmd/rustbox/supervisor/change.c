/* SPDX-License-Identifier: Apache-2.0 */
/* The record, which nobody else writes as long as we live. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/store/event.h"
#include "cmd/rustbox/supervisor/client.h"

enum { SAVE_AGAIN_MS = 500 };

static void on_save_again(struct loop_timer *timer)
{
	struct supervisor *s = loop_owner(timer, struct supervisor, save_again);

	/* Without the lock it is others' to write. */
	if (s->lock >= 0)
		change_save(s, true);
}

/* Neither a full disk nor want of memory ends a container: the record is written later. */
void change_save(struct supervisor *s, bool durable)
{
	struct error err;

	loop_cancel_timer(&s->loop, &s->save_again);
	if (store_save(s->store, s->record, durable, &err) == 0)
		return;
	log_warning("%s", err.text);
	s->save_again.fire = on_save_again;
	loop_set_timer(&s->loop, &s->save_again, SAVE_AGAIN_MS);
}

void change_set_now(char text[40])
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err;
	const char *now = clock_date_text(&arena, &err);

	(void)snprintf(text, 40, "%s", now ? now : "");
}

void change_set_error(struct supervisor *s, const char *text)
{
	(void)snprintf(s->texts.error, sizeof(s->texts.error), "%s", text);
	s->record->state->error = *s->texts.error ? s->texts.error : NULL;
}

void change_tell(struct supervisor *s, const char *action, const char *key, const char *value)
{
	event_of_container(s->store, s->record, action, key, value);
}

void change_write_pid(const struct supervisor *s)
{
	const char *path = s->record->policy->pidfile;
	char text[16];
	struct error err;

	if (!path)
		return;
	(void)snprintf(text, sizeof(text), "%d\n", s->pid);
	if (change_replace_file(path, text, strlen(text), &err) < 0)
		log_error("--pidfile %s: %s", path, err.text);
}

int change_replace_file(const char *path, const char *text, size_t size, struct error *err)
{
	const char *name = strrchr(path, '/') + 1;
	cleanup_free char *folder = strndup(path, (size_t)(name - path));

	if (!folder)
		return error_memory(err);
	cleanup_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open %s", folder);
	if (fd_check_replaceable(fd, name, err) < 0)
		return -1;
	return fd_replace_file(fd, name, text, size, 0644, err);
}

static int rename_container(struct supervisor *s, const char *name, struct error *err)
{
	char *old = s->record->name;
	cleanup_free char *copy = strdup(name), *owned = s->texts.name;

	s->texts.name = NULL;
	if (!copy)
		error_memory(err);
	if (!copy || store_check_name(name, err) < 0 ||
	    store_take_name(s->store, name, s->id, err) < 0) {
		s->texts.name = move_ptr(&owned);
		return -1;
	}
	s->record->name = copy;
	if (store_save(s->store, s->record, true, err) < 0) {
		s->record->name = old;
		s->texts.name = move_ptr(&owned);
		store_drop_name(s->store, name, s->id);
		return -1;
	}
	s->texts.name = move_ptr(&copy);
	store_drop_name(s->store, old, s->id);
	change_tell(s, "rename", "oldName", old);
	return 0;
}

static int update(struct supervisor *s, const char *restart, struct error *err)
{
	if (record_set_restart(s->record->policy, restart, s->record->auto_remove, err) < 0)
		return -1;
	change_save(s, true);
	change_tell(s, "update", "restart", restart);
	return 0;
}

/* The list lives in the arena, which is taken over; the old one goes with its own. */
static int change_env(struct supervisor *s, const struct stream_change *change,
		      struct arena *take_arena, struct error *err)
{
	struct image_settings *settings = arena_alloc(take_arena, sizeof(*settings), err);

	if (!settings)
		return -1;
	*settings = *s->record->settings;
	settings->env = change->env;
	settings->n_env = change->n_env;
	s->record->settings = settings;
	arena_free(&s->parts.settings);
	s->parts.settings = *take_arena;
	*take_arena = (struct arena)ARENA_EMPTY;
	change_save(s, true);
	change_tell(s, "update", NULL, NULL);
	return 0;
}

/* A client sends one of them at a time. */
int change_apply(struct client *c, const char *json, size_t size, bool *ret_later,
		 struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct stream_change change = { 0 };
	struct supervisor *s = c->s;

	if (json_read(&stream_change_type, json, size, &change, &arena, err) < 0)
		return -1;
	if (change.restart && update(s, change.restart, err) < 0)
		return -1;
	if (change.name && rename_container(s, change.name, err) < 0)
		return -1;
	if (change.sets_ports)
		return publish_begin(c, &change, &arena, ret_later, err);
	return change.sets_env ? change_env(s, &change, &arena, err) : 0;
}

void change_done(struct supervisor *s)
{
	arena_free(&s->parts.settings);
	arena_free(&s->parts.network);
	free(s->texts.name);
	s->texts.name = NULL;
}
