/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/changes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rustbox/image/pack_parts.h"

/* What is still to be looked at, the last one next. */
struct item {
	char *path;
	bool is_hidden; /* of the layers below alone: an opaque folder hides it */
};
struct walk {
	const struct mount_points *points;
	int lower;
	int (*change)(void *data, char kind, const char *path, struct error *err);
	void *data;
	struct item *items;
	size_t n, room;
};

static void walk_done(struct walk *w)
{
	while (w->n)
		free(w->items[--w->n].path);
	free(w->items);
}

/* 1: it is there, 0: nothing is, -1 with err: who knows. */
static int look(int root, const char *path, struct stat *ret, struct error *err)
{
	cleanup_fd int fd = pack_open_below(root, path, O_PATH, 0);

	if (fd >= 0 && fstat(fd, ret) == 0)
		return 1;
	return pack_is_absent(errno) ? 0 : error_set(err, errno, "look at %s", path);
}

static int push(struct walk *w, const char *folder, const char *name, bool is_hidden,
		struct error *err)
{
	struct item item = { .is_hidden = is_hidden };

	if (mem_grow((void **)&w->items, w->n, &w->room, sizeof(item), err) < 0)
		return -1;
	item.path = str_format(err, "%s%s%s", folder, *folder ? "/" : "", name);
	if (!item.path)
		return -1;
	w->items[w->n++] = item;
	return 0;
}

/* The names of an opaque folder's counterpart that the folder does not have. */
static int push_hidden(struct walk *w, const char *path, struct error *err)
{
	int fd = pack_open_below(w->lower, path, O_RDONLY | O_DIRECTORY, 0);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	int rc = 0;

	if (!stream) {
		rc = pack_is_absent(errno)
			     ? 0
			     : error_set(err, errno, "read %s of the layers below", path);
		fd_close(&fd);
		return rc;
	}
	for (const struct dirent *e; (rc = directory_next(stream, path, &e, err)) > 0;) {
		struct stat st;
		cleanup_free char *other = NULL;

		other = str_format(err, "%s/%s", path, e->d_name);
		rc = other ? look(w->points->upper, other, &st, err) : -1;
		if (rc == 0)
			rc = push(w, path, e->d_name, true, err);
		if (rc < 0)
			break;
	}
	(void)closedir(stream);
	return rc;
}

static int compare_items(const void *a, const void *b)
{
	/* The last one is taken next. */
	return strcmp(((const struct item *)b)->path, ((const struct item *)a)->path);
}

static int push_folder(struct walk *w, const char *path, struct error *err)
{
	size_t before = w->n;
	int fd = pack_open_below(w->points->upper, path, O_RDONLY | O_DIRECTORY, 0);
	DIR *stream;
	int rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "open %s", path);
	rc = *path ? pack_is_opaque(fd, path, err) : 0;
	if (rc > 0)
		rc = push_hidden(w, path, err);
	stream = rc < 0 ? NULL : fdopendir(fd);
	if (!stream) {
		fd_close(&fd);
		return rc < 0 ? -1 : error_set(err, errno, "read %s", path);
	}
	for (const struct dirent *e;
	     (rc = directory_next(stream, *path ? path : "/", &e, err)) > 0;)
		if (push(w, path, e->d_name, false, err) < 0) {
			rc = -1;
			break;
		}
	(void)closedir(stream);
	if (rc == 0 && w->n > before)
		qsort(w->items + before, w->n - before, sizeof(*w->items), compare_items);
	return rc;
}

static int look_at(struct walk *w, const char *path, bool is_hidden, struct error *err)
{
	struct stat st, below;
	int is_alone, is_there, is_below;

	if (is_hidden)
		return w->change(w->data, 'D', path, err);
	is_alone = mount_points_alone(w->points, path, err);
	if (is_alone)
		return is_alone < 0 ? -1 : 0;
	is_there = look(w->points->upper, path, &st, err);
	if (is_there <= 0)
		return is_there;
	is_below = look(w->lower, path, &below, err);
	if (is_below < 0)
		return -1;
	/* A whiteout of nothing is what is left of a file that came and went. */
	if (pack_is_whiteout(&st))
		return is_below ? w->change(w->data, 'D', path, err) : 0;
	if (w->change(w->data, is_below ? 'C' : 'A', path, err) < 0)
		return -1;
	return S_ISDIR(st.st_mode) ? push_folder(w, path, err) : 0;
}

int changes_list(const struct mount_points *points, int lower,
		 int (*change)(void *data, char kind, const char *path, struct error *err),
		 void *data, struct error *err)
{
	struct walk w __attribute__((cleanup(walk_done))) = { points, lower, change, data };

	if (push_folder(&w, "", err) < 0)
		return -1;
	while (w.n) {
		cleanup_free char *path = w.items[--w.n].path;

		if (look_at(&w, path, w.items[w.n].is_hidden, err) < 0)
			return -1;
	}
	return 0;
}
