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

#include "base/directory.h"
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

/* An empty folder, open or -1. What somebody still has open keeps its blocks. */
static int remove_folder(int dirfd, const char *name, int take_fd, struct tree_rest *rest)
{
	cleanup_fd int fd = take_fd;
	bool keeps = rest && rest->n < TREE_REST_MOST;
	int rc;

	if (keeps && fd < 0)
		fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	rc = unlinkat(dirfd, name, AT_REMOVEDIR);
	if (keeps && fd >= 0 && rc == 0)
		rest->fds[rest->n++] = move_fd(&fd);
	return rc;
}

/* Removes a file or an empty folder. -1 with errno: ENOTEMPTY for a folder that is not. */
static int remove_entry(int dirfd, const char *name, bool is_folder, struct tree_rest *rest)
{
	int rc = is_folder ? remove_folder(dirfd, name, -1, rest) : unlinkat(dirfd, name, 0);

	if (rc < 0 && errno == EISDIR)
		rc = remove_folder(dirfd, name, -1, rest);
	else if (rc < 0 && errno == ENOTDIR)
		rc = unlinkat(dirfd, name, 0);
	if (rc < 0 && errno == EEXIST)
		errno = ENOTEMPTY;
	return rc < 0 && errno != ENOENT ? -1 : 0;
}

/* A folder that is being emptied, and what getdents64(2) has told of it. */
struct emptied {
	int fd;
	const char *name; /* in the folder above, whose buffer it lies in */
	size_t at, end;
	_Alignas(struct dirent64) char buffer[8192];
};

enum { LEVELS = 8 }; /* open at a time; what is deeper is lifted */

struct removal {
	struct emptied levels[LEVELS];
	size_t depth; /* how many of them; the first is the top, whose descriptor is borrowed */
	/*
	 * The next name for a lifted folder, from a random one on: a name that
	 * another remover gives out again would be another folder under a name
	 * that we have just emptied.
	 */
	uint64_t next_name;
	uint64_t lifted; /* how many were */
	uint64_t found;	 /* entries of the top */
	struct tree_rest *rest;
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
		rc = renameat2(folder, name, r->levels[0].fd, free_name, RENAME_NOREPLACE);
	} while (rc < 0 && errno == EEXIST);
	r->lifted += rc == 0;
	return rc;
}

/* take_fd: read from its beginning. */
static void push(struct removal *r, int take_fd, const char *name)
{
	struct emptied *level = &r->levels[r->depth++];

	level->fd = take_fd;
	level->name = name;
	level->at = level->end = 0;
}

/* Goes back up, and removes what was emptied. */
static void pop(struct removal *r)
{
	struct emptied *level = &r->levels[--r->depth];

	if (!r->depth)
		return;
	if (remove_folder(r->levels[r->depth - 1].fd, level->name, level->fd, r->rest) < 0)
		note(r, level->name);
}

/* The next entry that is not the folder or its parent; NULL at the end. */
static const struct dirent64 *read_entry(struct removal *r, struct emptied *level)
{
	const struct dirent64 *e;

	do {
		if (level->at == level->end) {
			ssize_t n = getdents64(level->fd, level->buffer, sizeof(level->buffer));
			if (n < 0)
				note(r, level->name);
			if (n <= 0)
				return NULL;
			level->at = 0;
			level->end = (size_t)n;
		}
		e = (const struct dirent64 *)(const void *)(level->buffer + level->at);
		level->at += e->d_reclen;
	} while (str_equal(e->d_name, ".") || str_equal(e->d_name, ".."));
	return e;
}

/* With the descriptors of the rest, where there are too few. */
static int open_next(struct removal *r, int above, const char *name)
{
	int fd = open_below(above, name);

	if (fd >= 0 || errno != EMFILE || !r->rest || !r->rest->n)
		return fd;
	tree_rest_release(r->rest);
	return open_below(above, name);
}

/* A folder that is not empty: its content comes next, or it comes later, from the top. */
static void descend(struct removal *r, int above, const char *name)
{
	if (r->depth == LEVELS) {
		if (lift(r, above, name) < 0)
			note(r, name);
		return;
	}
	int fd = open_next(r, above, name);
	if (fd < 0)
		note(r, name);
	else
		push(r, fd, name);
}

/* Once through all that is not too deep. */
static void pass(struct removal *r, int top)
{
	r->found = 0;
	r->failed = false;
	(void)lseek(top, 0, SEEK_SET);
	push(r, top, "the folder");
	while (r->depth) {
		struct emptied *level = &r->levels[r->depth - 1];
		const struct dirent64 *e = read_entry(r, level);

		if (!e) {
			pop(r);
			continue;
		}
		r->found += r->depth == 1;
		/* What is opened in any case need not be tried first. */
		int fd = e->d_type == DT_DIR && r->rest && r->depth < LEVELS
				 ? open_next(r, level->fd, e->d_name)
				 : -1;
		if (fd >= 0) {
			push(r, fd, e->d_name);
			continue;
		}
		if (remove_entry(level->fd, e->d_name, e->d_type == DT_DIR, r->rest) == 0)
			continue;
		if (errno == ENOTEMPTY)
			descend(r, level->fd, e->d_name);
		else
			note(r, e->d_name);
	}
}

/*
 * No more than some folders are open, however deep it goes: what is too deep is
 * lifted to the top, where the next pass finds it. to_the_last: until a pass
 * finds nothing; else one that lifts nothing is enough, for who finds out
 * whether the folder is empty.
 */
static int empty_folder(int top, bool to_the_last, struct tree_rest *rest, struct error *err)
{
	cleanup_free struct removal *r = calloc(1, sizeof(*r));
	uint64_t lifted;

	if (!r)
		return error_memory(err);
	r->rest = rest;
	r->err = err;
	if (getrandom(&r->next_name, sizeof(r->next_name), 0) != sizeof(r->next_name))
		return error_set(err, errno, "get a random number");
	do {
		lifted = r->lifted;
		pass(r, top);
		if (r->failed && r->lifted == lifted)
			return -1;
	} while (r->lifted > lifted || (to_the_last && r->found > 0));
	return 0;
}

static int empty_named(int dirfd, const char *name, bool to_the_last, struct tree_rest *rest,
		       struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	cleanup_fd int top = openat(dirfd, name, flags);

	if (top < 0 && errno == EMFILE && rest && rest->n) {
		tree_rest_release(rest);
		top = openat(dirfd, name, flags);
	}
	if (top < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "open %s", name);
	if (empty_folder(top, to_the_last, rest, err) < 0)
		return error_wrap(err, "%s", name);
	return 0;
}

int tree_empty(int dirfd, const char *name, struct error *err)
{
	return empty_named(dirfd, name, true, NULL, err);
}

int tree_remove_late(int dirfd, const char *name, struct tree_rest *rest, struct error *err)
{
	/* Who removes it at the same time may lift something into it once more. */
	for (int tries = 0; tries < 16; tries++) {
		if (remove_entry(dirfd, name, true, rest) == 0)
			return 0;
		if (errno != ENOTEMPTY)
			break;
		if (empty_named(dirfd, name, false, rest, err) < 0)
			return -1;
		errno = ENOTEMPTY;
	}
	(void)error_set(err, errno, "remove %s", name);
	return err->code == EBUSY
		       ? error_hint(err, "a file system is mounted there; unmount it first")
		       : -1;
}

int tree_remove(int dirfd, const char *name, struct error *err)
{
	return tree_remove_late(dirfd, name, NULL, err);
}

void tree_rest_release(struct tree_rest *rest)
{
	while (rest->n)
		fd_close(&rest->fds[--rest->n]);
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

/* What has vanished, or is another's, does not count; what could not be looked at is an error. */
static int pass_over(const struct walk *w, const char *name)
{
	(void)error_set(w->err, errno, "look at %s", name);
	return error_is_shortage(w->err) ? -1 : 0;
}

static int scan_entry(struct walk *w, const char *name)
{
	struct stat st;

	if (fstatat(w->folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return pass_over(w, name);
	count_entry(w, &st);
	return S_ISDIR(st.st_mode) ? add_pending(w, name) : 0;
}

/* Counts what is in the open folder, and notes the folders among it. */
static int scan(struct walk *w)
{
	DIR *stream = read_folder(w->folder);
	const struct dirent *e;
	int rc;

	if (!stream)
		return pass_over(w, "a folder");
	while ((rc = directory_next(stream, "of a tree", &e, w->err)) > 0)
		if (scan_entry(w, e->d_name) < 0) {
			rc = -1;
			break;
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

/* Back up to the depth: 1; 0 where the way back has gone; -1 with err. */
static int go_up(struct walk *w, size_t depth)
{
	struct stat st;

	while (w->depth > depth) {
		int above = openat(w->folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (above < 0)
			return pass_over(w, "the folder above");
		fd_close(&w->folder);
		w->folder = above;
		w->depth--;
		if (fstat(above, &st) < 0)
			return error_set(w->err, errno, "fstat");
		if (st.st_dev != w->levels[w->depth].device ||
		    st.st_ino != w->levels[w->depth].inode)
			return 0;
	}
	return 1;
}

/* Counts the folder, where it is still there. */
static int walk_into(struct walk *w, const struct pending *next)
{
	int folder = open_below(w->folder, next->name);

	return folder < 0 ? pass_over(w, next->name) : enter(w, folder, next->depth + 1);
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
		cleanup_free char *owned __attribute__((unused)) = next.name;

		int way = go_up(&w, next.depth);
		if (way == 0)
			break;
		if (way < 0 || walk_into(&w, &next) < 0)
			return -1;
	}
	*ret_bytes = w.bytes;
	return 0;
}
