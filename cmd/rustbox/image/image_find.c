/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/options.h"
#include "base/str.h"
#include "cmd/rustbox/image/image_parts.h"
#include "cmd/rustbox/image/reference.h"

int image_hold(const struct store *store, struct error *err)
{
	return images_lock(store, LOCK_SH, err);
}

int image_read_config(const char *text, size_t size, struct arena *arena, struct image_config **ret,
		      struct error *err)
{
	struct image_config *config = arena_alloc(arena, sizeof(*config), err);
	struct digest diff_id;

	if (!config)
		return -1;
	if (json_read(&image_config_type, text, size, config, arena, err) < 0)
		return -1;
	if (config->os && !str_equal(config->os, "linux"))
		return error_set(err, 0, "it is an image for %s", config->os);
	if (!str_equal(config->rootfs->type, "layers"))
		return error_set(err, 0, "rootfs.type is \"%s\", not \"layers\"",
				 config->rootfs->type ? config->rootfs->type : "");
	for (size_t i = 0; i < config->rootfs->n_diff_ids; i++)
		if (digest_parse(config->rootfs->diff_ids[i], &diff_id, err) < 0)
			return error_wrap(err, "rootfs.diff_ids");
	if (!config->config)
		config->config = arena_alloc(arena, sizeof(*config->config), err);
	if (!config->config)
		return -1;
	*ret = config;
	return 0;
}

/* ---- folders ---- */

static int open_images(const struct store *store, struct error *err)
{
	int fd = openat(store->root_fd, "images", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_set(err, errno, "open %s/images", store->root) : fd;
}

static DIR *open_list(int images, const char *folder)
{
	int fd = openat(images, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream)
		fd_close(&fd);
	return stream;
}

int image_list_hex(int images, const char *folder, struct arena *arena, char ***ret, size_t *ret_n,
		   struct error *err)
{
	DIR *stream = open_list(images, folder);
	cleanup_free char **list = NULL;
	size_t n = 0, room = 0;
	int rc = 0;

	if (!stream && errno != ENOENT)
		return error_set(err, errno, "read images/%s", folder);
	for (const struct dirent *e;
	     stream && (rc = directory_next(stream, folder, &e, err)) > 0;) {
		if (!digest_is_hex(e->d_name))
			continue;
		rc = mem_grow((void **)&list, n, &room, sizeof(*list), err);
		if (rc == 0) {
			list[n] = arena_strdup(arena, e->d_name, err);
			rc = list[n++] ? 0 : -1;
		}
		if (rc < 0)
			break;
	}
	if (stream)
		(void)closedir(stream);
	*ret = rc < 0 ? NULL : arena_array(arena, n + 1, sizeof(*list), err);
	if (!*ret)
		return -1;
	if (n)
		memcpy(*ret, list, n * sizeof(*list));
	*ret_n = n;
	return 0;
}

/* ---- references ---- */

struct reference_list {
	struct image_reference *items;
	size_t n, room;
};

static int add_reference(int folder, const char *file, struct arena *arena,
			 struct reference_list *list, struct error *err)
{
	char hex[DIGEST_HEX + 2];
	ssize_t n = readlinkat(folder, file, hex, sizeof(hex) - 1);
	struct image_reference reference;

	if (n < 0)
		return 0; /* none of ours, or gone by now */
	hex[n] = '\0';
	if (!digest_is_hex(hex))
		return 0;
	reference.name = arena_strdup(arena, file, err);
	reference.hex = arena_strdup(arena, hex, err);
	if (!reference.name || !reference.hex ||
	    mem_grow((void **)&list->items, list->n, &list->room, sizeof(reference), err) < 0)
		return -1;
	reference_from_file(reference.name);
	list->items[list->n++] = reference;
	return 0;
}

static int compare_references(const void *a, const void *b)
{
	return strcmp(((const struct image_reference *)a)->name,
		      ((const struct image_reference *)b)->name);
}

int image_list_references(int images, struct arena *arena, struct image_reference **ret,
			  size_t *ret_n, struct error *err)
{
	DIR *stream = open_list(images, "references");
	struct reference_list list = { NULL };
	int rc = 0;

	if (!stream && errno != ENOENT)
		return error_set(err, errno, "read images/references");
	for (const struct dirent *e;
	     stream && (rc = directory_next(stream, "images/references", &e, err)) > 0;)
		if (e->d_name[0] != '.' &&
		    add_reference(dirfd(stream), e->d_name, arena, &list, err) < 0) {
			rc = -1;
			break;
		}
	if (stream)
		(void)closedir(stream);
	*ret = rc < 0 ? NULL : arena_array(arena, list.n + 1, sizeof(**ret), err);
	if (*ret && list.n) {
		memcpy(*ret, list.items, list.n * sizeof(**ret));
		qsort(*ret, list.n, sizeof(**ret), compare_references);
	}
	free(list.items);
	*ret_n = list.n;
	return *ret ? 0 : -1;
}

/* ---- one image ---- */

static int read_config(int images, const char *hex, struct arena *arena, struct image_config **ret,
		       struct error *err)
{
	cleanup_free char *text = NULL;
	char path[DIGEST_HEX + 32];
	size_t size;

	(void)snprintf(path, sizeof(path), "blobs/sha256/%s", hex);
	if (fd_read_file(images, path, IMAGE_CONFIG_MAX, &text, &size, err) < 0)
		return -1;
	if (image_read_config(text, size, arena, ret, err) < 0)
		return error_wrap(err, "images/%s", path);
	return 0;
}

/* The paths of its layers, and how much they take. */
static int add_layers(const struct store *store, int images, struct arena *arena,
		      struct image *image, struct error *err)
{
	const struct image_rootfs *rootfs = image->config->rootfs;
	size_t n = rootfs->n_diff_ids;
	struct digest diff_id;
	struct layer layer;

	image->layers = arena_array(arena, n + 1, sizeof(char *), err);
	if (!image->layers)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (digest_parse(rootfs->diff_ids[i], &diff_id, err) < 0)
			return -1;
		if (layer_read(images, &diff_id, arena, &layer, err) < 0) {
			err->code = EIO;
			return error_hint(err, "a layer of the image is missing; load it again");
		}
		image->size += layer.disk;
		image->layers[n - 1 - i] = arena_format(arena, err, "%s/images/layers/%s/root",
							store->root, digest_hex(&diff_id));
		if (!image->layers[n - 1 - i])
			return -1;
	}
	image->n_layers = n;
	return 0;
}

static int add_names(const char *hex, const struct image_reference *references, size_t n,
		     struct arena *arena, struct image *image, struct error *err)
{
	image->names = arena_array(arena, n + 1, sizeof(char *), err);
	if (!image->names)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (str_equal(references[i].hex, hex))
			image->names[image->n_names++] = references[i].name;
	return 0;
}

int image_load_hex(const struct store *store, int images, const char *hex,
		   const struct image_reference *references, size_t n_references,
		   struct arena *arena, struct image **ret, struct error *err)
{
	struct image *image = arena_alloc(arena, sizeof(*image), err);

	if (!image)
		return -1;
	image->id = arena_format(arena, err, DIGEST_PREFIX "%s", hex);
	if (!image->id || add_names(hex, references, n_references, arena, image, err) < 0 ||
	    read_config(images, hex, arena, &image->config, err) < 0 ||
	    add_layers(store, images, arena, image, err) < 0)
		return -1;
	*ret = image;
	return 0;
}

/* ---- finding ---- */

static int set_unknown(const char *name, const struct image_reference *references, size_t n,
		       struct arena *arena, struct error *err)
{
	struct options_nearest nearest = { .word = name };

	for (size_t i = 0; i < n; i++) {
		const char *full = references[i].name, *repository;
		/* A tag that goes without saying would make all names far from each other. */
		repository =
			str_ends_with(full, ":latest")
				? arena_strndup(arena, full, strlen(full) - strlen(":latest"), err)
				: full;
		if (!repository)
			return -1;
		options_offer(&nearest, repository);
	}
	(void)error_plain(err, ENOENT, "no such image: %.300s", name);
	if (nearest.name)
		return error_hint(err, "did you mean %s?", nearest.name);
	return error_hint(err,
			  "rustbox images shows all there are; to get one: skopeo copy "
			  "docker://%.100s oci-archive:image.tar:%.100s && rustbox load -i "
			  "image.tar",
			  name, name);
}

/* The hex of the one whose id begins so; NULL: there is none. -1: several. */
static int find_id(int images, const char *text, struct arena *arena, const char **ret,
		   struct error *err)
{
	char **list;
	size_t n;

	*ret = NULL;
	if (str_starts_with(text, DIGEST_PREFIX))
		text += strlen(DIGEST_PREFIX);
	if (!*text || text[strspn(text, "0123456789abcdef")])
		return 0;
	if (image_list_hex(images, "blobs/sha256", arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!str_starts_with(list[i], text))
			continue;
		if (*ret)
			return error_set(err, 0,
					 "%s is the beginning of more than one id: "
					 "%.12s, %.12s",
					 text, *ret, list[i]);
		*ret = list[i];
	}
	return 0;
}

static const char *find_name(const char *text, const struct image_reference *references, size_t n,
			     struct arena *arena)
{
	struct error ignored;
	char *name;

	if (reference_read(text, arena, &name, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (str_equal(references[i].name, name))
			return references[i].hex;
	return NULL;
}

int image_resolve(int images, const char *name, const struct image_reference *references, size_t n,
		  struct arena *arena, const char **ret_hex, bool *ret_is_name, struct error *err)
{
	*ret_hex =
		str_starts_with(name, DIGEST_PREFIX) ? NULL : find_name(name, references, n, arena);
	*ret_is_name = *ret_hex;
	if (!*ret_hex && find_id(images, name, arena, ret_hex, err) < 0)
		return -1;
	return *ret_hex ? 0 : set_unknown(name, references, n, arena, err);
}

int image_find(const struct store *store, const char *name, struct arena *arena, struct image **ret,
	       struct error *err)
{
	cleanup_fd int images = open_images(store, err);
	struct image_reference *references;
	const char *hex;
	bool is_name;
	size_t n;

	if (images < 0 || image_list_references(images, arena, &references, &n, err) < 0 ||
	    image_resolve(images, name, references, n, arena, &hex, &is_name, err) < 0)
		return -1;
	if (image_load_hex(store, images, hex, references, n, arena, ret, err) < 0)
		return error_wrap(err, "image %.300s", name);
	return 0;
}

static int compare_images(const void *a, const void *b)
{
	const struct image *one = *(struct image *const *)a, *other = *(struct image *const *)b;
	const char *mine = one->config->created, *theirs = other->config->created;
	int order = strcmp(theirs ? theirs : "", mine ? mine : "");

	return order ? order : strcmp(one->id, other->id);
}

int image_list(const struct store *store, struct arena *arena, struct image ***ret, size_t *ret_n,
	       struct error *err)
{
	cleanup_fd int images = open_images(store, err);
	struct image_reference *references;
	struct error problem;
	size_t n_references, n, found = 0;
	char **list;

	if (images < 0 ||
	    image_list_references(images, arena, &references, &n_references, err) < 0 ||
	    image_list_hex(images, "blobs/sha256", arena, &list, &n, err) < 0)
		return -1;
	*ret = arena_array(arena, n + 1, sizeof(struct image *), err);
	if (!*ret)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (image_load_hex(store, images, list[i], references, n_references, arena,
				   &(*ret)[found], &problem) == 0)
			found++;
		else if (problem.code != ENOENT)
			log_warning("image %.12s: %s", list[i], problem.text);
	}
	qsort(*ret, found, sizeof(struct image *), compare_images);
	*ret_n = found;
	return 0;
}
