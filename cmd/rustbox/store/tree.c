/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/store/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

/* A folder right below dirfd that is no link and no other file system. -1 with errno. */
static int open_below(int dirfd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
}

/* A stream that reads the folder from its beginning; the descriptor stays the caller's. */
static DIR *read_folder(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);

	if (!stream)
		fd_close(&copy);
	return stream;
}

/* The next entry that is not the folder or its parent. */
static struct dirent *next_entry(DIR *stream)
{
	struct dirent *e;

	do
		e = readdir(stream);
	while (e && (str_equal(e->d_name, ".") || str_equal(e->d_name, "..")));
	return e;
}

/* Removes a file or an empty folder. -1 with errno: ENOTEMPTY for a folder that is not. */
static int remove_entry(int dirfd, const char *name, bool is_folder)
{
	int rc = unlinkat(dirfd, name, is_folder ? AT_REMOVEDIR : 0);

	if (rc < 0 && (errno == EISDIR || errno == ENOTDIR))
		rc = unlinkat(dirfd, name, is_folder ? 0 : AT_REMOVEDIR);
	if (rc < 0 && errno == EEXIST)
		errno = ENOTEMPTY;
	return rc < 0 && errno != ENOENT ? -1 : 0;
}

struct removal {
	int top;
	/*
	 * The next name for a lifted folder, from a random one on: a name that
	 * another remover gives out again would be another folder under a name
	 * that we have just emptied.
	 */
	uint64_t next_name;
	uint64_t lifted; /* how many were */
	bool failed;
	struct error *err; /* of the first failure of a pass */
};

/* What somebody else has removed meanwhile is no failure. */
static void note(struct removal *r, const char *name)
{
	if (r->failed || errno == ENOENT)
		return;
	r->failed = true;
	(void)error_set(r->err, errno, "remove %s", name);
	if (r->err->code == EBUSY || r->err->code == EXDEV)
		(void)error_hint(r->err, "a file system is mounted there; unmount it first");
	if (r->err->code == EPERM)
		(void)error_hint(r->err, "it may be immutable; see chattr(1)");
}

/* Moves a folder up to the top, under a name that is free there. */
static int lift(struct removal *r, int folder, const char *name)
{
	char free_name[32];
	int rc;

	do {
		(void)snprintf(free_name, sizeof(free_name), "lifted.%016llx",
			       (unsigned long long)r->next_name++);
		rc = renameat2(folder, name, r->top, free_name, RENAME_NOREPLACE);
	} while (rc < 0 && errno == EEXIST);
	r->lifted += rc == 0;
	return rc;
}

/* Removes a folder of the top that is not empty; what is not empty in it moves to the top. */
static void remove_folder(struct removal *r, const char *name)
{
	cleanup_fd int folder = open_below(r->top, name);
	DIR *stream = folder < 0 ? NULL : read_folder(folder);

	if (!stream) {
		note(r, name);
		return;
	}
	for (struct dirent *e; (e = next_entry(stream));) {
		if (remove_entry(folder, e->d_name, e->d_type == DT_DIR) == 0)
			continue;
		if (errno != ENOTEMPTY || lift(r, folder, e->d_name) < 0)
			note(r, e->d_name);
	}
	(void)closedir(stream);
	if (unlinkat(r->top, name, AT_REMOVEDIR) < 0)
		note(r, name);
}

/* Once through the top. The number of entries that it began with; -1 with err. */
static ssize_t pass(struct removal *r)
{
	DIR *stream = read_folder(r->top);
	ssize_t count = 0;

	if (!stream)
		return errno == ENOENT ? 0 : error_set(r->err, errno, "read a folder");
	for (struct dirent *e; (e = next_entry(stream)); count++) {
		if (remove_entry(r->top, e->d_name, e->d_type == DT_DIR) == 0)
			continue;
		if (errno == ENOTEMPTY)
			remove_folder(r, e->d_name);
		else
			note(r, e->d_name);
	}
	(void)closedir(stream);
	return count;
}

/*
 * A pass takes one level off and lifts what is two levels down, so that no
 * more than two folders are open, however deep it goes.
 */
static int empty_folder(int top, struct error *err)
{
	struct removal r = { .top = top, .err = err };
	uint64_t lifted;
	ssize_t count;

	if (getrandom(&r.next_name, sizeof(r.next_name), 0) != sizeof(r.next_name))
		return error_set(err, errno, "get a random number");
	do {
		lifted = r.lifted;
		r.failed = false;
		count = pass(&r);
		if (count < 0)
			return -1;
		if (r.failed && r.lifted == lifted)
			return -1;
	} while (count > 0);
	return 0;
}

int tree_empty(int dirfd, const char *name, struct error *err)
{
	cleanup_fd int top = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (top < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "open %s", name);
	if (empty_folder(top, err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}

int tree_remove(int dirfd, const char *name, struct error *err)
{
	/* Who removes it at the same time may lift something into it once more. */
	for (int tries = 0; tries < 16; tries++) {
		if (remove_entry(dirfd, name, true) == 0)
			return 0;
		if (errno != ENOTEMPTY)
			break;
		if (tree_empty(dirfd, name, err) < 0)
			return -1;
		errno = ENOTEMPTY;
	}
	(void)error_set(err, errno, "remove %s", name);
	return err->code == EBUSY
		       ? error_hint(err, "a file system is mounted there; unmount it first")
		       : -1;
}

/* ---- how much there is ---- */

struct pending {
	char *name;
	size_t depth; /* of the folder that it is in */
};
struct level {
	dev_t device;
	ino_t inode;
};

/*
 * One folder is open at a time; the way back is "..", and whether that is
 * still the folder it came from is looked at: a running container moves what
 * it likes to wherever it likes.
 */
struct walk {
	int folder;
	size_t depth; /* of `folder`; the start has 0 */
	struct level *levels;
	size_t levels_room;
	struct pending *pending;
	size_t n_pending, pending_room;
	uint64_t bytes;
	struct error *err;
};

static void walk_done(struct walk *w)
{
	while (w->n_pending)
		free(w->pending[--w->n_pending].name);
	free(w->pending);
	free(w->levels);
	fd_close(&w->folder);
}

/* A file counts in parts, one for each of its names. */
static void count_entry(struct walk *w, const struct stat *st)
{
	uint64_t bytes = (uint64_t)st->st_blocks * 512;

	w->bytes += S_ISDIR(st->st_mode) || st->st_nlink < 2 ? bytes : bytes / st->st_nlink;
}

static int add_pending(struct walk *w, const char *name)
{
	char *copy;

	if (mem_grow((void **)&w->pending, w->n_pending, &w->pending_room, sizeof(*w->pending),
		     w->err) < 0)
		return -1;
	copy = strdup(name);
	if (!copy)
		return error_memory(w->err);
	w->pending[w->n_pending++] = (struct pending){ copy, w->depth };
	return 0;
}

/* Counts what is in the open folder, and notes the folders among it. */
static int scan(struct walk *w)
{
	DIR *stream = read_folder(w->folder);
	struct stat st;
	int rc = 0;

	if (!stream)
		return 0;
	for (struct dirent *e; rc == 0 && (e = next_entry(stream));) {
		if (fstatat(w->folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		count_entry(w, &st);
		if (S_ISDIR(st.st_mode))
			rc = add_pending(w, e->d_name);
	}
	(void)closedir(stream);
	return rc;
}

/* Enters the folder (taken), which lies at that depth. */
static int enter(struct walk *w, int take_fd, size_t depth)
{
	struct stat st;

	fd_close(&w->folder);
	w->folder = take_fd;
	w->depth = depth;
	if (mem_grow((void **)&w->levels, depth, &w->levels_room, sizeof(*w->levels), w->err) < 0)
		return -1;
	if (fstat(w->folder, &st) < 0)
		return error_set(w->err, errno, "fstat");
	w->levels[depth] = (struct level){ st.st_dev, st.st_ino };
	return scan(w);
}

/* Back up to the depth. False where the way back has gone. */
static bool go_up(struct walk *w, size_t depth)
{
	struct stat st;

	while (w->depth > depth) {
		int above = openat(w->folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (above < 0)
			return false;
		fd_close(&w->folder);
		w->folder = above;
		w->depth--;
		if (fstat(above, &st) < 0 || st.st_dev != w->levels[w->depth].device ||
		    st.st_ino != w->levels[w->depth].inode)
			return false;
	}
	return true;
}

int tree_disk_usage(int dirfd, const char *name, uint64_t *ret_bytes, struct error *err)
{
	struct walk w __attribute__((cleanup(walk_done))) = { .folder = -1, .err = err };
	int folder = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (folder < 0 && errno != ENOENT)
		return error_set(err, errno, "open %s", name);
	if (folder >= 0 && fstat(folder, &st) == 0)
		count_entry(&w, &st);
	if (folder >= 0 && enter(&w, folder, 0) < 0)
		return -1;
	while (w.n_pending) {
		struct pending next = w.pending[--w.n_pending];
		cleanup_free char *owned = next.name;

		if (!go_up(&w, next.depth))
			break;
		folder = open_below(w.folder, owned);
		if (folder >= 0 && enter(&w, folder, next.depth + 1) < 0)
			return -1;
	}
	*ret_bytes = w.bytes;
	return 0;
}
