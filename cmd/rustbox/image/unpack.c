/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/unpack.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/rustbox/image/unpack_parts.h"

/* Bytes of the names that are remembered to the end. */
enum { LATE_BYTES_MAX = 512 * 1024 * 1024 };

/* What is done when all else is there. */
struct late {
	enum { LATE_TIMES, LATE_WHITEOUT, LATE_OPAQUE } what;
	char *path;
	struct timespec time; /* LATE_TIMES */
};

struct unpacking {
	struct tar_stream *stream;
	const struct unpack *how;
	struct arena names; /* of one entry */
	int parent;	    /* the last entry's, which is often the next one's, too */
	char *parent_path;
	struct late *late;
	size_t n_late, late_room;
	uint64_t late_bytes, entries;
};

static void unpacking_done(struct unpacking *u)
{
	for (size_t i = 0; i < u->n_late; i++)
		free(u->late[i].path);
	free(u->late);
	free(u->parent_path);
	fd_close(&u->parent);
	arena_free(&u->names);
}

char *unpack_clean_name(const char *name, struct arena *arena, struct error *err)
{
	char *out = arena_strdup(arena, name, err);
	size_t used = 0;

	if (!out)
		return NULL;
	/* Some call the top "/". */
	if (*name == '/' && name[strspn(name, "/")]) {
		(void)error_set(err, EINVAL, "absolute name \"%.500s\"", name);
		return NULL;
	}
	for (const char *p = name + strspn(name, "/"); *p; p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");
		if (n == 2 && memcmp(p, "..", 2) == 0) {
			(void)error_set(err, EINVAL, "name with \"..\": \"%.500s\"", name);
			return NULL;
		}
		if (n != 1 || *p != '.') {
			if (used)
				out[used++] = '/';
			memmove(out + used, p, n);
			used += n;
		}
		p += n;
	}
	out[used] = '\0';
	return out;
}

/* The folder that the entry lies in, made if it is missing. The descriptor is kept for the next. */
static int enter_parent(struct unpacking *u, const char *path, struct unpack_place *ret,
			struct error *err)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (!u->parent_path || strncmp(u->parent_path, path, n) != 0 || u->parent_path[n]) {
		char *copy = strndup(path, n);
		free(u->parent_path);
		u->parent_path = copy;
		fd_close(&u->parent);
		if (!copy)
			return error_memory(err);
		u->parent = path_make_in_root(u->how->folder, copy, PATH_DIRECTORY, err);
		if (u->parent < 0)
			return -1;
	}
	*ret = (struct unpack_place){ u->parent, slash ? slash + 1 : *path ? path : ".", path };
	return 0;
}

static int add_late(struct unpacking *u, struct late late, const char *path, struct error *err)
{
	late.path = strdup(path);
	u->late_bytes += strlen(path) + sizeof(late);
	if (!late.path ||
	    mem_grow((void **)&u->late, u->n_late, &u->late_room, sizeof(*u->late), err) < 0) {
		free(late.path);
		return error_memory(err);
	}
	u->late[u->n_late++] = late;
	return u->late_bytes > LATE_BYTES_MAX
		       ? error_set(err, EFBIG, "%s: too many names", u->stream->name)
		       : 0;
}

/* ---- whiteouts ---- */

#define WHITEOUT ".wh."

/* 1: it was one. */
static int take_whiteout(struct unpacking *u, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	cleanup_free char *hidden = NULL;
	struct late late = { .what = LATE_WHITEOUT };
	size_t n = (size_t)(name - path);

	if (!u->how->is_layer || !str_starts_with(name, WHITEOUT))
		return 0;
	if (str_equal(name, ".wh..wh..opq")) {
		late.what = LATE_OPAQUE;
		hidden = strndup(path, slash ? n - 1 : 0);
	} else if (str_starts_with(name, ".wh..wh.")) {
		return 1; /* book-keeping of aufs */
	} else {
		name += strlen(WHITEOUT);
		if (!*name || str_equal(name, ".") || str_equal(name, ".."))
			return error_set(err, EINVAL, "whiteout of nothing: \"%s\"", path);
		hidden = str_format(err, "%.*s%s", (int)n, path, name);
	}
	if (!hidden)
		return error_memory(err);
	return add_late(u, late, hidden, err) < 0 ? -1 : 1;
}

static int make_opaque(int folder, const char *path, struct error *err)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "/proc/self/fd/%d", folder);
	if (setxattr(text, layer_opaque_attribute(), "y", 1, 0) < 0)
		return error_set(err, errno, "make the folder %s opaque", path);
	return 0;
}

static int make_whiteout(struct unpacking *u, const char *path, struct error *err)
{
	struct unpack_place place;
	struct stat st;

	if (enter_parent(u, path, &place, err) < 0)
		return -1;
	if (mknodat(place.parent, place.name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EEXIST || fstatat(place.parent, place.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "make a whiteout of %s", path);
	if (!S_ISDIR(st.st_mode))
		return 0;
	/* The layer hides a folder of those below and has one of its own. */
	cleanup_fd int folder =
		openat(place.parent, place.name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return folder < 0 ? error_set(err, errno, "open %s", path) : make_opaque(folder, path, err);
}

static int do_late(struct unpacking *u, const struct late *late, struct error *err)
{
	struct timespec times[2] = { late->time, late->time };
	struct unpack_place place;
	cleanup_fd int folder = -1;

	if (late->what == LATE_WHITEOUT)
		return make_whiteout(u, late->path, err);
	if (late->what == LATE_OPAQUE) {
		folder = path_make_in_root(u->how->folder, late->path, PATH_DIRECTORY, err);
		return folder < 0 ? -1 : make_opaque(folder, late->path, err);
	}
	/* It may not be there any more. */
	if (enter_parent(u, late->path, &place, err) < 0)
		return -1;
	if (utimensat(place.parent, place.name, times, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		return error_set(err, errno, "set the times of %s", late->path);
	return 0;
}

/* The times last, which all else changes. */
static int do_all_late(struct unpacking *u, struct error *err)
{
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < u->n_late; i++)
			if ((u->late[i].what == LATE_TIMES) == (pass == 1) &&
			    do_late(u, &u->late[i], err) < 0)
				return -1;
	return 0;
}

/* ---- entries ---- */

/* The path below the folder; "" for the top of the archive; NULL with err. */
static char *place_name(struct unpacking *u, const char *name, struct error *err)
{
	char *clean;

	if (!name) {
		(void)error_set(err, EILSEQ, "an entry without a name");
		return NULL;
	}
	clean = unpack_clean_name(name, &u->names, err);
	if (!clean || !*clean || !u->how->below)
		return clean;
	return arena_format(&u->names, err, "%s/%s", u->how->below, clean);
}

/* What a hard link names: it has to be there. */
static int find_target(struct unpacking *u, const char *name, struct unpack_place *ret, int *ret_fd,
		       struct error *err)
{
	char *path = place_name(u, name, err);
	char *slash = path ? strrchr(path, '/') : NULL;
	const char *parent = slash ? path : "";

	if (!path)
		return error_wrap(err, "hard link");
	if (!*path)
		return error_set(err, EINVAL, "hard link to a folder");
	ret->path = arena_strdup(&u->names, path, err);
	if (!ret->path)
		return -1;
	if (slash)
		*slash = '\0';
	ret->name = slash ? slash + 1 : path;
	*ret_fd = path_open_in_root(u->how->folder, parent, O_PATH | O_DIRECTORY, err);
	ret->parent = *ret_fd;
	return *ret_fd < 0 ? error_wrap(err, "hard link to %s", ret->path) : 0;
}

static int make_entry(struct unpacking *u, const char *path, struct archive_entry *entry,
		      struct error *err)
{
	struct unpack_place place, target = { .parent = -1 };
	struct late late = { .what = LATE_TIMES };
	cleanup_fd int target_fd = -1;
	const char *hard_link = archive_entry_hardlink(entry);
	bool is_folder = !hard_link && archive_entry_filetype(entry) == AE_IFDIR;

	if (!*path && !is_folder)
		return error_set(err, EINVAL, "the top of the archive is no folder");
	if (!*path && !u->how->is_layer)
		return 0; /* the folder that files are copied to stays as it is */
	if (hard_link && find_target(u, hard_link, &target, &target_fd, err) < 0)
		return -1;
	if (enter_parent(u, path, &place, err) < 0 ||
	    unpack_file(u->stream, u->how, &place, entry, &target, err) < 0)
		return -1;
	if (!is_folder || !archive_entry_mtime_is_set(entry))
		return 0;
	late.time.tv_sec = archive_entry_mtime(entry);
	late.time.tv_nsec = archive_entry_mtime_nsec(entry);
	return add_late(u, late, path, err);
}

static int take_entry(struct unpacking *u, struct archive_entry *entry, struct error *err)
{
	char *path = place_name(u, archive_entry_pathname(entry), err);
	int whiteout;

	if (!path)
		return -1;
	if (++u->entries > UNPACK_ENTRIES_MAX)
		return error_set(err, EFBIG, "more than %d files", UNPACK_ENTRIES_MAX);
	/* Symbolic links may have changed what the parent's path means, and so may files. */
	whiteout = take_whiteout(u, path, err);
	if (whiteout)
		return whiteout < 0 ? -1 : 0;
	return make_entry(u, path, entry, err);
}

/* What the kept descriptor of the last parent stands for may be replaced by this entry. */
static void forget_parent(struct unpacking *u, struct archive_entry *entry)
{
	if (archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry))
		return;
	free(move_ptr(&u->parent_path));
	fd_close(&u->parent);
}

static int take_all(struct unpacking *u, struct error *err)
{
	struct archive_entry *entry;
	int rc;

	while ((rc = archive_read_next_header(u->stream->tar, &entry)) != ARCHIVE_EOF) {
		if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
			return tar_stream_error(u->stream, err);
		if (take_entry(u, entry, err) < 0)
			return error_wrap(err, "%s", u->stream->name);
		forget_parent(u, entry);
		arena_free(&u->names);
	}
	return do_all_late(u, err);
}

int unpack(struct tar_stream *stream, const struct unpack *how, struct error *err)
{
	struct unpacking u __attribute__((cleanup(unpacking_done))) = { stream, how, .parent = -1 };
	mode_t mask = umask(0);
	int rc = take_all(&u, err);

	(void)umask(mask);
	return rc;
}
