/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "cmd/rustbox/image/unpack_parts.h"
#include "cmd/rustbox/store/tree.h"

struct fd_path {
	char text[32];
};
/* The open file as a path: for calls that take no descriptor, or none opened with O_PATH. */
static struct fd_path fd_path(int fd)
{
	struct fd_path path;

	(void)snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

/* ---- attributes ---- */

static bool is_attribute_taken(const char *name)
{
	return str_equal(name, "security.capability") ||
	       (str_starts_with(name, "user.") && !str_starts_with(name, "user.overlay."));
}

static int set_attributes(int fd, const struct unpack_place *place, struct archive_entry *entry,
			  struct error *err)
{
	const char *name;
	const void *value;
	size_t size;

	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!is_attribute_taken(name))
			continue;
		if (setxattr(fd_path(fd).text, name, value, size, 0) == 0)
			continue;
		if (errno != EOPNOTSUPP && errno != EPERM)
			return error_set(err, errno, "set %s of %s", name, place->path);
		log_warning("%s: the file system here does not take %s", place->path, name);
	}
	return 0;
}

static mode_t mode_of(const struct unpack *how, struct archive_entry *entry)
{
	mode_t mode = archive_entry_perm(entry) & 07777;

	if (how->to_host && !how->keeps_special_bits)
		mode &= (mode_t) ~(S_ISUID | S_ISGID);
	return mode;
}

int unpack_set_times(const struct unpack_place *place, struct archive_entry *entry,
		     struct error *err)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };

	if (archive_entry_mtime_is_set(entry)) {
		times[1].tv_sec = archive_entry_mtime(entry);
		times[1].tv_nsec = archive_entry_mtime_nsec(entry);
		times[0] = times[1];
	}
	if (archive_entry_atime_is_set(entry)) {
		times[0].tv_sec = archive_entry_atime(entry);
		times[0].tv_nsec = archive_entry_atime_nsec(entry);
	}
	if (utimensat(place->parent, place->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set(err, errno, "set the times of %s", place->path);
	return 0;
}

/* Where an ordinary user has but one id everything is that user's. */
static int check_unknown_ids(const struct unpack_place *place, int64_t uid, int64_t gid,
			     struct error *err)
{
	(void)error_set(err, errno, "chown %s", place->path);
	if (err->code != EINVAL || !process_in_user_namespace())
		return -1;
	return process_user_ids() == 1
		       ? 0
		       : error_hint(err,
				    "user %lld or group %lld is none of the user's subordinate "
				    "ids (/etc/subuid, /etc/subgid)",
				    (long long)uid, (long long)gid);
}

/* In this order: chown(2) takes set-user-ID bits and capabilities away. */
static int set_all(int fd, const struct unpack *how, const struct unpack_place *place,
		   struct archive_entry *entry, struct error *err)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	if (ownership_to_disk(&how->owner, &uid, &gid, err) < 0)
		return error_wrap(err, "%s", place->path);
	if (fchownat(fd, "", (uid_t)uid, (gid_t)gid, AT_EMPTY_PATH) < 0 &&
	    check_unknown_ids(place, uid, gid, err) < 0)
		return -1;
	if (archive_entry_filetype(entry) != AE_IFLNK) {
		if (chmod(fd_path(fd).text, mode_of(how, entry)) < 0)
			return error_set(err, errno, "chmod %s", place->path);
		if (set_attributes(fd, place, entry, err) < 0)
			return -1;
	}
	return unpack_set_times(place, entry, err);
}

/* ---- content ---- */

static bool is_zero(const uint8_t *data, size_t n)
{
	return n == 0 || (data[0] == 0 && memcmp(data, data + 1, n - 1) == 0);
}

enum { BLOCK = 4096 };

/* The bytes up to the next block of the file, at most n. */
static size_t in_block(int64_t offset, size_t n)
{
	size_t rest = BLOCK - (size_t)(offset % BLOCK);

	return rest < n ? rest : n;
}

static int write_run(int fd, const uint8_t *data, size_t size, int64_t offset, const char *path,
		     struct error *err)
{
	while (size) {
		ssize_t n = pwrite(fd, data, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_set(err, n ? errno : ENOSPC, "write %s", path);
		data += n;
		size -= (size_t)n;
		offset += n;
	}
	return 0;
}

/* Blocks of zeros become holes: what is between them is written in one go. */
static int write_block(int fd, const uint8_t *data, size_t size, int64_t offset, const char *path,
		       struct error *err)
{
	for (size_t at = 0, end; at < size; at = end) {
		bool zero = is_zero(data + at, in_block(offset + (int64_t)at, size - at));

		for (end = at; end < size;) {
			size_t n = in_block(offset + (int64_t)end, size - end);
			if (is_zero(data + end, n) != zero)
				break;
			end += n;
		}
		if (!zero &&
		    write_run(fd, data + at, end - at, offset + (int64_t)at, path, err) < 0)
			return -1;
	}
	return 0;
}

static int write_content(struct tar_stream *stream, int fd, const struct unpack_place *place,
			 struct archive_entry *entry, struct error *err)
{
	const void *data;
	size_t size;
	la_int64_t offset;
	int rc;

	while ((rc = archive_read_data_block(stream->tar, &data, &size, &offset)) >= ARCHIVE_WARN &&
	       rc != ARCHIVE_EOF)
		if (write_block(fd, data, size, offset, place->path, err) < 0)
			return -1;
	if (rc != ARCHIVE_EOF) {
		(void)tar_stream_error(stream, err);
		return error_wrap(err, "%s", place->path);
	}
	if (ftruncate(fd, archive_entry_size(entry)) < 0)
		return error_set(err, errno, "write %s", place->path);
	return 0;
}

/* ---- the file ---- */

/* What is there is in the way of something that is no folder. */
static int clear_place(const struct unpack *how, const struct unpack_place *place,
		       struct error *err)
{
	if (unlinkat(place->parent, place->name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR && !how->is_layer)
		return error_set(err, EISDIR, "%s: a folder is there, which a file cannot replace",
				 place->path);
	if (errno == EISDIR)
		return tree_remove(place->parent, place->name, err);
	return error_set(err, errno, "replace %s", place->path);
}

static int make_folder(const struct unpack *how, const struct unpack_place *place,
		       struct error *err)
{
	struct stat st;

	if (mkdirat(place->parent, place->name, 0700) == 0)
		return 0;
	if (errno == EEXIST && fstatat(place->parent, place->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		if (!how->is_layer)
			return error_set(err, ENOTDIR,
					 "%s: a file is there, which a folder cannot replace",
					 place->path);
		if (unlinkat(place->parent, place->name, 0) == 0 &&
		    mkdirat(place->parent, place->name, 0700) == 0)
			return 0;
	}
	return error_set(err, errno, "mkdir %s", place->path);
}

/*
 * A file on which something is mounted, such as /etc/hosts of a running container, cannot
 * be replaced: it is written over.
 */
static int open_regular(const struct unpack *how, const struct unpack_place *place,
			struct error *err)
{
	int fd;

	if (clear_place(how, place, err) < 0) {
		if (err->code != EBUSY || how->is_layer)
			return -1;
		fd = openat(place->parent, place->name,
			    O_WRONLY | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	} else {
		fd = openat(place->parent, place->name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	return fd < 0 ? error_set(err, errno, "make %s", place->path) : fd;
}

static int make_regular(struct tar_stream *stream, const struct unpack *how,
			const struct unpack_place *place, struct archive_entry *entry,
			struct error *err)
{
	cleanup_fd int fd = open_regular(how, place, err);

	if (fd < 0 || write_content(stream, fd, place, entry, err) < 0)
		return -1;
	return set_all(fd, how, place, entry, err);
}

static int make_link(const struct unpack *how, const struct unpack_place *place,
		     const struct unpack_place *target, struct error *err)
{
	struct stat one, other;

	/* A link to itself is there already. */
	if (fstatat(target->parent, target->name, &one, AT_SYMLINK_NOFOLLOW) == 0 &&
	    fstatat(place->parent, place->name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
	    one.st_dev == other.st_dev && one.st_ino == other.st_ino)
		return 0;
	if (clear_place(how, place, err) < 0)
		return -1;
	if (linkat(target->parent, target->name, place->parent, place->name, 0) < 0)
		return error_set(err, errno, "link %s to %s", place->path, target->path);
	return 0;
}

static int make_special(const struct unpack *how, const struct unpack_place *place,
			struct archive_entry *entry, struct error *err)
{
	mode_t type = archive_entry_filetype(entry);

	if (clear_place(how, place, err) < 0)
		return -1;
	if (mknodat(place->parent, place->name, type | 0600,
		    type == AE_IFIFO ? 0 : archive_entry_rdev(entry)) < 0)
		return error_set(err, errno, "make the device node %s", place->path);
	return 0;
}

static int make_symlink(const struct unpack *how, const struct unpack_place *place,
			struct archive_entry *entry, struct error *err)
{
	const char *target = archive_entry_symlink(entry);

	if (!target)
		return error_set(err, EINVAL, "%s: a link to nothing", place->path);
	if (clear_place(how, place, err) < 0)
		return -1;
	if (symlinkat(target, place->parent, place->name) < 0)
		return error_set(err, errno, "symlink %s", place->path);
	return 0;
}

int unpack_file(struct tar_stream *stream, const struct unpack *how,
		const struct unpack_place *place, struct archive_entry *entry,
		const struct unpack_place *hard_link, struct error *err)
{
	mode_t type = archive_entry_filetype(entry);
	int rc;

	if (hard_link->parent >= 0)
		return make_link(how, place, hard_link, err);
	/* A container may make them as it likes; outside, no device cgroup is in front of them. */
	if (how->to_host && (type == AE_IFCHR || type == AE_IFBLK)) {
		log_warning("%s is a device node, which is not copied to the host", place->path);
		return 0;
	}
	if ((type == AE_IFCHR || type == AE_IFBLK) && process_in_user_namespace()) {
		log_warning("%s is a device node, which an ordinary user may not make",
			    place->path);
		return 0;
	}
	switch (type) {
	case AE_IFREG:
		return make_regular(stream, how, place, entry, err);
	case AE_IFDIR:
		rc = make_folder(how, place, err);
		break;
	case AE_IFLNK:
		rc = make_symlink(how, place, entry, err);
		break;
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
		rc = make_special(how, place, entry, err);
		break;
	default:
		return error_set(err, EINVAL, "%s: a file of type 0%o, which is not known",
				 place->path, (unsigned int)type);
	}
	if (rc < 0)
		return -1;
	cleanup_fd int fd = openat(place->parent, place->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open %s", place->path);
	return set_all(fd, how, place, entry, err);
}
