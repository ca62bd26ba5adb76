/* SPDX-License-Identifier: Apache-2.0 */
/* Making a container's place. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/store/store_parts.h"

enum { TRIES = 64 };

/* Never digits alone: as a hostname that would be taken for a number. */
static int make_id(char ret_id[STORE_ID_LENGTH + 1], struct error *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[STORE_ID_LENGTH];

	do {
		if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return error_set(err, errno, "getrandom");
		for (size_t i = 0; i < sizeof(random); i++)
			ret_id[i] = digits[random[i] % 16];
		ret_id[STORE_ID_LENGTH] = '\0';
	} while (strspn(ret_id, "0123456789") == STORE_ID_LENGTH);
	return 0;
}

/* A new id, and its bundle, locked. Somebody may have taken the new folder for a half-made one. */
static int claim_bundle(struct store *store, struct store_claim *claim, struct error *err)
{
	for (int tries = 0; tries < TRIES; tries++) {
		struct store_file bundle;

		if (make_id(claim->id, err) < 0)
			return -1;
		bundle = store_file("bundles", claim->id, "");
		if (mkdirat(store->root_fd, bundle.path, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return error_set(err, errno, "mkdir %s/%s", store->root, bundle.path);
		}
		claim->bundle = store_try_lock(store, claim->id, err);
		if (claim->bundle >= 0)
			return 0;
		if (err->code != EBUSY && err->code != ENOENT) {
			(void)unlinkat(store->root_fd, bundle.path, AT_REMOVEDIR);
			return -1;
		}
	}
	return error_set(err, EEXIST, "find an id for a container");
}

static int claim_name(struct store *store, const char *name, const char *id, struct arena *arena,
		      char **ret_name, struct error *err)
{
	if (name) {
		*ret_name = arena_strdup(arena, name, err);
		return *ret_name ? store_take_name(store, name, id, err) : -1;
	}
	for (unsigned int tries = 0; tries < TRIES; tries++) {
		*ret_name = name_make_up(tries, arena, err);
		if (!*ret_name)
			return -1;
		if (store_take_name(store, *ret_name, id, err) == 0)
			return 0;
		if (err->code != EEXIST)
			return -1;
	}
	return -1;
}

static int make_folders(struct store *store, const char *id, struct error *err)
{
	static const char *const folders[] = { "overlay", "logs" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct store_file folder = store_file(folders[i], id, "");
		if (mkdirat(store->root_fd, folder.path, 0700) < 0 && errno != EEXIST)
			return error_set(err, errno, "mkdir %s/%s", store->root, folder.path);
	}
	if (mkdirat(store->run_fd, id, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "mkdir %s/%s", store->run, id);
	return 0;
}

int store_claim(struct store *store, const char *name, struct arena *arena, struct store_claim *ret,
		char **ret_name, struct error *err)
{
	struct store_claim claim = { .bundle = -1 };
	struct error ignored;
	char *taken = NULL;

	if ((name && store_check_name(name, err) < 0) || store_check_writable(store, err) < 0 ||
	    claim_bundle(store, &claim, err) < 0)
		return -1;
	if (claim_name(store, name, claim.id, arena, &taken, err) < 0 ||
	    make_folders(store, claim.id, err) < 0) {
		if (taken)
			store_drop_name(store, taken, claim.id);
		(void)store_remove_files(store, claim.id, &ignored);
		fd_close(&claim.bundle);
		return -1;
	}
	*ret = claim;
	*ret_name = taken;
	return 0;
}
