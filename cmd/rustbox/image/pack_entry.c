/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rustbox/image/pack_parts.h"

enum { LIST_MAX = 64 * 1024, VALUE_MAX = 64 * 1024 };

struct fd_path {
	char text[32];
};
static struct fd_path fd_path(int fd)
{
	struct fd_path path;

	(void)snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

int pack_error(struct archive *archive, const char *name, struct error *err)
{
	const char *text = archive_error_string(archive);
	int code = archive_errno(archive);

	return error_plain(err, code > 0 ? code : 0, "write %s: %s", name, text ? text : "archive");
}

bool pack_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

int pack_open_below(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_NOFOLLOW | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | resolve,
	};

	long fd;

	/* EAGAIN: a rename somewhere has raced with it (openat2(2)). */
	for (int tries = 0; tries < 64; tries++) {
		fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return (int)fd;
}

bool pack_is_absent(int code)
{
	return code == ENOENT || code == ENOTDIR || code == ELOOP;
}

int pack_is_opaque(int folder, const char *path, struct error *err)
{
	char value;
	ssize_t n = getxattr(fd_path(folder).text, layer_opaque_attribute(), &value, 1);

	if (n >= 0 || errno == ENODATA || errno == ERANGE || errno == EOPNOTSUPP)
		return n == 1 && value == 'y';
	return error_set(err, errno, "read attributes of /%s", path);
}

/* ---- attributes ---- */

/*
 * A capability that counts in one user namespace only (capabilities(7),
 * version 3) becomes one that counts anywhere, as the ids do.
 */
static void unmap_capability(void *value, ssize_t *size)
{
	enum { SIZE_2 = 20, SIZE_3 = 24, REVISION_2 = 0x02000000, REVISION_MASK = (int)0xff000000 };
	uint32_t magic;

	if (*size != SIZE_3)
		return;
	memcpy(&magic, value, sizeof(magic));
	magic = htole32((le32toh(magic) & ~(uint32_t)REVISION_MASK) | REVISION_2);
	memcpy(value, &magic, sizeof(magic));
	*size = SIZE_2;
}

/* Meanings that files have for overlayfs alone. */
static int check_overlay(const char *attribute, const char *name, struct error *err)
{
	if (!str_equal(attribute, "trusted.overlay.redirect") &&
	    !str_equal(attribute, "trusted.overlay.metacopy"))
		return 0;
	(void)error_set(err, ENOTSUP, "%s has %s, which no other file system understands", name,
			attribute);
	return error_hint(err, "overlayfs' redirect_dir and metacopy have to be off");
}

static int add_attribute(const char *path, const char *attribute, const char *name,
			 const struct pack *how, struct archive_entry *entry, struct error *err)
{
	cleanup_free char *value = NULL;
	ssize_t n;

	if (how->is_upper && check_overlay(attribute, name, err) < 0)
		return -1;
	if (!str_equal(attribute, "security.capability") &&
	    (!str_starts_with(attribute, "user.") || str_starts_with(attribute, "user.overlay.")))
		return 0;
	value = malloc(VALUE_MAX);
	if (!value)
		return error_memory(err);
	n = getxattr(path, attribute, value, VALUE_MAX);
	if (n < 0)
		return errno == ENODATA ? 0
					: error_set(err, errno, "read %s of %s", attribute, name);
	if (how->owner.n_uids && str_equal(attribute, "security.capability"))
		unmap_capability(value, &n);
	archive_entry_xattr_add_entry(entry, attribute, value, (size_t)n);
	return 0;
}

static int add_attributes(int file, const char *name, const struct pack *how,
			  struct archive_entry *entry, struct error *err)
{
	struct fd_path path = fd_path(file);
	cleanup_free char *list = NULL;
	ssize_t n = listxattr(path.text, NULL, 0);

	if (n == 0 || (n < 0 && (errno == EOPNOTSUPP || errno == ENODATA)))
		return 0;
	list = malloc(LIST_MAX);
	if (!list)
		return error_memory(err);
	n = listxattr(path.text, list, LIST_MAX);
	if (n < 0)
		return error_set(err, errno, "list the attributes of %s", name);
	for (const char *p = list; p < list + n; p += strlen(p) + 1)
		if (add_attribute(path.text, p, name, how, entry, err) < 0)
			return -1;
	return 0;
}

/* ---- the entry ---- */

int pack_describe(int file, const struct stat *st, const char *name, const char *link,
		  const struct pack *how, struct archive_entry *entry, enum pack_kind *ret,
		  struct error *err)
{
	int64_t uid = st->st_uid, gid = st->st_gid;

	*ret = PACK_NOTHING;
	if (S_ISSOCK(st->st_mode))
		return 0;
	if (how->is_upper && pack_is_whiteout(st)) {
		*ret = PACK_WHITEOUT;
		return 0;
	}
	if (how->owner.is_fixed) {
		uid = how->owner.uid;
		gid = how->owner.gid;
	} else {
		ownership_from_disk(&how->owner, &uid, &gid);
	}
	archive_entry_copy_stat(entry, st);
	/* What only we see of it would make equal trees different. */
	archive_entry_unset_atime(entry);
	archive_entry_unset_ctime(entry);
	archive_entry_unset_birthtime(entry);
	archive_entry_set_uid(entry, uid);
	archive_entry_set_gid(entry, gid);
	archive_entry_copy_pathname(entry, name);
	if (link)
		archive_entry_copy_symlink(entry, link);
	if (!S_ISREG(st->st_mode))
		archive_entry_set_size(entry, 0);
	*ret = PACK_FILE;
	return S_ISLNK(st->st_mode) ? 0 : add_attributes(file, name, how, entry, err);
}
