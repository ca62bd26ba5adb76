/* SPDX-License-Identifier: Apache-2.0 */
/* A store and a root file system of their own for the tests of this folder. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/store/tree.h"

struct test_bundle {
	char folder[64], rootfs[96];
	struct store store;
	struct arena arena;
	struct create_options options;
	char **args;
	struct image *image;
	struct record *record;
	struct spec *spec;
};

static inline void test_write(const char *folder, const char *name, const char *text)
{
	char path[512];
	struct error err;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, path, text, strlen(text), &err), 0);
}

static inline void test_folder(const char *folder, const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static inline int test_bundle_make(void **state)
{
	struct test_bundle *t = calloc(1, sizeof(*t));
	struct error err;

	if (!t)
		return -1;
	(void)snprintf(t->folder, sizeof(t->folder), "/tmp/bundle_test.XXXXXX");
	if (!mkdtemp(t->folder) || store_open(t->folder, &t->store, &err) < 0)
		return -1;
	(void)snprintf(t->rootfs, sizeof(t->rootfs), "%s/tree", t->folder);
	test_folder(t->folder, "tree");
	test_folder(t->rootfs, "etc");
	test_folder(t->rootfs, "data");
	test_write(t->rootfs, "etc/passwd",
		   "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1001::/home/bob:/bin/sh\n");
	test_write(t->rootfs, "etc/group", "root:x:0:\nbob:x:1001:\nwheel:x:10:bob,root\n");
	test_write(t->rootfs, "data/file", "content");
	*state = t;
	return 0;
}

static inline int test_bundle_drop(void **state)
{
	struct test_bundle *t = *state;
	struct error err;
	int rc;

	store_close(&t->store);
	arena_free(&t->arena);
	rc = tree_remove(AT_FDCWD, t->folder, &err);
	free(t);
	return rc;
}

#define bundle_test(f) cmocka_unit_test_setup_teardown(f, test_bundle_make, test_bundle_drop)

/* Options and command as typed, separated by spaces; "--rootfs" is added where no image is set. */
static inline int test_plan(struct test_bundle *t, const char *line, struct error *err)
{
	// cppcheck-suppress nullPointer ; only types are taken of it
	static const struct option_row rows[] = { CREATE_OPTION_ROWS, { NULL } };
	char *argv[64] = { (char[]){ "run" } }, *rest = NULL;
	char *copy = arena_strdup(&t->arena, line, err);
	size_t n = 1;

	for (char *w = strtok_r(copy, " ", &rest); w && n < 63; w = strtok_r(NULL, " ", &rest))
		argv[n++] = w;
	t->options = (struct create_options){ 0 };
	if (options_parse(rows, OPTIONS_FIRST, argv, &t->options, &t->arena, &t->args, err) != 0)
		return -1;
	if (!t->image && !t->options.rootfs)
		t->options.rootfs = t->rootfs;
	return bundle_plan(&t->store, &t->options, t->args, t->image, &t->arena, &t->record,
			   &t->spec, err);
}

static inline void test_planned(struct test_bundle *t, const char *line)
{
	struct error err;

	if (test_plan(t, line, &err) < 0)
		fail_msg("%s: %s", line, err.text);
}

static inline void test_refused(struct test_bundle *t, const char *line, const char *message)
{
	struct error err;

	if (test_plan(t, line, &err) == 0)
		fail_msg("%s: was taken", line);
	if (!strstr(err.text, message))
		fail_msg("%s\nexpected: %s\nfound: %s", line, message, err.text);
}

/* Claims an id and writes the planned bundle; its path is in the arena. */
static inline const char *test_written(struct test_bundle *t)
{
	struct store_claim claim;
	struct error err;

	if (store_claim(&t->store, NULL, &t->arena, &claim, &t->record->name, &err) < 0)
		fail_msg("%s", err.text);
	t->record->id = arena_strdup(&t->arena, claim.id, &err);
	t->record->created = arena_strdup(&t->arena, "2026-01-01T00:00:00.000000000Z", &err);
	t->record->state->boot_id = t->store.boot_id;
	if (bundle_write(&t->store, t->record, t->spec, claim.bundle, &t->arena, &err) < 0)
		fail_msg("%s", err.text);
	if (store_save(&t->store, t->record, false, &err) < 0)
		fail_msg("%s", err.text);
	fd_close(&claim.bundle);
	return arena_format(&t->arena, &err, "%s/bundles/%s", t->folder, t->record->id);
}

static inline const struct spec_mount *test_mount(const struct test_bundle *t, const char *path)
{
	for (size_t i = 0; i < t->spec->n_mounts; i++)
		if (str_equal(t->spec->mounts[i].destination, path))
			return &t->spec->mounts[i];
	return NULL;
}

static inline bool test_has(char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(list[i], text))
			return true;
	return false;
}
