/* SPDX-License-Identifier: Apache-2.0 */
/* Archives, and a store of their own, for the tests of this folder. */
#pragma once

#include "cmd/rustbox/store/store_test.h"

#include <archive_entry.h>
#include <locale.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "cmd/rustbox/image/pack.h"
#include "cmd/rustbox/image/unpack.h"

/* A file of an archive. type 0 is a regular one. */
struct member {
	const char *path;
	mode_t type;
	const char *text; /* content, or what a link (type AE_IFLNK) says */
	const char *hard_link;
	mode_t mode; /* 0: 0644 */
	uid_t uid;
	int major, minor;
	const char *attribute; /* an extended one, of the value "1" */
	size_t size;	       /* of the text; 0: to its NUL */
};

static inline void test_add(struct archive *archive, const struct member *m)
{
	struct archive_entry *entry = archive_entry_new();
	mode_t type = m->type ? m->type : AE_IFREG;
	size_t size = type == AE_IFREG && m->text ? (m->size ? m->size : strlen(m->text)) : 0;

	archive_entry_copy_pathname(entry, m->path);
	archive_entry_set_filetype(entry, type);
	archive_entry_set_perm(entry, m->mode ? m->mode : 0644);
	archive_entry_set_uid(entry, m->uid);
	archive_entry_set_gid(entry, m->uid);
	archive_entry_set_mtime(entry, 1000000000, 123);
	archive_entry_set_size(entry, (la_int64_t)size);
	if (type == AE_IFLNK)
		archive_entry_copy_symlink(entry, m->text);
	if (m->hard_link)
		archive_entry_copy_hardlink(entry, m->hard_link);
	if (type == AE_IFCHR || type == AE_IFBLK)
		archive_entry_set_rdev(entry, makedev((unsigned)m->major, (unsigned)m->minor));
	if (m->attribute)
		archive_entry_xattr_add_entry(entry, m->attribute, "1", 1);
	if (archive_write_header(archive, entry) < ARCHIVE_WARN)
		fail_msg("%s: %s", m->path, archive_error_string(archive));
	if (size)
		assert_int_equal(archive_write_data(archive, m->text, size), size);
	archive_entry_free(entry);
}

/* The archive's descriptor, at its beginning. */
static inline int test_tar(const struct member *members, size_t n, bool gzip)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);
	struct archive *archive = archive_write_new();

	assert_true(fd >= 0);
	assert_int_equal(archive_write_set_format_pax(archive), ARCHIVE_OK);
	assert_int_equal(archive_write_set_options(archive, "pax:xattrheader=SCHILY"), ARCHIVE_OK);
	if (gzip)
		assert_int_equal(archive_write_add_filter_gzip(archive), ARCHIVE_OK);
	assert_int_equal(archive_write_open_fd(archive, fd), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++)
		test_add(archive, &members[i]);
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	archive_write_free(archive);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}
#define test_tar_of(...)                                                                           \
	test_tar((const struct member[]){ __VA_ARGS__ },                                           \
		 sizeof((const struct member[]){ __VA_ARGS__ }) / sizeof(struct member), false)

/* Unpacks it (taken) into the folder. */
static inline int test_unpack(int take_tar, const struct unpack *how, struct error *err)
{
	struct tar_stream stream = { .limits = { 0 } };
	cleanup_fd int tar = take_tar;
	struct digest digest;
	uint64_t size;
	int rc = tar_stream_open(&stream, tar, "test.tar", TAR_ANY, -1, err);

	if (rc == 0)
		rc = unpack(&stream, how, err);
	if (rc == 0)
		rc = tar_stream_finish(&stream, &digest, &size, err);
	tar_stream_close(&stream);
	return rc;
}

/* What a file below the folder says; "" when it cannot be read. In a buffer of its own. */
static inline const char *test_text(int folder, const char *path)
{
	static char text[4096];
	cleanup_fd int fd = openat(folder, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static inline struct stat test_stat(int folder, const char *path)
{
	struct stat st;

	if (fstatat(folder, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

static inline bool test_is_there(int folder, const char *path)
{
	return faccessat(folder, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* For changes_list(): lines of kind and path; data is a struct str. */
static inline int test_note_change(void *data, char kind, const char *path, struct error *err)
{
	(void)err;
	str_add_format(data, "%c %s\n", kind, path);
	return 0;
}

static inline int test_make_folder(struct test_store *t, const char *name)
{
	assert_int_equal(mkdirat(t->store.root_fd, name, 0755), 0);
	return openat(t->store.root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
