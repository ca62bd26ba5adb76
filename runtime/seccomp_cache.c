/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sha256.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

struct header {
	uint32_t magic, length, notifies;
};
static const uint32_t magic = 0x52425331;

static bool is_private(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_uid == 0 && !(st.st_mode & 077);
}

/* -1: no cache here. */
static int open_directory(const char *path)
{
	cleanup_fd int fd = -1;

	/* A build of a changed tree does not tell by its version how it compiles. */
	if (geteuid() != 0 || strstr(RUSTBOX_COMMIT, "dirty"))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && mkdir(path, 0700) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && is_private(fd) ? move_fd(&fd) : -1;
}

static bool make_name(const struct spec_seccomp *config, char name[SHA256_DIGEST_STRING_LENGTH])
{
	const struct scmp_version *library = seccomp_version();
	cleanup_str struct str key = STR_EMPTY;
	struct error err;
	cleanup_free char *json = json_write(&spec_seccomp_type, config, false, &err);

	if (!json || !library)
		return false;
	str_add_format(&key, "%s %s %u.%u.%u\n", RUSTBOX_VERSION, RUSTBOX_COMMIT, library->major,
		       library->minor, library->micro);
	str_add(&key, json);
	if (key.failed)
		return false;
	(void)SHA256Data((const uint8_t *)key.text, key.size, name);
	return true;
}

static bool load(int directory, const char *name, struct arena *arena, struct seccomp_filter *ret)
{
	cleanup_fd int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_free char *text = NULL;
	struct header header;
	struct error err;
	size_t size;

	if (fd < 0 || !is_private(fd) ||
	    fd_read_all(fd, name, sizeof(header) + BPF_MAXINSNS * sizeof(*ret->program), &text,
			&size, &err) < 0 ||
	    size < sizeof(header))
		return false;
	memcpy(&header, text, sizeof(header));
	if (header.magic != magic || header.length == 0 || header.length > BPF_MAXINSNS ||
	    size != sizeof(header) + header.length * sizeof(*ret->program))
		return false;
	ret->program = arena_array(arena, header.length, sizeof(*ret->program), &err);
	if (!ret->program)
		return false;
	memcpy(ret->program, text + sizeof(header), header.length * sizeof(*ret->program));
	ret->length = (unsigned short)header.length;
	ret->notifies = header.notifies;
	return true;
}

static bool has_room(int directory)
{
	cleanup_fd int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	size_t count = 0;

	if (!dir)
		return false;
	(void)move_fd(&copy);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count < SECCOMP_CACHE_ENTRIES;
}

/* What cannot be kept is compiled again the next time. */
static void save(int directory, const char *name, const struct seccomp_filter *filter)
{
	const struct header header = { magic, filter->length, filter->notifies };
	cleanup_str struct str text = STR_EMPTY;
	struct error err;

	if (!has_room(directory))
		return;
	str_add_bytes(&text, &header, sizeof(header));
	str_add_bytes(&text, filter->program, filter->length * sizeof(*filter->program));
	if (!text.failed)
		(void)fd_replace_file(directory, name, text.text, text.size, 0600, &err);
}

int seccomp_cache_compile(const char *directory, const struct spec_seccomp *config,
			  struct arena *arena, struct seccomp_filter *ret, struct error *err)
{
	cleanup_fd int folder = open_directory(directory);
	char name[SHA256_DIGEST_STRING_LENGTH];
	struct seccomp_filter filter = { 0 };

	if (folder < 0 || !make_name(config, name))
		return seccomp_compile(config, arena, ret, err);
	if (load(folder, name, arena, &filter)) {
		if (seccomp_read_flags(config, filter.notifies, &filter.flags, err) < 0)
			return error_wrap(err, "linux.seccomp");
		*ret = filter;
		return 0;
	}
	if (seccomp_compile(config, arena, ret, err) < 0)
		return -1;
	save(folder, name, ret);
	return 0;
}
