/* SPDX-License-Identifier: Apache-2.0 */
/* A machine of plain files in a temporary folder, for the tests of the cgroup modules. */
#pragma once

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/cgroup_backend.h"

struct fake {
	char folder[64], root[80], proc[80];
	struct cgroup_machine machine;
	struct arena arena;
	struct cgroup cgroup;
	struct error err;
};

static inline void fake_file(const struct fake *fake, const char *path, const char *text)
{
	char full[512];
	struct error err;

	(void)snprintf(full, sizeof(full), "%s/%s", fake->folder, path);
	char *slash = strrchr(full, '/');
	*slash = '\0';
	assert_int_equal(path_make_directories(full, 0755, &err), 0);
	*slash = '/';
	FILE *file = fopen(full, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The content of a file, in a buffer that the next call overwrites; "-" when there is none. */
static inline const char *fake_text(const struct fake *fake, const char *path)
{
	static char text[4096];
	char full[512];

	(void)snprintf(full, sizeof(full), "%s/%s", fake->folder, path);
	if (fd_read_short(AT_FDCWD, full, text, sizeof(text)) < 0)
		return "-";
	return text;
}

static inline struct fake *fake_new(void)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	(void)snprintf(fake->folder, sizeof(fake->folder), "/tmp/rustbox-cgroup-XXXXXX");
	assert_non_null(mkdtemp(fake->folder));
	(void)snprintf(fake->root, sizeof(fake->root), "%s/cgroup", fake->folder);
	(void)snprintf(fake->proc, sizeof(fake->proc), "%s/proc", fake->folder);
	fake->machine = (struct cgroup_machine){ fake->root, fake->proc };
	return fake;
}

static inline int fake_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fake_free(struct fake *fake)
{
	assert_int_equal(nftw(fake->folder, fake_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	arena_free(&fake->arena);
	free(fake);
}

/* Adds a directory to the fake's cgroup; its files are made by the test. */
static inline void fake_directory(struct fake *fake, const char *controllers, const char *path)
{
	struct cgroup *cgroup = &fake->cgroup;
	char full[512];

	if (!cgroup->directories)
		cgroup->directories =
			arena_array(&fake->arena, 16, sizeof(*cgroup->directories), &fake->err);
	assert_true(cgroup->n_directories < 16);
	(void)snprintf(full, sizeof(full), "%s/%s", fake->folder, path);
	cgroup->directories[cgroup->n_directories++] = (struct cgroup_directory){
		arena_strdup(&fake->arena, controllers, &fake->err),
		arena_strdup(&fake->arena, full, &fake->err),
	};
}

#define assert_ok(call)                                                                            \
	do {                                                                                       \
		struct error *err_ = &fake->err;                                                   \
		err_->text[0] = '\0';                                                              \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, err_->text);                                     \
	} while (0)

#define assert_error(call, words)                                                                  \
	do {                                                                                       \
		assert_true((call) < 0);                                                           \
		if (!strstr(fake->err.text, words))                                                \
			fail_msg("\"%s\" is not in \"%s\"", words, fake->err.text);                \
	} while (0)
