/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp_cache.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sha256.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum { DIGEST_SIZE = SHA256_DIGEST_STRING_LENGTH - 1, SLOT_DIGITS = 2 };

struct header {
	uint32_t magic, length, notifies;
	char digest[DIGEST_SIZE];
};
static const uint32_t magic = 0x52425332;

/* What an entry is for. */
struct key {
	char digest[SHA256_DIGEST_STRING_LENGTH];
	char slot[SLOT_DIGITS + 1]; /* its file: others have the same one, too */
};

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

static bool make_key(const struct spec_seccomp *config, struct key *ret)
{
	const struct scmp_version *library = seccomp_version();
	cleanup_str struct str text = STR_EMPTY;
	struct error err;
	cleanup_free char *json = json_write(&spec_seccomp_type, config, false, &err);

	if (!json || !library)
		return false;
	/* An entry also says that all system calls of a strict configuration were known. */
	str_add_format(&text, "%s %s %u.%u.%u%s\n", RUSTBOX_VERSION, RUSTBOX_COMMIT, library->major,
		       library->minor, library->micro,
		       config->fail_unknown_syscall ? " strict" : "");
	str_add(&text, json);
	if (text.failed)
		return false;
	(void)SHA256Data((const uint8_t *)text.text, text.size, ret->digest);
	memcpy(ret->slot, ret->digest, SLOT_DIGITS);
	ret->slot[SLOT_DIGITS] = '\0';
	return true;
}

static bool load(int directory, const struct key *key, struct arena *arena,
		 struct seccomp_filter *ret)
{
	cleanup_fd int fd =
		openat(directory, key->slot, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_free char *text = NULL;
	struct header header;
	struct error err;
	size_t size;

	if (fd < 0 || !is_private(fd) ||
	    fd_read_all(fd, key->slot, sizeof(header) + BPF_MAXINSNS * sizeof(*ret->program), &text,
			&size, &err) < 0 ||
	    size < sizeof(header))
		return false;
	memcpy(&header, text, sizeof(header));
	if (header.magic != magic || memcmp(header.digest, key->digest, DIGEST_SIZE) != 0 ||
	    header.length == 0 || header.length > BPF_MAXINSNS ||
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

/* What cannot be kept is compiled again the next time. */
static void save(int directory, const struct key *key, const struct seccomp_filter *filter)
{
	struct header header = { magic, filter->length, filter->notifies, "" };
	cleanup_str struct str text = STR_EMPTY;
	struct error err;

	memcpy(header.digest, key->digest, DIGEST_SIZE);
	str_add_bytes(&text, &header, sizeof(header));
	str_add_bytes(&text, filter->program, filter->length * sizeof(*filter->program));
	if (!text.failed)
		(void)fd_replace_file(directory, key->slot, text.text, text.size, 0600, &err);
}

int seccomp_cache_compile(const char *directory, const struct spec_seccomp *config,
			  struct arena *arena, struct seccomp_filter *ret, struct error *err)
{
	cleanup_fd int folder = open_directory(directory);
	struct key key;
	struct seccomp_filter filter = { 0 };

	if (folder < 0 || !make_key(config, &key))
		return seccomp_compile(config, arena, ret, err);
	if (load(folder, &key, arena, &filter)) {
		if (seccomp_read_flags(config, filter.notifies, &filter.flags, err) < 0)
			return error_wrap(err, "linux.seccomp");
		*ret = filter;
		return 0;
	}
	if (seccomp_compile(config, arena, ret, err) < 0)
		return -1;
	save(folder, &key, ret);
	return 0;
}

static int use_program(const struct spec_extensions *extensions, struct arena *arena,
		       struct seccomp_filter *filter, struct error *err)
{
	size_t length = extensions->seccomp_program_size / sizeof(*filter->program);

	filter->program = arena_array(arena, length, sizeof(*filter->program), err);
	if (!filter->program)
		return -1;
	memcpy(filter->program, extensions->seccomp_program, extensions->seccomp_program_size);
	filter->length = (unsigned short)length;
	filter->flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	return 0;
}

int seccomp_prepare(const struct spec *spec, struct arena *arena, struct seccomp_filter *filter,
		    const struct seccomp_filter **ret, struct error *err)
{
	const struct spec_seccomp *config = spec->linux->seccomp;

	if (spec->extensions.seccomp_program) {
		if (use_program(&spec->extensions, arena, filter, err) < 0)
			return -1;
	} else if (!config) {
		return 0;
	} else if (seccomp_cache_compile(SECCOMP_CACHE_DIRECTORY, config, arena, filter, err) < 0) {
		return -1;
	}
	*ret = filter;
	return 0;
}
