/* SPDX-License-Identifier: Apache-2.0 */
/* OCI layouts: index.json, manifests, configurations (image-layout.md). */
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/image/load.h"
#include "cmd/rustbox/image/media_type.h"
#include "cmd/rustbox/image/reference.h"

enum { INDEX_DEPTH_MAX = 4 };

struct blob_name {
	char text[DIGEST_HEX + 16];
};
static struct blob_name blob_name(const struct digest *digest)
{
	struct blob_name name;

	(void)snprintf(name.text, sizeof(name.text), "blobs/sha256/%s", digest_hex(digest));
	return name;
}

/* A document, checked. Its text is in the arena. */
static int read_blob(struct archive_files *files, const struct image_descriptor *descriptor,
		     struct arena *arena, char **ret, size_t *ret_size, struct error *err)
{
	cleanup_free char *text = NULL;
	struct digest digest, found;

	if (digest_parse(descriptor->digest, &digest, err) < 0 ||
	    archive_files_read(files, blob_name(&digest).text, &text, ret_size, err) < 0)
		return -1;
	found = digest_of(text, *ret_size);
	if (!str_equal(found.text, digest.text))
		return error_set(err, EBADMSG, "blob %s: its content is %s", digest.text,
				 found.text);
	if (descriptor->size != (int64_t)*ret_size)
		return error_set(err, EBADMSG, "blob %s has %zu bytes, not %lld", digest.text,
				 *ret_size, (long long)descriptor->size);
	*ret = arena_strndup(arena, text, *ret_size, err);
	return *ret ? 0 : -1;
}

/* ---- manifests ---- */

static int add_layer(const struct image_descriptor *descriptor, struct arena *arena,
		     struct load_layer *ret, struct error *err)
{
	if (media_type_check(descriptor->media_type, MEDIA_LAYER, &ret->filter, err) < 0 ||
	    digest_parse(descriptor->digest, &ret->digest, err) < 0)
		return -1;
	if (descriptor->size < 0)
		return error_set(err, EBADMSG, "a layer of %lld bytes",
				 (long long)descriptor->size);
	ret->size = (uint64_t)descriptor->size;
	ret->file = arena_strdup(arena, blob_name(&ret->digest).text, err);
	return ret->file ? 0 : -1;
}

static int read_manifest(struct archive_files *files, const struct image_descriptor *descriptor,
			 struct arena *arena, struct load_image *image, struct error *err)
{
	struct image_manifest manifest = { 0 };
	enum tar_filter filter;
	char *text;
	size_t size;

	if (read_blob(files, descriptor, arena, &text, &size, err) < 0)
		return -1;
	if (json_read(&image_manifest_type, text, size, &manifest, arena, err) < 0)
		return error_wrap(err, "manifest %s", descriptor->digest);
	if (manifest.schema_version != 2)
		return error_set(err, 0, "manifest %s: schemaVersion %d is not supported",
				 descriptor->digest, (int)manifest.schema_version);
	if (manifest.media_type && !str_equal(manifest.media_type, descriptor->media_type))
		return error_set(err, EBADMSG, "manifest %s: it says that it is %.100s",
				 descriptor->digest, manifest.media_type);
	if (media_type_check(manifest.config->media_type, MEDIA_CONFIG, &filter, err) < 0 ||
	    read_blob(files, manifest.config, arena, &image->config, &image->config_size, err) < 0)
		return error_wrap(err, "manifest %s", descriptor->digest);
	image->layers = arena_array(arena, manifest.n_layers + 1, sizeof(*image->layers), err);
	if (!image->layers)
		return -1;
	for (size_t i = 0; i < manifest.n_layers; i++)
		if (add_layer(&manifest.layers[i], arena, &image->layers[i], err) < 0)
			return error_wrap(err, "manifest %s", descriptor->digest);
	image->n_layers = manifest.n_layers;
	return 0;
}

/* ---- platforms ---- */

/* How well it suits this machine; 0: not at all. */
static int rate_platform(const struct image_platform *platform)
{
	const char *variant, *architecture = image_architecture(&variant);

	if (!platform)
		return 1;
	if (!str_equal(platform->os, "linux") || !str_equal(platform->architecture, architecture))
		return 0;
	if (!platform->variant)
		return 3;
	if (str_equal(platform->variant, variant))
		return 4;
	/* An older ARM's programs run, and amd64's "v1" is every amd64's. */
	if (variant ? strcmp(platform->variant, variant) < 0 : str_equal(platform->variant, "v1"))
		return 2;
	return 0;
}

static int set_no_platform(const struct image_index *index, struct error *err)
{
	const char *variant, *architecture = image_architecture(&variant);
	cleanup_str struct str list = STR_EMPTY;

	for (size_t i = 0; i < index->n_manifests; i++) {
		const struct image_platform *p = index->manifests[i].platform;
		if (p)
			str_add_format(&list, "%s%s/%s", list.size ? ", " : "", p->os ? p->os : "?",
				       p->architecture ? p->architecture : "?");
	}
	return error_set(err, 0, "no image for linux/%s in it, but for: %.500s", architecture,
			 list.text ? list.text : "nothing");
}

static const struct image_descriptor *choose(const struct image_index *index)
{
	const struct image_descriptor *best = NULL;
	int best_rate = 0;

	for (size_t i = 0; i < index->n_manifests; i++) {
		int rate = rate_platform(index->manifests[i].platform);
		if (rate <= best_rate)
			continue;
		best = &index->manifests[i];
		best_rate = rate;
	}
	return best;
}

/* Goes down from an index of an index to the one manifest for this machine. */
static int read_image(struct archive_files *files, const struct image_descriptor *descriptor,
		      struct arena *arena, struct load_image *image, struct error *err)
{
	for (int depth = 0; depth < INDEX_DEPTH_MAX; depth++) {
		struct image_index index = { 0 };
		enum media_kind kind;
		enum tar_filter filter;
		char *text;
		size_t size;

		if (media_type_read(descriptor->media_type, &kind, &filter, err) < 0)
			return -1;
		if (kind == MEDIA_MANIFEST)
			return read_manifest(files, descriptor, arena, image, err);
		if (kind != MEDIA_INDEX)
			return error_set(err, EBADMSG, "%s is no manifest", descriptor->digest);
		if (read_blob(files, descriptor, arena, &text, &size, err) < 0)
			return -1;
		if (json_read(&image_index_type, text, size, &index, arena, err) < 0)
			return error_wrap(err, "index %s", descriptor->digest);
		descriptor = choose(&index);
		if (!descriptor)
			return set_no_platform(&index, err);
	}
	return error_set(err, ELOOP, "indexes nested more than %d deep", INDEX_DEPTH_MAX);
}

/* ---- names ---- */

static const char *annotation(const struct image_descriptor *descriptor, const char *key)
{
	for (size_t i = 0; i < descriptor->n_annotations; i++)
		if (str_equal(descriptor->annotations[i].key, key))
			return descriptor->annotations[i].value;
	return NULL;
}

/*
 * containerd and docker give the whole name; others the name that the user
 * gave to the layout's entry, which is one of an image unless it is a mere tag.
 */
static int add_name(const struct image_descriptor *descriptor, struct arena *arena,
		    struct load_image *image, struct error *err)
{
	const char *name = annotation(descriptor, "io.containerd.image.name");

	if (!name)
		name = annotation(descriptor, "org.opencontainers.image.ref.name");
	if (!name || str_equal(name, "latest"))
		return 0;
	image->names = arena_array(arena, 1, sizeof(char *), err);
	if (!image->names || reference_read(name, arena, &image->names[0], err) < 0)
		return -1;
	image->n_names = 1;
	return 0;
}

static int add_image(struct archive_files *files, const struct image_descriptor *descriptor,
		     struct arena *arena, struct load_list *list, struct error *err)
{
	struct load_image image = { NULL };

	if (read_image(files, descriptor, arena, &image, err) < 0 ||
	    add_name(descriptor, arena, &image, err) < 0 ||
	    mem_grow((void **)&list->items, list->n, &list->room, sizeof(image), err) < 0)
		return -1;
	list->items[list->n++] = image;
	return 0;
}

int load_read_index(struct archive_files *files, struct arena *arena, struct load_list *list,
		    struct error *err)
{
	struct image_index index = { 0 };
	cleanup_free char *text = NULL;
	size_t size;

	if (archive_files_read(files, "index.json", &text, &size, err) < 0)
		return -1;
	if (json_read(&image_index_type, text, size, &index, arena, err) < 0)
		return error_wrap(err, "index.json");
	for (size_t i = 0; i < index.n_manifests; i++)
		if (rate_platform(index.manifests[i].platform) > 0 &&
		    add_image(files, &index.manifests[i], arena, list, err) < 0)
			return error_wrap(err, "index.json");
	return list->n || !index.n_manifests ? 0 : set_no_platform(&index, err);
}
