/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/user.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"

enum { ID_DIGITS = 10, FIELDS_MAX = 7 };

struct field {
	const char *start;
	size_t size;
};

bool user_id_from_text(const char *text, uint32_t *ret)
{
	uint64_t value;

	/* The last one is (uid_t)-1, which means "no change" to the kernel. */
	if (!str_to_uint(text, 10, UINT32_MAX - 1, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool field_to_id(const struct field *field, uint32_t *ret)
{
	char text[ID_DIGITS + 1];

	if (field->size > ID_DIGITS)
		return false;
	memcpy(text, field->start, field->size);
	text[field->size] = '\0';
	return user_id_from_text(text, ret);
}

static bool same(const char *a, size_t a_size, const char *b, size_t b_size)
{
	return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* The next line's fields; fewer than FIELDS_MAX are counted in *ret_count. False at the end. */
static bool next_line(const char *text, size_t size, size_t *offset, struct field *fields,
		      size_t *ret_count)
{
	if (*offset >= size)
		return false;
	const char *line = text + *offset;
	const char *newline = memchr(line, '\n', size - *offset);
	const char *end = newline ? newline : text + size;
	size_t count = 0;

	*offset = (size_t)(end - text) + 1;
	for (const char *p = line; count < FIELDS_MAX;
	     p = fields[count - 1].start + fields[count - 1].size + 1) {
		const char *colon = memchr(p, ':', (size_t)(end - p));
		fields[count].start = p;
		fields[count++].size = (size_t)((colon ? colon : end) - p);
		if (!colon)
			break;
	}
	*ret_count = count;
	return true;
}

bool user_next_passwd(const char *text, size_t size, size_t *offset, struct user_entry *ret)
{
	struct field fields[FIELDS_MAX];
	size_t count;

	/* name:password:uid:gid:comment:home:shell; the last ones may be missing */
	while (next_line(text, size, offset, fields, &count)) {
		struct user_entry entry = { .name = fields[0].start, .name_size = fields[0].size };

		if (count < 4 || !entry.name_size || !field_to_id(&fields[2], &entry.uid) ||
		    !field_to_id(&fields[3], &entry.gid))
			continue;
		entry.home = count > 5 ? fields[5].start : "";
		entry.home_size = count > 5 ? fields[5].size : 0;
		*ret = entry;
		return true;
	}
	return false;
}

bool user_next_group(const char *text, size_t size, size_t *offset, struct user_group *ret)
{
	struct field fields[FIELDS_MAX];
	size_t count;

	while (next_line(text, size, offset, fields, &count)) { /* name:password:gid:members */
		struct user_group group = { .name = fields[0].start, .name_size = fields[0].size };

		if (count < 3 || !group.name_size || !field_to_id(&fields[2], &group.gid))
			continue;
		group.members = count > 3 ? fields[3].start : "";
		group.members_size = count > 3 ? fields[3].size : 0;
		*ret = group;
		return true;
	}
	return false;
}

bool user_group_has(const struct user_group *group, const char *name, size_t name_size)
{
	const char *end = group->members + group->members_size;

	for (const char *p = group->members; p < end;) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;

		if (same(p, (size_t)(stop - p), name, name_size))
			return true;
		p = stop + 1;
	}
	return false;
}

struct file {
	const char *path;
	char *text;
	size_t size;
};

/* Reads file->path of the container. A file that is not there is ENOENT. */
static int read_file(int root, struct file *file, struct arena *arena, struct error *err)
{
	struct stat st;
	/* Not blocking: an image may have put a FIFO there. */
	cleanup_fd int fd =
		path_open_in_root(root, file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "fstat %s of the container", file->path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "%s of the container is not a regular file",
				 file->path);
	if (st.st_size > USER_FILE_LIMIT)
		return error_set(err, EFBIG, "%s of the container has more than %d bytes",
				 file->path, USER_FILE_LIMIT);
	file->text = arena_alloc(arena, (size_t)st.st_size + 1, err);
	if (!file->text)
		return -1;
	while (file->size < (size_t)st.st_size) {
		ssize_t n = read(fd, file->text + file->size, (size_t)st.st_size - file->size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "read %s of the container", file->path);
		if (n == 0)
			break;
		file->size += (size_t)n;
	}
	return 0;
}

static bool find_name(const struct file *passwd, const char *name, size_t size,
		      struct user_entry *ret)
{
	for (size_t offset = 0; user_next_passwd(passwd->text, passwd->size, &offset, ret);)
		if (same(ret->name, ret->name_size, name, size))
			return true;
	return false;
}

static bool find_uid(const struct file *passwd, uint32_t uid, struct user_entry *ret)
{
	for (size_t offset = 0; user_next_passwd(passwd->text, passwd->size, &offset, ret);)
		if (ret->uid == uid)
			return true;
	return false;
}

/* True when the text can only mean a number, also one out of range. */
static bool is_number(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return size > 0;
}

static int number_to_id(const char *what, const char *text, size_t size, uint32_t *ret,
			struct error *err)
{
	const struct field field = { text, size };

	if (!field_to_id(&field, ret))
		return error_set(err, ERANGE, "%s %.*s", what, (int)size, text);
	return 0;
}

static int resolve_group(int root, const char *text, size_t size, struct arena *arena,
			 struct user_identity *ret, struct error *err)
{
	struct file file = { .path = "/etc/group" };
	struct user_group group;

	ret->has_gid = true;
	if (is_number(text, size))
		return number_to_id("gid", text, size, &ret->gid, err);
	if (read_file(root, &file, arena, err) < 0)
		return error_wrap(err, "look up group \"%.*s\"", (int)size, text);
	for (size_t offset = 0; user_next_group(file.text, file.size, &offset, &group);) {
		if (!same(group.name, group.name_size, text, size))
			continue;
		ret->gid = group.gid;
		return 0;
	}
	return error_set(err, 0, "no group \"%.*s\" in the container's /etc/group", (int)size,
			 text);
}

/* The groups that have the user among their members. A container without /etc/group has none. */
static int add_groups(int root, const struct user_entry *user, struct arena *arena,
		      struct user_identity *ret, struct error *err)
{
	struct file file = { .path = "/etc/group" };
	struct user_group group;
	size_t count = 0;

	if (read_file(root, &file, arena, err) < 0)
		return err->code == ENOENT ? 0 : -1;
	for (size_t offset = 0; user_next_group(file.text, file.size, &offset, &group);)
		count += user_group_has(&group, user->name, user->name_size);
	ret->gids = arena_array(arena, count, sizeof(*ret->gids), err);
	if (!ret->gids)
		return -1;
	for (size_t offset = 0; user_next_group(file.text, file.size, &offset, &group);)
		if (user_group_has(&group, user->name, user->name_size))
			ret->gids[ret->n_gids++] = group.gid;
	return 0;
}

/* The entry that passwd has for the text: 1, or 0 when a number is not in it (or there is none). */
static int resolve_user(int root, const char *text, size_t size, struct arena *arena,
			struct user_entry *ret, struct error *err)
{
	struct file file = { .path = "/etc/passwd" };
	bool number = is_number(text, size);
	uint32_t uid = 0;

	/*
	 * Digits are never looked up as a name: an image's line "1000:x:0:0::"
	 * must not make root of what was checked to be uid 1000.
	 */
	if (number && number_to_id("uid", text, size, &uid, err) < 0)
		return -1;
	int read = read_file(root, &file, arena, err);
	if (read < 0 && !number)
		return error_wrap(err, "look up user \"%.*s\"", (int)size, text);
	if (read < 0 && error_is_shortage(err))
		return error_wrap(err, "look up user \"%.*s\"", (int)size, text);
	if (read == 0 && (number ? find_uid(&file, uid, ret) : find_name(&file, text, size, ret)))
		return 1;
	if (!number)
		return error_set(err, 0, "no user \"%.*s\" in the container's /etc/passwd",
				 (int)size, text);
	*ret = (struct user_entry){ .uid = uid };
	return 0;
}

int user_resolve(int root, const char *text, struct arena *arena, struct user_identity *ret,
		 struct error *err)
{
	const char *colon = strchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : strlen(text);
	struct user_identity identity = { 0 };
	struct user_entry entry;

	if (!size || (colon && !colon[1]))
		return error_set(err, 0, "user \"%s\": write USER or USER:GROUP", text);
	int found = resolve_user(root, text, size, arena, &entry, err);
	if (found < 0)
		return -1;
	identity.uid = entry.uid;
	identity.gid = entry.gid;
	identity.has_gid = found;
	if (colon && resolve_group(root, colon + 1, strlen(colon + 1), arena, &identity, err) < 0)
		return -1;
	if (!colon && found && add_groups(root, &entry, arena, &identity, err) < 0)
		return error_wrap(err, "groups of user \"%s\"", text);
	*ret = identity;
	return 0;
}

const char *user_home(int root, uint32_t uid, struct arena *arena, struct error *err)
{
	struct file file = { .path = "/etc/passwd" };
	struct user_entry entry;

	if (read_file(root, &file, arena, err) < 0) {
		if (error_is_shortage(err))
			return NULL;
		if (err->code != ENOENT)
			log_debug("HOME is /: %s", err->text);
		return "/";
	}
	if (!find_uid(&file, uid, &entry) || !entry.home_size)
		return "/";
	/* An embedded NUL would cut it for whoever reads the environment. */
	return arena_strndup(arena, entry.home, strnlen(entry.home, entry.home_size), err);
}
