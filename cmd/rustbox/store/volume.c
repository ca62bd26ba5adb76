/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/store/volume.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/store/store_parts.h"
#include "cmd/rustbox/store/tree.h"

#define OWNER_MARK "owns-volumes"

enum { VOLUME_FILE_MAX = 1024 * 1024, ANONYMOUS_BYTES = 32 };

static const struct json_field volume_fields[] = {
	REQUIRED(volume, name, "name"),	       REQUIRED(volume, created, "created"),
	FIELD(volume, container, "container"), FIELD(volume, anonymous, "anonymous"),
	PAIRS(volume, labels, "labels"),       { NULL },
};
const struct json_type volume_type = { sizeof(struct volume), volume_fields, NULL };

int volume_check_name(const char *name, struct error *err)
{
	if (name_is_valid(name))
		return 0;
	(void)error_plain(err, EINVAL, "volume name \"%.300s\"", name);
	return error_hint(err,
			  "1 to %d of a-z A-Z 0-9 _ . - are allowed, the first a letter or a digit",
			  NAME_MAX_BYTES);
}

static char *make_name(struct arena *arena, struct error *err)
{
	unsigned char random[ANONYMOUS_BYTES];
	char name[2 * ANONYMOUS_BYTES + 1];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		(void)error_set(err, errno, "getrandom");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(name + 2 * i, 3, "%02x", random[i]);
	return arena_strdup(arena, name, err);
}

static char *data_path(const struct store *store, const char *name, struct arena *arena,
		       struct error *err)
{
	return arena_format(arena, err, "%s/volumes/%s/data", store->root, name);
}

/* ---- finding ---- */

static int set_unknown(const char *name, struct error *err)
{
	(void)error_plain(err, ENOENT, "no such volume: %s", name);
	return error_hint(err, "rustbox volume list shows all there are");
}

int volume_find(const struct store *store, const char *name, struct arena *arena,
		struct volume **ret, struct error *err)
{
	struct volume *volume = arena_alloc(arena, sizeof(*volume), err);
	cleanup_free char *text = NULL;
	size_t size;

	if (!volume)
		return -1;
	if (!name_is_valid(name))
		return set_unknown(name, err);
	if (fd_read_file(store->root_fd, store_file("volumes", name, "/volume.json").path,
			 VOLUME_FILE_MAX, &text, &size, err) < 0)
		return err->code == ENOENT || err->code == EBADF ? set_unknown(name, err) : -1;
	if (json_read(&volume_type, text, size, volume, arena, err) < 0)
		return error_wrap(err, "%s/volumes/%s/volume.json", store->root, name);
	volume->name = arena_strdup(arena, name, err);
	volume->data = data_path(store, name, arena, err);
	if (!volume->name || !volume->data)
		return -1;
	*ret = volume;
	return 0;
}

static int compare_volumes(const void *a, const void *b)
{
	return strcmp((*(struct volume *const *)a)->name, (*(struct volume *const *)b)->name);
}

/* Adds one to the list, which is on the heap. One that cannot be read is told of. */
static int add_volume(const struct store *store, const char *name, struct arena *arena,
		      struct volume ***list, size_t *n, size_t *room, struct error *err)
{
	struct error problem;
	struct volume *volume;

	if (!name_is_valid(name))
		return 0;
	if (volume_find(store, name, arena, &volume, &problem) < 0) {
		if (problem.code != ENOENT)
			log_warning("%s", problem.text);
		return 0;
	}
	if (mem_grow((void **)list, *n, room, sizeof(struct volume *), err) < 0)
		return -1;
	(*list)[(*n)++] = volume;
	return 0;
}

int volume_list(const struct store *store, struct arena *arena, struct volume ***ret, size_t *ret_n,
		struct error *err)
{
	cleanup_fd int fd =
		openat(store->root_fd, "volumes", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	cleanup_free struct volume **list = NULL;
	size_t n = 0, room = 0;
	int rc = 0;

	if (!stream && store->root_fd >= 0 && errno != ENOENT)
		return error_set(err, errno, "read %s/volumes", store->root);
	if (stream)
		(void)move_fd(&fd);
	for (const struct dirent *e;
	     stream && (rc = directory_next(stream, "volumes", &e, err)) > 0;)
		if (add_volume(store, e->d_name, arena, &list, &n, &room, err) < 0) {
			rc = -1;
			break;
		}
	if (stream)
		(void)closedir(stream);
	*ret = rc < 0 ? NULL : arena_array(arena, n + 1, sizeof(struct volume *), err);
	if (!*ret)
		return -1;
	if (n) {
		memcpy(*ret, list, n * sizeof(struct volume *));
		qsort(*ret, n, sizeof(struct volume *), compare_volumes);
	}
	*ret_n = n;
	return 0;
}

/* ---- making ---- */

/* What is in the folder that becomes the volume. */
static int fill(int folder, const struct volume *volume, struct error *err)
{
	cleanup_free char *text = json_write(&volume_type, volume, true, err);

	if (!text)
		return -1;
	if (mkdirat(folder, "data", 0755) < 0 || fchmodat(folder, "data", 0755, 0) < 0)
		return error_set(err, errno, "mkdir data");
	return fd_replace_file(folder, "volume.json", text, strlen(text), 0600, err);
}

/*
 * Made under another name, so that nobody sees half of it. What a crash has
 * left there is not locked, see volume_sweep().
 */
static int make(struct store *store, const struct volume *volume, struct error *err)
{
	struct store_file final = store_file("volumes", volume->name, "");
	char staging[64];
	struct error ignored;
	int rc = -1;

	(void)snprintf(staging, sizeof(staging), "volumes/.new.%d", (int)getpid());
	if (tree_remove(store->root_fd, staging, err) < 0)
		return -1;
	if (mkdirat(store->root_fd, staging, 0700) < 0)
		return error_set(err, errno, "mkdir %s/%s", store->root, staging);
	cleanup_fd int folder =
		openat(store->root_fd, staging, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || flock(folder, LOCK_EX | LOCK_NB) < 0)
		(void)error_set(err, errno, "lock %s/%s", store->root, staging);
	else
		rc = fill(folder, volume, err);
	if (rc == 0 &&
	    renameat2(store->root_fd, staging, store->root_fd, final.path, RENAME_NOREPLACE) < 0)
		rc = errno == EEXIST
			     ? error_plain(err, EEXIST, "volume %s exists already", volume->name)
			     : error_set(err, errno, "volume %s", volume->name);
	if (rc < 0)
		(void)tree_remove(store->root_fd, staging, &ignored);
	return rc;
}

int volume_create(struct store *store, const char *name, const char *container,
		  const struct json_pair *labels, size_t n_labels, struct arena *arena,
		  struct volume **ret, struct error *err)
{
	struct volume *volume = arena_alloc(arena, sizeof(*volume), err);

	if (!volume || (name && volume_check_name(name, err) < 0) ||
	    store_check_writable(store, err) < 0)
		return -1;
	volume->name = name ? arena_strdup(arena, name, err) : make_name(arena, err);
	volume->anonymous = !name || container; /* whose plan has made up the name */
	volume->created = clock_date_text(arena, err);
	volume->container = container ? arena_strdup(arena, container, err) : NULL;
	volume->labels = arena_array(arena, n_labels + 1, sizeof(*labels), err);
	volume->n_labels = n_labels;
	if (!volume->name || !volume->created || (container && !volume->container) ||
	    !volume->labels)
		return -1;
	if (n_labels)
		memcpy(volume->labels, labels, n_labels * sizeof(*labels));
	volume->data = data_path(store, volume->name, arena, err);
	if (!volume->data)
		return -1;
	if (make(store, volume, err) < 0)
		return error_wrap(err, "make a volume in %s", store->root);
	*ret = volume;
	return 0;
}

/* Until nobody is about to remove it, if it is there. */
static void await_removal(const struct store *store, const char *name)
{
	cleanup_fd int folder = openat(store->root_fd, store_file("volumes", name, "").path,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	while (folder >= 0 && flock(folder, LOCK_SH) < 0 && errno == EINTR)
		;
}

int volume_ensure(struct store *store, const char *name, struct arena *arena, struct volume **ret,
		  bool *ret_is_new, struct error *err)
{
	bool is_new = false;
	int rc;

	if (name_is_valid(name))
		await_removal(store, name);
	rc = volume_find(store, name, arena, ret, err);
	if (rc < 0 && err->code == ENOENT) {
		rc = volume_create(store, name, NULL, NULL, 0, arena, ret, err);
		is_new = rc == 0;
		if (rc < 0 && err->code == EEXIST) /* somebody was quicker */
			rc = volume_find(store, name, arena, ret, err);
	}
	if (rc == 0 && ret_is_new)
		*ret_is_new = is_new;
	return rc;
}

/* ---- use, and removal ---- */

static bool mounts(const struct record *record, const char *name)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (str_equal(record->mounts[i].type, "volume") &&
		    str_equal(record->mounts[i].name, name))
			return true;
	return false;
}

bool volume_is_used(const struct volume *volume, struct record *const *records, size_t n_records,
		    const struct record **ret_user)
{
	for (size_t i = 0; i < n_records; i++) {
		if (!mounts(records[i], volume->name))
			continue;
		if (ret_user)
			*ret_user = records[i];
		return true;
	}
	return false;
}

/* -1 with EBUSY and by whom, also where that cannot be known. */
static int check_unused(struct store *store, const struct volume *volume, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	const struct record *user = NULL;
	struct record **records;
	size_t n;

	if (store_list_records(store, &arena, &records, &n, err) < 0)
		return -1;
	if (!volume_is_used(volume, records, n, &user))
		return 0;
	(void)error_plain(err, EBUSY, "volume %s is in use by container %s", volume->name,
			  user->id);
	return error_hint(err, "remove that one first");
}

/* The folder, locked, while it is the volume: -1 with ENOENT or EBUSY. */
static int lock_for_removal(const struct store *store, const char *name, struct error *err)
{
	struct store_file file = store_file("volumes", name, "");
	cleanup_fd int folder =
		openat(store->root_fd, file.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat locked, there;

	if (folder < 0 && errno == ENOENT)
		return set_unknown(name, err);
	if (folder < 0)
		return error_set(err, errno, "open %s/%s", store->root, file.path);
	if (flock(folder, LOCK_EX | LOCK_NB) < 0)
		return error_plain(err, EBUSY, "volume %s is in use by another command", name);
	if (fstat(folder, &locked) < 0 ||
	    fstatat(store->root_fd, file.path, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
	    locked.st_ino != there.st_ino) /* somebody else has removed it, maybe made another */
		return set_unknown(name, err);
	return move_fd(&folder);
}

/* First out of sight, so that a crash leaves no half of a volume to be mounted. */
static int remove_folder(struct store *store, const struct volume *volume, struct error *err)
{
	struct store_file from = store_file("volumes", volume->name, "");
	char away[sizeof(struct store_file) + 16];

	(void)snprintf(away, sizeof(away), "volumes/.old.%s", volume->name);
	if (tree_remove(store->root_fd, away, err) < 0) /* of one that was killed */
		return error_wrap(err, "%s", store->root);
	if (renameat2(store->root_fd, from.path, store->root_fd, away, RENAME_NOREPLACE) < 0)
		return error_set(err, errno, "remove %s/%s", store->root, from.path);
	if (tree_remove(store->root_fd, away, err) < 0)
		return error_wrap(err, "%s", store->root);
	return 0;
}

/*
 * Who uses it is asked under the lock. Whoever makes a container waits for that
 * once his record is there, see await_removal(): either his record is seen here,
 * or he sees that the volume has gone. volume_sweep() leaves alone what is locked.
 */
int volume_remove(struct store *store, const char *name, bool force, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct volume *volume;

	if (volume_find(store, name, &arena, &volume, err) < 0)
		return force && err->code == ENOENT ? 0 : -1;
	cleanup_fd int lock = lock_for_removal(store, name, err);
	if (lock < 0)
		return force && err->code == ENOENT ? 0 : -1;
	if (check_unused(store, volume, err) < 0)
		return -1;
	return remove_folder(store, volume, err);
}

int volume_mark_owner(int bundle, struct error *err)
{
	cleanup_fd int fd =
		openat(bundle, OWNER_MARK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? error_set(err, errno, "make %s in the bundle", OWNER_MARK) : 0;
}

void volume_unmark_owner(int bundle)
{
	(void)unlinkat(bundle, OWNER_MARK, 0);
}

void volume_remove_owned(struct store *store, const char *id)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct volume **volumes;
	struct error err;
	size_t n;

	if (faccessat(store->root_fd, store_file("bundles", id, "/" OWNER_MARK).path, F_OK,
		      AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (volume_list(store, &arena, &volumes, &n, &err) < 0) {
		log_warning("volumes of container %s: %s", id, err.text);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (volumes[i]->anonymous && str_equal(volumes[i]->container, id) &&
		    volume_remove(store, volumes[i]->name, true, &err) < 0 && err.code != EBUSY)
			log_warning("%s", err.text);
}

void volume_sweep(struct store *store)
{
	cleanup_fd int fd =
		openat(store->root_fd, "volumes", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	struct error err;

	if (!stream)
		return;
	for (struct dirent *e; (e = readdir(stream));) {
		if (!str_starts_with(e->d_name, ".new.") && !str_starts_with(e->d_name, ".old."))
			continue;
		cleanup_fd int folder =
			openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) == 0 &&
		    tree_remove(fd, e->d_name, &err) < 0)
			log_warning("%s/volumes: %s", store->root, err.text);
	}
	(void)closedir(stream);
}

int volume_disk_usage(const struct store *store, const struct volume *volume, uint64_t *ret_bytes,
		      struct error *err)
{
	return tree_disk_usage(store->root_fd, store_file("volumes", volume->name, "/data").path,
			       ret_bytes, err);
}
