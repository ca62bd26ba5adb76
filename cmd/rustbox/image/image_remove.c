/* SPDX-License-Identifier: Apache-2.0 */
/* Taking images away: names, then configurations, then layers that nobody needs any more. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/image/image_parts.h"
#include "cmd/rustbox/image/reference.h"
#include "cmd/rustbox/store/tree.h"

/* All there is, under the lock that lets nothing be added. */
struct removal {
	struct store *store;
	int images;
	struct arena *arena;
	struct image_reference *references;
	struct record **records;
	size_t n_references, n_records;
};

/* The records behind the lock: who makes one holds it from when he looked for the image. */
static int begin(struct removal *r, struct error *err)
{
	r->images = images_lock(r->store, LOCK_EX, err);
	if (r->images < 0)
		return -1;
	if (store_list(r->store, r->arena, &r->records, &r->n_records, err) < 0)
		return -1;
	return image_list_references(r->images, r->arena, &r->references, &r->n_references, err);
}

static const struct record *find_user(const struct removal *r, const char *hex)
{
	for (size_t i = 0; i < r->n_records; i++)
		if (r->records[i]->image_id && str_ends_with(r->records[i]->image_id, hex))
			return r->records[i];
	return NULL;
}

static size_t count_names(const struct removal *r, const char *hex)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_references; i++)
		n += str_equal(r->references[i].hex, hex);
	return n;
}

/* ---- layers ---- */

static bool record_has_layer(const struct record *record, const char *hex)
{
	for (size_t i = 0; i < record->n_lower; i++)
		if (strstr(record->lower[i], hex))
			return true;
	return false;
}

static bool config_has_layer(const struct image_config *config, const char *hex)
{
	for (size_t i = 0; i < config->rootfs->n_diff_ids; i++)
		if (str_ends_with(config->rootfs->diff_ids[i], hex))
			return true;
	return false;
}

/* What is left. -1 where one cannot be read: it might have any layer. */
static int list_configs(const struct removal *r, struct image_config ***ret, size_t *ret_n,
			struct error *err)
{
	char **list, path[DIGEST_HEX + 32];
	size_t n;

	if (image_list_hex(r->images, "blobs/sha256", r->arena, &list, &n, err) < 0)
		return -1;
	*ret = arena_array(r->arena, n + 1, sizeof(struct image_config *), err);
	if (!*ret)
		return -1;
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *text = NULL;
		size_t size;

		(void)snprintf(path, sizeof(path), "blobs/sha256/%s", list[i]);
		if (fd_read_file(r->images, path, IMAGE_CONFIG_MAX, &text, &size, err) < 0 ||
		    image_read_config(text, size, r->arena, &(*ret)[i], err) < 0)
			return error_wrap(err, "image %.12s", list[i]);
	}
	*ret_n = n;
	return 0;
}

static bool is_layer_needed(const struct removal *r, struct image_config *const *configs, size_t n,
			    const char *hex)
{
	for (size_t i = 0; i < n; i++)
		if (config_has_layer(configs[i], hex))
			return true;
	for (size_t i = 0; i < r->n_records; i++)
		if (record_has_layer(r->records[i], hex))
			return true;
	return false;
}

static uint64_t disk_of(const struct removal *r, const char *hex)
{
	uint64_t bytes = 0;
	struct error ignored;
	char path[DIGEST_HEX + 32];

	(void)snprintf(path, sizeof(path), "layers/%s", hex);
	(void)tree_disk_usage(r->images, path, &bytes, &ignored);
	return bytes;
}

/* Removes the layers that neither an image nor a container has; *ret_bytes (may be NULL) of disk.
 */
static int sweep_layers(const struct removal *r, uint64_t *ret_bytes, struct error *err)
{
	struct image_config **configs;
	size_t n_configs, n;
	char **list;

	if (list_configs(r, &configs, &n_configs, err) < 0 ||
	    image_list_hex(r->images, "layers", r->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (is_layer_needed(r, configs, n_configs, list[i]))
			continue;
		if (ret_bytes)
			*ret_bytes += disk_of(r, list[i]);
		if (layer_remove(r->images, list[i], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- images ---- */

/* The names go first: what has none is nobody's any more, wherever this is cut short. */
static int remove_image(const struct removal *r, const char *hex, struct error *err)
{
	char path[DIGEST_HEX + 32];

	for (size_t i = 0; i < r->n_references; i++)
		if (str_equal(r->references[i].hex, hex) &&
		    image_drop_reference(r->images, r->references[i].name, err) < 0)
			return -1;
	(void)snprintf(path, sizeof(path), "blobs/sha256/%s", hex);
	if (unlinkat(r->images, path, 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove images/%s", path);
	image_tell(r->store, "delete", digest_of_hex(hex).text, NULL);
	return 0;
}

static int refuse_used(const char *name, const struct record *user, struct error *err)
{
	(void)error_plain(err, EBUSY, "image %.300s is in use by container %s", name, user->name);
	return error_hint(err, "remove that one first, or --force takes the name away");
}

static int untag(const struct removal *r, const char *name, const char *hex, struct error *err)
{
	char *form;

	if (reference_read(name, r->arena, &form, err) < 0 ||
	    image_drop_reference(r->images, form, err) < 0)
		return -1;
	image_tell(r->store, "untag", digest_of_hex(hex).text, form);
	return 0;
}

static int remove_resolved(const struct removal *r, const char *name, const char *hex, bool is_name,
			   bool force, bool *ret_removed, struct error *err)
{
	const struct record *user = find_user(r, hex);
	size_t names = count_names(r, hex);

	*ret_removed = false;
	if (is_name && names > 1)
		return untag(r, name, hex, err);
	if (user && !force)
		return refuse_used(name, user, err);
	if (user) { /* its layers and its configuration stay as long as the container */
		for (size_t i = 0; i < r->n_references; i++)
			if (str_equal(r->references[i].hex, hex) &&
			    untag(r, r->references[i].name, hex, err) < 0)
				return -1;
		return 0;
	}
	if (!is_name && names > 1 && !force) {
		(void)error_set(err, EBUSY, "image %.300s has %zu names", name, names);
		return error_hint(err, "remove it by each of them, or use --force");
	}
	if (remove_image(r, hex, err) < 0 || sweep_layers(r, NULL, err) < 0)
		return -1;
	*ret_removed = true;
	return 0;
}

int image_remove(struct store *store, const char *name, bool force, bool *ret_removed,
		 struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct removal r = { store, -1, &arena };
	const char *hex;
	bool is_name;
	int rc = begin(&r, err);

	if (rc == 0)
		rc = image_resolve(r.images, name, r.references, r.n_references, &arena, &hex,
				   &is_name, err);
	if (rc == 0)
		rc = remove_resolved(&r, name, hex, is_name, force, ret_removed, err);
	fd_close(&r.images);
	return rc;
}

static int prune(const struct removal *r, bool all, uint64_t *ret_bytes, size_t *ret_images,
		 struct error *err)
{
	char **list;
	size_t n;

	if (image_list_hex(r->images, "blobs/sha256", r->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (find_user(r, list[i]) || (!all && count_names(r, list[i])))
			continue;
		if (remove_image(r, list[i], err) < 0)
			return -1;
		(*ret_images)++;
	}
	return sweep_layers(r, ret_bytes, err);
}

int image_prune(struct store *store, bool all, uint64_t *ret_bytes, size_t *ret_images,
		struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct removal r = { store, -1, &arena };

	staging_sweep(store);
	int rc = begin(&r, err);
	*ret_bytes = 0;
	*ret_images = 0;
	if (rc == 0)
		rc = prune(&r, all, ret_bytes, ret_images, err);
	fd_close(&r.images);
	return rc;
}

int image_tag(struct store *store, const char *name, const char *new_name, struct error *err)
{
	struct staging staging cleanup_staging = STAGING_NONE;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct image *image;
	char *form;

	if (reference_read(new_name, &arena, &form, err) < 0 ||
	    staging_make(store, &staging, err) < 0)
		return -1;
	cleanup_fd int lock = images_lock(store, LOCK_SH, err);
	if (lock < 0 || image_find(store, name, &arena, &image, err) < 0 ||
	    image_set_reference(&staging, form, image->id + strlen(DIGEST_PREFIX), err) < 0)
		return -1;
	image_tell(store, "tag", image->id, form);
	return 0;
}
