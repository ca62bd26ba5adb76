/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/store/event.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

static const struct json_field event_fields[] = {
	REQUIRED(event, time, "time"),
	REQUIRED(event, type, "type"),
	REQUIRED(event, action, "action"),
	FIELD(event, id, "id"),
	FIELD(event, name, "name"),
	PAIRS(event, attributes, "attributes"),
	{ NULL },
};
const struct json_type event_type = { sizeof(struct event), event_fields, NULL };

static int lock(int fd, int operation)
{
	int rc;

	do
		rc = flock(fd, operation);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static bool is_named(const struct store *store, int fd, const char *name)
{
	struct stat mine, named;

	return fstat(fd, &mine) == 0 &&
	       fstatat(store->run_fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

/* Opens the file with a lock, which keeps it from becoming events.1 meanwhile. */
static int open_locked(const struct store *store, struct error *err)
{
	for (int tries = 0; tries < 16; tries++) {
		cleanup_fd int fd =
			openat(store->run_fd, EVENT_FILE,
			       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0 || lock(fd, LOCK_SH) < 0)
			return error_set(err, errno, "open %s/%s", store->run, EVENT_FILE);
		if (is_named(store, fd, EVENT_FILE))
			return move_fd(&fd);
	}
	return error_set(err, EAGAIN, "open %s/%s", store->run, EVENT_FILE);
}

/* Once nobody writes to it any more, unless another one was quicker. */
static void rotate(const struct store *store, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size < EVENT_FILE_SIZE || lock(fd, LOCK_EX) < 0 ||
	    !is_named(store, fd, EVENT_FILE))
		return;
	if (renameat(store->run_fd, EVENT_FILE, store->run_fd, EVENT_FILE_OLD) < 0)
		log_warning("rename %s/%s: %s", store->run, EVENT_FILE, strerror(errno));
}

static int write_line(const struct store *store, const struct event *event, struct error *err)
{
	cleanup_free char *text = json_write(&event_type, event, false, err);
	cleanup_fd int fd = -1;
	size_t size;
	ssize_t n;

	if (!text)
		return -1;
	fd = open_locked(store, err);
	if (fd < 0)
		return -1;
	size = strlen(text);
	text[size] = '\n'; /* in place of the NUL: a line is written at once */
	do
		n = write(fd, text, size + 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, errno, "write %s/%s", store->run, EVENT_FILE);
	if ((size_t)n < size + 1)
		return error_set(err, ENOSPC, "write %s/%s", store->run, EVENT_FILE);
	rotate(store, fd);
	return 0;
}

void event_write(const struct store *store, const struct event *event)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct event copy = *event;
	struct error err;

	if (!copy.time)
		copy.time = clock_date_text(&arena, &err);
	if (!copy.time || write_line(store, &copy, &err) < 0)
		log_warning("event %s %s: %s", event->type, event->action, err.text);
}

static char *text_of(const char *constant, struct arena *arena)
{
	struct error ignored;

	return arena_strdup(arena, constant ? constant : "", &ignored);
}

void event_of_container(const struct store *store, const struct record *record, const char *action,
			const char *key, const char *value)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err;
	size_t n = 0;
	struct json_pair *pairs = arena_array(&arena, record->n_labels + 2, sizeof(*pairs), &err);

	if (!pairs)
		return;
	if (record->image)
		pairs[n++] = (struct json_pair){ text_of("image", &arena), record->image };
	if (key)
		pairs[n++] = (struct json_pair){ text_of(key, &arena), text_of(value, &arena) };
	for (size_t i = 0; i < record->n_labels; i++)
		pairs[n++] = record->labels[i];
	event_write(store, &(struct event){
				   .type = text_of("container", &arena),
				   .action = text_of(action, &arena),
				   .id = record->id,
				   .name = record->name,
				   .attributes = pairs,
				   .n_attributes = n,
			   });
}
