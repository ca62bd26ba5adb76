/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and listing. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/store/store_parts.h"

/* Ids as folders hold them, sorted. */
struct id {
	char text[STORE_ID_LENGTH + 1];
};
struct ids {
	struct id *items;
	size_t count, room;
};

static void ids_done(struct ids *ids)
{
	free(ids->items);
}
#define cleanup_ids __attribute__((cleanup(ids_done)))

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct id *)a)->text, ((const struct id *)b)->text);
}

static bool has_id(const struct ids *ids, const char *id)
{
	struct id key;

	memcpy(key.text, id, sizeof(key.text));
	return ids->count &&
	       bsearch(&key, ids->items, ids->count, sizeof(*ids->items), compare_ids);
}

/* Adds the entries that are an id and the suffix. */
static int read_ids(int dirfd, const char *folder, const char *suffix, struct ids *ids,
		    struct error *err)
{
	cleanup_fd int fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	int rc = 0;

	if (!stream)
		return dirfd < 0 || errno == ENOENT ? 0 : error_set(err, errno, "read %s", folder);
	(void)move_fd(&fd);
	for (const struct dirent *e; (rc = directory_next(stream, folder, &e, err)) > 0;) {
		struct id id = { "" };

		if (strlen(e->d_name) != STORE_ID_LENGTH + strlen(suffix) ||
		    !str_equal(e->d_name + STORE_ID_LENGTH, suffix))
			continue;
		memcpy(id.text, e->d_name, STORE_ID_LENGTH);
		if (!store_is_id(id.text))
			continue;
		rc = mem_grow((void **)&ids->items, ids->count, &ids->room, sizeof(id), err);
		if (rc < 0)
			break;
		ids->items[ids->count++] = id;
	}
	(void)closedir(stream);
	return rc;
}

/* The containers that there may be: each lasting record, each folder of run. No id twice. */
static int read_all_ids(const struct store *store, struct ids *ids, struct error *err)
{
	size_t kept = 0;

	if (read_ids(store->root_fd, "containers", ".json", ids, err) < 0 ||
	    read_ids(store->run_fd, ".", "", ids, err) < 0)
		return -1;
	if (ids->count)
		qsort(ids->items, ids->count, sizeof(*ids->items), compare_ids);
	for (size_t i = 0; i < ids->count; i++)
		if (kept == 0 || compare_ids(&ids->items[kept - 1], &ids->items[i]) != 0)
			ids->items[kept++] = ids->items[i];
	ids->count = kept;
	return 0;
}

/* ---- one ---- */

static int find_by_name(const struct store *store, const char *name, struct arena *arena,
			struct record **ret, struct error *err)
{
	char id[STORE_ID_LENGTH + 1];

	if (!name_is_valid(name) || !store_read_name(store, name, id)) {
		err->code = ENOENT;
		return -1;
	}
	if (store_load(store, id, arena, ret, err) < 0)
		return -1;
	if (str_equal((*ret)->name, name))
		return 0;
	err->code = ENOENT; /* renamed a moment ago */
	return -1;
}

static int set_unknown(const char *name, struct error *err)
{
	(void)error_plain(err, ENOENT, "no such container: %s", name);
	return error_hint(err, "rustbox list --all shows all there are");
}

static int set_ambiguous(const char *name, const struct ids *found, struct error *err)
{
	cleanup_str struct str s = STR_EMPTY;

	for (size_t i = 0; i < found->count && i < 8; i++)
		str_add_format(&s, "%s%s", i ? ", " : "", found->items[i].text);
	if (found->count > 8)
		str_add(&s, ", …");
	return error_set(err, EINVAL, "%s is the beginning of %zu ids: %s", name, found->count,
			 s.failed || !s.text ? "" : s.text);
}

/* By the beginning of an id. A folder of run without a record is no container. */
static int find_by_prefix(const struct store *store, const char *name, struct arena *arena,
			  struct record **ret, struct error *err)
{
	size_t size = strlen(name), kept = 0;
	cleanup_ids struct ids ids = { 0 };

	if (size == 0 || size > STORE_ID_LENGTH || strspn(name, "0123456789abcdef") != size)
		return set_unknown(name, err);
	if (read_all_ids(store, &ids, err) < 0)
		return -1;
	for (size_t i = 0; i < ids.count; i++) {
		if (strncmp(ids.items[i].text, name, size) != 0)
			continue;
		if (store_load(store, ids.items[i].text, arena, ret, err) == 0 ||
		    err->code != ENOENT)
			ids.items[kept++] = ids.items[i];
	}
	ids.count = kept;
	if (kept == 0)
		return set_unknown(name, err);
	if (kept > 1)
		return set_ambiguous(name, &ids, err);
	return store_load(store, ids.items[0].text, arena, ret, err);
}

int store_find(struct store *store, const char *name, struct arena *arena, struct record **ret,
	       struct error *err)
{
	struct record *record;

	if (find_by_name(store, name, arena, &record, err) < 0 &&
	    (err->code != ENOENT || find_by_prefix(store, name, arena, &record, err) < 0))
		return -1;
	if (store_settle(store, true, arena, &record, err) < 0)
		return -1;
	*ret = record;
	return 0;
}

/* ---- all ---- */

/* The newest first. */
static int compare_records(const void *a, const void *b)
{
	const struct record *x = *(struct record *const *)a, *y = *(struct record *const *)b;
	int order = strcmp(y->created, x->created);

	return order ? order : strcmp(x->id, y->id);
}

/* 1: *ret is the record, 0: there is none or it cannot be read. */
static int load_one(struct store *store, const char *id, struct arena *arena, struct record **ret,
		    struct error *err)
{
	if (store_load(store, id, arena, ret, err) == 0 &&
	    store_settle(store, false, arena, ret, err) == 0)
		return 1;
	if (err->code != ENOENT)
		log_warning("%s", err->text);
	return 0;
}

static void sweep_bundles(struct store *store, const struct ids *known)
{
	cleanup_ids struct ids bundles = { 0 };
	struct error err;

	if (read_ids(store->root_fd, "bundles", "", &bundles, &err) < 0)
		return;
	for (size_t i = 0; i < bundles.count; i++)
		if (!has_id(known, bundles.items[i].text))
			store_remove_half_made(store, bundles.items[i].text);
}

/* In *ids is then what has a record, readable or not: only that keeps its bundle. */
static int list(struct store *store, struct arena *arena, struct ids *ids, struct record ***ret,
		size_t *ret_n, struct error *err)
{
	struct record **records;
	size_t n = 0, kept = 0;

	if (read_all_ids(store, ids, err) < 0)
		return -1;
	records = arena_array(arena, ids->count + 1, sizeof(*records), err);
	if (!records)
		return -1;
	for (size_t i = 0; i < ids->count; i++) {
		struct error problem = { 0 };

		n += (size_t)load_one(store, ids->items[i].text, arena, &records[n], &problem);
		if (n > kept || problem.code != ENOENT)
			ids->items[kept++] = ids->items[i];
	}
	ids->count = kept;
	qsort(records, n, sizeof(struct record *), compare_records);
	*ret = records;
	*ret_n = n;
	return 0;
}

int store_list_records(struct store *store, struct arena *arena, struct record ***ret,
		       size_t *ret_n, struct error *err)
{
	cleanup_ids struct ids ids = { 0 };

	return list(store, arena, &ids, ret, ret_n, err);
}

int store_list(struct store *store, struct arena *arena, struct record ***ret, size_t *ret_n,
	       struct error *err)
{
	cleanup_ids struct ids ids = { 0 };

	if (list(store, arena, &ids, ret, ret_n, err) < 0)
		return -1;
	sweep_bundles(store, &ids);
	store_sweep_names(store, ids.count);
	return 0;
}
