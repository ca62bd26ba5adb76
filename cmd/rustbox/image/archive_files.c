/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/archive_files.h"

#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd/rustbox/image/image_parts.h"
#include "cmd/rustbox/image/unpack.h"

enum { FILES_MAX = 100 * 1000, LINKS_MAX = 8 };

struct number {
	char text[32];
};
static struct number number(size_t i)
{
	struct number n;

	(void)snprintf(n.text, sizeof(n.text), "file.%zu", i);
	return n;
}

void archive_files_close(struct archive_files *files)
{
	arena_free(&files->arena);
	free(move_ptr(&files->files));
	files->n = 0;
}

/* ---- taking a tar apart ---- */

static int write_file(struct tar_stream *stream, int folder, const char *name, struct error *err)
{
	cleanup_fd int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const void *data;
	la_int64_t offset, end = 0;
	size_t size;
	int rc;

	if (fd < 0)
		return error_set(err, errno, "make %s", name);
	while ((rc = archive_read_data_block(stream->tar, &data, &size, &offset)) == ARCHIVE_OK ||
	       rc == ARCHIVE_WARN) {
		/* A sparse file has no business in here. */
		if (offset != end)
			return error_set(err, EINVAL, "a file with holes in the archive");
		if (fd_write_all(fd, name, data, size, err) < 0)
			return -1;
		end += (la_int64_t)size;
	}
	return rc == ARCHIVE_EOF ? 0 : tar_stream_error(stream, err);
}

static int add_file(struct archive_files *files, struct tar_stream *stream,
		    struct archive_entry *entry, struct error *err)
{
	const char *name = archive_entry_pathname(entry), *link = archive_entry_symlink(entry);
	struct archive_file file = { NULL };

	if (!link)
		link = archive_entry_hardlink(entry);
	if (!link && archive_entry_filetype(entry) != AE_IFREG)
		return 0; /* folders */
	if (!name)
		return error_set(err, EILSEQ, "an entry without a name");
	file.name = unpack_clean_name(name, &files->arena, err);
	if (!file.name)
		return -1;
	if (files->n >= FILES_MAX)
		return error_set(err, EFBIG, "more than %d files", FILES_MAX);
	if (link) {
		/* Hard links are relative to the top, symbolic ones to their folder. */
		file.link = arena_format(&files->arena, err, "%s%s",
					 archive_entry_hardlink(entry) ? "/" : "", link);
		if (!file.link)
			return -1;
	}
	if (mem_grow((void **)&files->files, files->n, &files->room, sizeof(file), err) < 0)
		return -1;
	if (!link && write_file(stream, files->staging->folder, number(files->n).text, err) < 0)
		return error_wrap(err, "%s", file.name);
	files->files[files->n++] = file;
	return 0;
}

static int take_apart(struct archive_files *files, const struct image_load *load, struct error *err)
{
	struct tar_stream stream cleanup_tar_stream = { .limits = load->limits,
							.progress = load->progress };
	struct archive_entry *entry;
	struct stat st;
	int rc;

	if (fstat(load->fd, &st) == 0 && S_ISREG(st.st_mode))
		stream.total = (uint64_t)st.st_size;
	if (tar_stream_open(&stream, load->fd, load->source, TAR_ANY, -1, err) < 0)
		return error_hint(err, "images are loaded from tar archives, as they are or "
				       "compressed by gzip or zstd");
	while ((rc = archive_read_next_header(stream.tar, &entry)) == ARCHIVE_OK ||
	       rc == ARCHIVE_WARN)
		if (add_file(files, &stream, entry, err) < 0)
			return error_wrap(err, "%s", load->source);
	return rc == ARCHIVE_EOF ? 0 : tar_stream_error(&stream, err);
}

int archive_files_open(struct archive_files *files, const struct staging *staging,
		       const struct image_load *load, struct error *err)
{
	struct stat st;

	*files = (struct archive_files){ .folder = -1, .staging = staging };
	if (fstat(load->fd, &st) < 0)
		return error_set(err, errno, "fstat %s", load->source);
	if (S_ISDIR(st.st_mode)) {
		files->folder = load->fd;
		return 0;
	}
	return take_apart(files, load, err);
}

/* ---- finding ---- */

/* The last one of a name counts, as when a tar is unpacked. */
static const struct archive_file *find(const struct archive_files *files, const char *name,
				       size_t *ret_index)
{
	for (size_t i = files->n; i-- > 0;) {
		if (!str_equal(files->files[i].name, name))
			continue;
		*ret_index = i;
		return &files->files[i];
	}
	return NULL;
}

/* Where a link leads to; NULL with err. */
static char *follow(const struct archive_file *file, struct arena *arena, struct error *err)
{
	const char *slash = strrchr(file->name, '/');
	char *path, *clean, *result;

	if (file->link[0] == '/')
		path = str_format(err, "/%s", file->link);
	else
		path = str_format(err, "/%.*s/%s", slash ? (int)(slash - file->name) : 0,
				  file->name, file->link);
	clean = path ? path_clean(path, err) : NULL;
	result = clean ? arena_strdup(arena, clean + 1, err) : NULL;
	free(path);
	free(clean);
	return result;
}

static int open_staged(struct archive_files *files, const char *name, struct error *err)
{
	const char *wanted = name;
	const struct archive_file *file;
	size_t index;

	for (int links = 0; links < LINKS_MAX; links++) {
		file = find(files, wanted, &index);
		if (!file)
			return error_set(err, ENOENT, "%s in the archive", name);
		if (!file->link) {
			int fd = openat(files->staging->folder, number(index).text,
					O_RDONLY | O_CLOEXEC);
			return fd < 0 ? error_set(err, errno, "open %s", name) : fd;
		}
		wanted = follow(file, &files->arena, err);
		if (!wanted)
			return -1;
	}
	return error_set(err, ELOOP, "%s in the archive", name);
}

bool archive_files_have(const struct archive_files *files, const char *name)
{
	struct error ignored;
	size_t index;

	if (files->folder < 0)
		return find(files, name, &index) != NULL;
	cleanup_fd int fd = path_open_in_root(files->folder, name, O_PATH, &ignored);
	return fd >= 0;
}

int archive_files_open_one(struct archive_files *files, const char *name, uint64_t *ret_size,
			   struct error *err)
{
	cleanup_fd int fd = files->folder < 0
				    ? open_staged(files, name, err)
				    : path_open_in_root(files->folder, name,
							O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "%s is no regular file", name);
	*ret_size = (uint64_t)st.st_size;
	return move_fd(&fd);
}

int archive_files_read(struct archive_files *files, const char *name, char **ret_text,
		       size_t *ret_size, struct error *err)
{
	uint64_t size;
	cleanup_fd int fd = archive_files_open_one(files, name, &size, err);

	if (fd < 0)
		return -1;
	return fd_read_all(fd, name, IMAGE_CONFIG_MAX, ret_text, ret_size, err);
}
