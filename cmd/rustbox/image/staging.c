/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/staging.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/store/tree.h"

enum { FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

int images_open_folder(int dirfd, const char *name, struct error *err)
{
	int fd = openat(dirfd, name, FOLDER);

	return fd < 0 ? error_set(err, errno, "open %s", name) : fd;
}

int images_make_folder(int dirfd, const char *name, struct error *err)
{
	if (mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "mkdir %s", name);
	return images_open_folder(dirfd, name, err);
}

static int open_images(const struct store *store, struct error *err)
{
	int fd = openat(store->root_fd, "images", FOLDER);

	return fd < 0 ? error_set(err, errno, "open %s/images", store->root) : fd;
}

int images_lock(const struct store *store, int operation, struct error *err)
{
	cleanup_fd int fd = open_images(store, err);

	if (fd < 0)
		return -1;
	while (flock(fd, operation) < 0)
		if (errno != EINTR)
			return error_set(err, errno, "lock %s/images", store->root);
	return move_fd(&fd);
}

int images_failed(const struct store *store, struct error *err)
{
	if (err->code == ENOSPC || err->code == EDQUOT)
		return error_hint(err, "images are kept in %s/images: make room there",
				  store->root);
	return -1;
}

/* Not one that somebody has locked, or has just made and is about to lock: that is his to see. */
static void sweep(int all)
{
	DIR *stream = fdopendir(fcntl(all, F_DUPFD_CLOEXEC, 0));
	struct error err;

	if (!stream)
		return;
	for (struct dirent *e; (e = readdir(stream));) {
		if (e->d_name[0] == '.')
			continue;
		cleanup_fd int folder = openat(all, e->d_name, FOLDER);
		if (folder < 0 || flock(folder, LOCK_EX | LOCK_NB) < 0)
			continue;
		if (tree_remove(all, e->d_name, &err) < 0)
			log_warning("remove what was left of a load: %s", err.text);
	}
	(void)closedir(stream);
}

void staging_sweep(const struct store *store)
{
	struct error ignored;
	cleanup_fd int images = open_images(store, &ignored);
	cleanup_fd int all = images < 0 ? -1 : openat(images, "staging", FOLDER);

	if (all >= 0 && flock(all, LOCK_EX) == 0)
		sweep(all);
}

static int make_name(struct staging *staging, struct error *err)
{
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return error_set(err, errno, "getrandom");
	(void)snprintf(staging->name, sizeof(staging->name), "%08x", random);
	return 0;
}

/* Making and locking are one thing for the others, who sweep under the same lock of the folder. */
int staging_make(const struct store *store, struct staging *ret, struct error *err)
{
	struct staging s __attribute__((cleanup(staging_drop))) = STAGING_NONE;

	s.images = open_images(store, err);
	if (s.images < 0)
		return -1;
	cleanup_fd int all = images_make_folder(s.images, "staging", err);
	if (all < 0)
		return -1;
	if (flock(all, LOCK_EX) < 0)
		return error_set(err, errno, "lock %s/images/staging", store->root);
	sweep(all);
	if (make_name(&s, err) < 0)
		return -1;
	if (mkdirat(all, s.name, 0700) < 0)
		return error_set(err, errno, "mkdir %s/images/staging/%s", store->root, s.name);
	s.folder = images_open_folder(all, s.name, err);
	if (s.folder < 0)
		return -1;
	if (flock(s.folder, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, errno, "lock %s/images/staging/%s", store->root, s.name);
	*ret = s;
	s = (struct staging)STAGING_NONE;
	return 0;
}

void staging_drop(struct staging *staging)
{
	char path[sizeof(staging->name) + 16];
	struct error err;

	if (staging->folder >= 0) {
		(void)snprintf(path, sizeof(path), "staging/%s", staging->name);
		if (tree_remove(staging->images, path, &err) < 0)
			log_warning("remove images/%s: %s", path, err.text);
	}
	fd_close(&staging->folder);
	fd_close(&staging->images);
}
