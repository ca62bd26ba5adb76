/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/pack.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rustbox/image/pack_parts.h"
#include "cmd/rustbox/image/tar_stream.h"

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202 /* include/linux has no name for it */
#endif

enum { BUFFER_SIZE = 256 * 1024 };

/* Folders that are still to be read, the last one next: their paths below the top. */
struct packing {
	struct pack_output *output;
	const struct pack *how;
	const char *prefix;
	int top;
	struct archive_entry_linkresolver *links;
	char **pending;
	size_t n_pending, room;
	uint8_t *buffer;
	uint64_t done;
};

static void packing_done(struct packing *p)
{
	while (p->n_pending)
		free(p->pending[--p->n_pending]);
	free(p->pending);
	free(p->buffer);
	if (p->links)
		archive_entry_linkresolver_free(p->links);
}

static int packing_init(struct packing *p, struct error *err)
{
	p->links = archive_entry_linkresolver_new();
	p->buffer = malloc(BUFFER_SIZE);
	if (!p->links || !p->buffer)
		return error_memory(err);
	archive_entry_linkresolver_set_strategy(p->links, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED);
	return 0;
}

/* ---- the archive ---- */

static la_ssize_t write_callback(struct archive *archive, void *data, const void *bytes, size_t n)
{
	const struct pack_output *output = data;
	ssize_t written;

	do
		written = output->is_dropped ? -1 : write(output->fd, bytes, n);
	while (written < 0 && !output->is_dropped && errno == EINTR);
	if (written < 0)
		archive_set_error(archive, errno, "%s", strerror(errno));
	return written;
}

int pack_open(struct pack_output *output, int fd, struct error *err)
{
	struct archive *archive = archive_write_new();

	tar_use_utf8();
	*output = (struct pack_output){ archive, fd, false };
	if (!archive)
		return error_memory(err);
	if (archive_write_set_format_pax(archive) >= ARCHIVE_WARN &&
	    archive_write_set_options(archive, "pax:xattrheader=SCHILY") >= ARCHIVE_WARN &&
	    archive_write_set_bytes_in_last_block(archive, 1) >= ARCHIVE_WARN &&
	    archive_write_open(archive, output, NULL, write_callback, NULL) >= ARCHIVE_WARN)
		return 0;
	return pack_error(archive, "the archive", err);
}

int pack_close(struct pack_output *output, struct error *err)
{
	int rc = archive_write_close(output->archive);

	if (rc < ARCHIVE_WARN)
		(void)pack_error(output->archive, "the archive", err);
	pack_drop(output);
	return rc < ARCHIVE_WARN ? -1 : 0;
}

void pack_drop(struct pack_output *output)
{
	output->is_dropped = true;
	if (output->archive)
		(void)archive_write_free(output->archive);
	output->archive = NULL;
}

static int write_header(struct archive *archive, struct archive_entry *entry, struct error *err)
{
	/* A warning is about names that are not UTF-8, which are written as they are. */
	if (archive_write_header(archive, entry) < ARCHIVE_WARN)
		return pack_error(archive, archive_entry_pathname(entry), err);
	return 0;
}

int pack_text(struct pack_output *output, const char *name, const void *data, size_t size,
	      int64_t time, struct error *err)
{
	struct archive_entry *entry = archive_entry_new();
	int rc;

	if (!entry)
		return error_memory(err);
	archive_entry_copy_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, time, 0);
	rc = write_header(output->archive, entry, err);
	if (rc == 0 && size && archive_write_data(output->archive, data, size) != (la_ssize_t)size)
		rc = pack_error(output->archive, name, err);
	archive_entry_free(entry);
	return rc;
}

/* ---- content ---- */

/* True when the offset lies in a hole; *ret_end: where that, or the data, ends. */
static bool find_hole(int fd, int64_t offset, int64_t size, int64_t *ret_end)
{
	off_t data = lseek(fd, offset, SEEK_DATA);

	*ret_end = size;
	if (data < 0)
		return errno == ENXIO;
	if (data > offset) {
		*ret_end = data < size ? data : size;
		return true;
	}
	off_t hole = lseek(fd, offset, SEEK_HOLE);
	if (hole > offset && hole < size)
		*ret_end = hole;
	return false;
}

/* Tells libarchive where the data is; the holes are given to it as zeros all the same. */
static void describe_holes(int fd, const struct stat *st, struct archive_entry *entry)
{
	int64_t end;

	if (st->st_blocks * 512 >= st->st_size)
		return;
	for (int64_t at = 0; at < st->st_size; at = end) {
		bool hole = find_hole(fd, at, st->st_size, &end);

		if (!hole)
			archive_entry_sparse_add_entry(entry, at, end - at);
		else if (at == 0 && end == st->st_size)
			archive_entry_sparse_add_entry(entry, end, 0);
	}
}

static int write_content(struct packing *p, int fd, int64_t size, bool has_holes, const char *name,
			 struct error *err)
{
	int64_t end = 0;
	bool hole = false;

	for (int64_t at = 0; at < size;) {
		size_t most = size - at < BUFFER_SIZE ? (size_t)(size - at) : BUFFER_SIZE;
		ssize_t n = 0;

		if (has_holes && at >= end)
			hole = find_hole(fd, at, size, &end);
		if (has_holes && (int64_t)most > end - at)
			most = (size_t)(end - at);
		do
			n = hole ? 0 : pread(fd, p->buffer, most, at);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return error_set(err, errno, "read %s", name);
		if (n == 0) { /* a hole, or it has become shorter */
			memset(p->buffer, 0, most);
			n = (ssize_t)most;
		}
		if (archive_write_data(p->output->archive, p->buffer, (size_t)n) != n)
			return pack_error(p->output->archive, name, err);
		at += n;
		p->done += (uint64_t)n;
		image_progress_step(p->how->progress, p->how->source, p->done, 0);
	}
	return 0;
}

/* Opened with O_PATH before, so that it is known to be a regular file. */
static int add_regular(struct packing *p, int file, const struct stat *st,
		       struct archive_entry *entry, const char *name, struct error *err)
{
	struct archive_entry *spare = NULL;
	bool has_holes;
	char path[32];

	if (st->st_nlink > 1)
		archive_entry_linkify(p->links, &entry, &spare);
	if (archive_entry_hardlink(entry)) {
		archive_entry_unset_size(entry);
		return write_header(p->output->archive, entry, err);
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open %s", name);
	describe_holes(fd, st, entry);
	has_holes = archive_entry_sparse_count(entry) > 0;
	if (write_header(p->output->archive, entry, err) < 0)
		return -1;
	return write_content(p, fd, st->st_size, has_holes, name, err);
}

/* ---- files ---- */

static int add_whiteout(struct packing *p, const char *name, const struct stat *st,
			struct error *err)
{
	const char *slash = strrchr(name, '/');
	int n = slash ? (int)(slash + 1 - name) : 0;
	cleanup_free char *path = str_format(err, "%.*s.wh.%s", n, name, name + n);

	return path ? pack_text(p->output, path, "", 0, st->st_mtime, err) : -1;
}

static int add_described(struct packing *p, int file, const struct stat *st, const char *name,
			 const char *link, struct error *err)
{
	struct archive_entry *entry = archive_entry_new();
	enum pack_kind kind;
	int rc;

	if (!entry)
		return error_memory(err);
	rc = pack_describe(file, st, name, link, p->how, entry, &kind, err);
	if (rc == 0 && kind == PACK_WHITEOUT)
		rc = add_whiteout(p, name, st, err);
	else if (rc == 0 && kind == PACK_FILE)
		rc = S_ISREG(st->st_mode) ? add_regular(p, file, st, entry, name, err)
					  : write_header(p->output->archive, entry, err);
	archive_entry_free(entry);
	return rc;
}

static char *join(const char *folder, const char *name, struct error *err)
{
	return str_format(err, "%s%s%s", folder, *folder && *name ? "/" : "", name);
}

/* Adds the file, which lies at `path` below the top; a folder is put on the list. */
static int add_opened(struct packing *p, int file, const char *path, struct error *err)
{
	cleanup_free char *shown = join(p->prefix, path, err), *folder = NULL;
	char link[PATH_MAX];
	ssize_t n = 0;
	struct stat st;

	if (!shown)
		return -1;
	if (fstat(file, &st) < 0)
		return error_set(err, errno, "fstat %s", shown);
	if (S_ISLNK(st.st_mode))
		n = readlinkat(file, "", link, sizeof(link) - 1);
	if (n < 0)
		return error_set(err, errno, "read the link %s", shown);
	link[n] = '\0';
	if (!S_ISDIR(st.st_mode))
		return add_described(p, file, &st, shown, S_ISLNK(st.st_mode) ? link : NULL, err);
	folder = str_format(err, "%s/", *shown ? shown : ".");
	if (!folder || add_described(p, file, &st, folder, NULL, err) < 0 ||
	    mem_grow((void **)&p->pending, p->n_pending, &p->room, sizeof(char *), err) < 0)
		return -1;
	p->pending[p->n_pending] = strdup(path);
	return p->pending[p->n_pending++] ? 0 : error_memory(err);
}

/* Adds dir/name. What has vanished meanwhile is nobody's fault. */
static int add_one(struct packing *p, int dir, const char *name, const char *path,
		   struct error *err)
{
	cleanup_fd int file = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (file < 0)
		return errno == ENOENT ? 0 : error_set(err, errno, "open %s", path);
	return add_opened(p, file, path, err);
}

/* ---- folders ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_names(int folder, const char *path, struct arena *arena, char ***ret, size_t *ret_n,
		      struct error *err)
{
	int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	cleanup_free char **list = NULL;
	size_t n = 0, room = 0;
	int rc = 0;

	if (!stream) {
		fd_close(&copy);
		return error_set(err, errno, "read %s", path);
	}
	for (const struct dirent *e;
	     (rc = directory_next(stream, *path ? path : "/", &e, err)) > 0;) {
		rc = mem_grow((void **)&list, n, &room, sizeof(char *), err);
		if (rc == 0) {
			list[n] = arena_strdup(arena, e->d_name, err);
			rc = list[n++] ? 0 : -1;
		}
		if (rc < 0)
			break;
	}
	(void)closedir(stream);
	*ret = rc < 0 ? NULL : arena_array(arena, n + 1, sizeof(char *), err);
	if (!*ret)
		return -1;
	if (n) {
		qsort(list, n, sizeof(char *), compare_names);
		memcpy(*ret, list, n * sizeof(char *));
	}
	*ret_n = n;
	return 0;
}

/* File systems whose files are no files: without sizes, made up when they are read. */
static bool is_of_kernel(int file)
{
	static const long types[] = {
		PROC_SUPER_MAGIC,   SYSFS_MAGIC,    CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC,  TRACEFS_MAGIC,	SECURITYFS_MAGIC,
		BPF_FS_MAGIC,	    PSTOREFS_MAGIC, SELINUX_MAGIC,	MQUEUE_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(file, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((long)fs.f_type == types[i])
			return true;
	return false;
}

static int add_opaque(struct packing *p, int folder, const char *path, struct error *err)
{
	cleanup_free char *shown = NULL;

	int opaque = p->how->is_upper ? pack_is_opaque(folder, path, err) : 0;

	if (opaque <= 0)
		return opaque;
	shown = str_format(err, "%s%s.wh..wh..opq", path, *path ? "/" : "");
	return shown ? pack_text(p->output, shown, "", 0, 0, err) : -1;
}

static int is_omitted(const struct pack *how, const char *path, struct error *err)
{
	return how->omits ? how->omits(how->mount_points, path, err) : 0;
}

static int add_folder(struct packing *p, const char *path, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int folder = pack_open_below(p->top, path, O_RDONLY | O_DIRECTORY,
						p->how->stays ? RESOLVE_NO_XDEV : 0);
	char **names;
	size_t n;

	/* Gone, made something else, or another file system by now. */
	if (folder < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV
			       ? 0
			       : error_set(err, errno, "open %s", path);
	if (is_of_kernel(folder))
		return 0;
	if (add_opaque(p, folder, path, err) < 0 ||
	    list_names(folder, path, &arena, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *child = join(path, names[i], err);
		int rc = child ? is_omitted(p->how, child, err) : -1;
		if (rc == 0)
			rc = add_one(p, folder, names[i], child, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int pack_tree(struct pack_output *output, int file, const char *prefix, const struct pack *how,
	      struct error *err)
{
	struct packing p __attribute__((cleanup(packing_done))) = { output, how, prefix, file };

	if (is_of_kernel(file)) {
		(void)error_set(err, EINVAL, "%s is no file but the kernel's", how->source);
		return error_hint(err, "a process in the container can read it: rustbox exec");
	}
	if (packing_init(&p, err) < 0 || add_opened(&p, file, "", err) < 0)
		return -1;
	while (p.n_pending) {
		cleanup_free char *path = p.pending[--p.n_pending];

		if (add_folder(&p, path, err) < 0)
			return -1;
	}
	return 0;
}
