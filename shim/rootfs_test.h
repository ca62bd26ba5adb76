/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the root file system: each runs in a child with a mount
 * namespace of its own, its current directory a new tmpfs, so that nothing is
 * left behind. Needs root.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/mounts_test.h"
#include "base/process.h"
#include "base/str.h"
#include "shim/rootfs_mount.h"

/* In children: a failed check ends the process, and its parent's test. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition,         \
				strerror(errno));                                                  \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

enum { SKIPPED = 77, WORDS_MAX = 16 };

static char folder[] = "/tmp/rootfs_test.XXXXXX";
static struct error err;

/* A path in the test's folder; the last 16 stay. */
static inline const char *in_folder(const char *name)
{
	static char paths[16][512];
	static unsigned int next;
	char *path = paths[next++ % 16];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static inline void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static inline bool reads(const char *path, const char *text)
{
	char buffer[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

	if (fd >= 0)
		close(fd);
	return n >= 0 && str_equal(buffer, text);
}

static inline int cannot_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? errno : 0;
}

static inline size_t count_mounts(const char *path)
{
	char *text = read_mounts(), *cursor = text;
	struct mountinfo mount;
	size_t n = 0, length = strlen(path);

	while (mountinfo_next(&cursor, &mount))
		n += strncmp(mount.point, path, length) == 0 &&
		     (!mount.point[length] || mount.point[length] == '/');
	free(text);
	return n;
}

/* The flags of the mount at this path, and its optional fields: "rw,relatime shared:1 - …". */
static inline bool has_flag(const char *path, const char *flag)
{
	cleanup_free char *text = read_mounts();
	char at[512], flags[2048] = "", *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, "%*s %*s %*s %*s %511s %2047[^-]", at, flags) == 2 &&
		    str_equal(at, path) && strstr(flags, flag))
			return true;
	return false;
}

static inline int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

struct words {
	const char *list[WORDS_MAX];
};

/* One of the list: static texts, words up to the first NULL. */
static inline Containerd__Types__Mount a_mount(const char *type, const char *source,
					       const char *target, struct words *words)
{
	Containerd__Types__Mount mount = CONTAINERD__TYPES__MOUNT__INIT;

	mount.type = (char *)(uintptr_t)type;
	mount.source = (char *)(uintptr_t)source;
	mount.target = (char *)(uintptr_t)target;
	while (words->list[mount.n_options])
		mount.n_options++;
	mount.options = (char **)(uintptr_t)words->list;
	return mount;
}
#define WORDS(...) (&(struct words){ { __VA_ARGS__ } })

/* Up to two, at "rootfs" in the folder. No descriptor may be left, nor on failure a mount. */
static inline int mount_them(const Containerd__Types__Mount *first,
			     const Containerd__Types__Mount *second)
{
	Containerd__Types__Mount *list[] = { (Containerd__Types__Mount *)(uintptr_t)first,
					     (Containerd__Types__Mount *)(uintptr_t)second };
	int descriptors = count_descriptors();
	char *before = read_mounts();
	int result = rootfs_mount(in_folder("rootfs"), list, second ? 2 : 1, &err);
	char *after = read_mounts();

	CHECK(count_descriptors() == descriptors);
	CHECK(result == 0 || str_equal(before, after));
	free(before);
	free(after);
	return result;
}

static inline void mount_well(const Containerd__Types__Mount *first,
			      const Containerd__Types__Mount *second)
{
	if (mount_them(first, second) < 0) {
		fprintf(stderr, "unexpected error: %s\n", err.text);
		_exit(1);
	}
}

static inline void fails_with(const Containerd__Types__Mount *first,
			      const Containerd__Types__Mount *second, const char *text)
{
	CHECK(mount_them(first, second) == -1);
	if (!strstr(err.text, text)) {
		fprintf(stderr, "expected: %s\nfound: %s\n", text, err.text);
		_exit(1);
	}
}

static inline void unmount_well(void)
{
	int descriptors = count_descriptors();

	if (rootfs_unmount(in_folder("rootfs"), &err) < 0) {
		fprintf(stderr, "unexpected error: %s\n", err.text);
		_exit(1);
	}
	CHECK(count_mounts(in_folder("rootfs")) == 0);
	CHECK(count_descriptors() == descriptors);
}

/* mkdir -p, relative to the folder. */
static inline void make_folders(const char *path)
{
	char copy[4096];

	(void)snprintf(copy, sizeof(copy), "%s/", path);
	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		CHECK(mkdir(copy, 0755) == 0 || errno == EEXIST);
		*p = '/';
	}
}

static inline void be_alone(void (*body)(void))
{
	CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	leave_mounts_of_others(folder);
	CHECK(mount("tmpfs", folder, "tmpfs", 0, "mode=755") == 0 && chdir(folder) == 0);
	umask(022);
	CHECK(mkdir("rootfs", 0711) == 0);
	body();
	_exit(0);
}

static inline void run(void (*body)(void))
{
	int status = -1;

	if (geteuid() != 0 || unshare(0) < 0) {
		print_message("needs root, and unshare(2)\n");
		skip();
	}
	memcpy(strrchr(folder, '.') + 1, "XXXXXX", 6);
	assert_non_null(mkdtemp(folder));
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		be_alone(body);
	assert_int_equal(process_wait(pid, &status), 0);
	assert_int_equal(rmdir(folder), 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* A row of cmocka's table: a test whose body runs in the child. */
struct body {
	void (*run)(void);
};
static inline void run_state(void **state)
{
	run(((const struct body *)*state)->run);
}
#define TEST(function)                                                                             \
	{                                                                                          \
		.name = #function, .test_func = run_state,                                         \
		.initial_state = &(struct body){ function },                                       \
	}

/* Why a test cannot run here. */
static inline void leave_out(const char *reason)
{
	print_message("%s\n", reason);
	_exit(SKIPPED);
}
