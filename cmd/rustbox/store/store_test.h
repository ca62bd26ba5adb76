/* SPDX-License-Identifier: Apache-2.0 */
/* A store of their own for the tests of this folder. */
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

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/rustbox/store/store.h"
#include "cmd/rustbox/store/tree.h"

struct test_store {
	char folder[64];
	struct store store;
	struct arena arena;
};

static inline int test_store_make(void **state)
{
	struct test_store *t = calloc(1, sizeof(*t));
	struct error err;

	if (!t)
		return -1;
	(void)snprintf(t->folder, sizeof(t->folder), "/tmp/store_test.XXXXXX");
	if (!mkdtemp(t->folder) || store_open(t->folder, &t->store, &err) < 0)
		return -1;
	*state = t;
	return 0;
}

static inline int test_store_drop(void **state)
{
	struct test_store *t = *state;
	struct error err;
	int rc;

	store_close(&t->store);
	arena_free(&t->arena);
	rc = tree_remove(AT_FDCWD, t->folder, &err);
	free(t);
	return rc;
}

#define store_test(f) cmocka_unit_test_setup_teardown(f, test_store_make, test_store_drop)

/* Fails the test with the message. */
#define assert_ok(call)                                                                            \
	do {                                                                                       \
		struct error *err_ = &err;                                                         \
		if ((call) < 0)                                                                    \
			fail_msg("%s", err_->text);                                                \
	} while (0)

/* A container: claimed, saved, unlocked. The record is in the arena. */
static inline struct record *test_container(struct test_store *t, const char *name, int status)
{
	struct store_claim claim;
	struct record *record;
	struct error err;
	char *taken;

	assert_ok(store_claim(&t->store, name, &t->arena, &claim, &taken, &err));
	record = record_new(&t->arena, &err);
	assert_non_null(record);
	record->id = arena_strdup(&t->arena, claim.id, &err);
	record->name = taken;
	record->created = clock_date_text(&t->arena, &err);
	record->state->status = status;
	record->state->boot_id = t->store.boot_id;
	assert_ok(store_save(&t->store, record, false, &err));
	fd_close(&claim.bundle);
	return record;
}

/* True when the path below the store's root exists. */
static inline bool test_exists(const struct test_store *t, const char *folder, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return faccessat(t->store.root_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
