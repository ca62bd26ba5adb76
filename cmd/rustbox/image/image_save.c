/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An archive that is an OCI layout and has docker's manifest.json beside, which
 * older dockers read. Layers are plain tars, so that digest and diff id are one.
 */
#include <archive_entry.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/image/image_parts.h"
#include "cmd/rustbox/image/pack_parts.h"
#include "cmd/rustbox/image/reference.h"

#define MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define CONFIG	 "application/vnd.oci.image.config.v1+json"
#define LAYER	 "application/vnd.oci.image.layer.v1.tar"

struct saved {
	const struct image *image;
	char *name; /* NULL: asked for by its id */
	struct image_descriptor descriptor;
	struct image_docker_manifest docker;
};

struct saving {
	struct store *store;
	struct arena *arena;
	struct pack_output output;
	const struct image_progress *progress;
	int images;
	struct saved *saved;
	size_t n;
	char **written; /* hex of the blobs that are in the archive */
	size_t n_written, room;
};

static char *text_of(const char *text)
{
	return (char *)(uintptr_t)text;
}

static char *blob_name(const struct saving *s, const struct digest *digest, struct error *err)
{
	return arena_format(s->arena, err, "blobs/sha256/%s", digest_hex(digest));
}

/* 1: it was not there yet, and is noted now. */
static int note_blob(struct saving *s, const struct digest *digest, struct error *err)
{
	for (size_t i = 0; i < s->n_written; i++)
		if (str_equal(s->written[i], digest->text))
			return 0;
	if (mem_grow((void **)&s->written, s->n_written, &s->room, sizeof(char *), err) < 0)
		return -1;
	s->written[s->n_written] = arena_strdup(s->arena, digest->text, err);
	return s->written[s->n_written++] ? 1 : -1;
}

/* ---- layers ---- */

static int copy_layer(struct saving *s, struct archive *tar, const struct layer *layer,
		      struct error *err)
{
	enum { BUFFER_SIZE = 256 * 1024 };
	cleanup_free uint8_t *buffer = malloc(BUFFER_SIZE);
	uint64_t done = 0;
	struct digest digest;
	SHA2_CTX context;
	la_ssize_t n;

	if (!buffer)
		return error_memory(err);
	SHA256Init(&context);
	while ((n = archive_read_data(tar, buffer, BUFFER_SIZE)) > 0) {
		SHA256Update(&context, buffer, (size_t)n);
		if (archive_write_data(s->output.archive, buffer, (size_t)n) != n)
			return pack_error(s->output.archive, layer->diff_id, err);
		done += (uint64_t)n;
		image_progress_step(s->progress, layer->diff_id, done, layer->size);
	}
	digest = digest_end(&context);
	if (n < 0 || done != layer->size || !str_equal(digest.text, layer->diff_id)) {
		(void)error_set(err, EIO, "layer %s is damaged", layer->diff_id);
		return error_hint(err, "remove the image, and load it again");
	}
	return 0;
}

static int add_layer(struct saving *s, const struct digest *diff_id, const struct layer *layer,
		     struct error *err)
{
	struct archive_entry *entry;
	struct archive *tar;
	char *name = blob_name(s, diff_id, err);
	int rc = name ? note_blob(s, diff_id, err) : -1;

	if (rc <= 0)
		return rc;
	cleanup_fd int fd = layer_open_tar(s->images, diff_id, err);
	if (fd < 0)
		return -1;
	tar = tar_open_raw(fd, diff_id->text, TAR_ZSTD, err);
	entry = archive_entry_new();
	if (!tar || !entry) {
		archive_entry_free(entry);
		(void)archive_read_free(tar);
		return tar ? error_memory(err) : -1;
	}
	archive_entry_copy_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_size(entry, (la_int64_t)layer->size);
	rc = archive_write_header(s->output.archive, entry) < ARCHIVE_WARN
		     ? pack_error(s->output.archive, name, err)
		     : copy_layer(s, tar, layer, err);
	archive_entry_free(entry);
	(void)archive_read_free(tar);
	return rc;
}

/* ---- documents ---- */

static int add_blob(struct saving *s, const char *text, size_t size, const char *media_type,
		    struct image_descriptor *ret, struct error *err)
{
	struct digest digest = digest_of(text, size);
	char *name = blob_name(s, &digest, err);
	int rc = name ? note_blob(s, &digest, err) : -1;

	if (rc < 0 || (rc > 0 && pack_text(&s->output, name, text, size, 0, err) < 0))
		return -1;
	*ret = (struct image_descriptor){ .media_type = text_of(media_type),
					  .digest = arena_strdup(s->arena, digest.text, err),
					  .size = (int64_t)size };
	return ret->digest ? 0 : -1;
}

static int add_config(struct saving *s, struct saved *saved, struct image_descriptor *ret,
		      struct error *err)
{
	cleanup_free char *text = NULL;
	char path[DIGEST_HEX + 32];
	size_t size;

	(void)snprintf(path, sizeof(path), "blobs/sha256/%s",
		       saved->image->id + strlen(DIGEST_PREFIX));
	saved->docker.config = arena_strdup(s->arena, path, err);
	if (!saved->docker.config ||
	    fd_read_file(s->images, path, IMAGE_CONFIG_MAX, &text, &size, err) < 0)
		return -1;
	if (add_blob(s, text, size, CONFIG, ret, err) < 0)
		return -1;
	return str_equal(ret->digest, saved->image->id)
		       ? 0
		       : error_set(err, EIO, "images/%s is damaged: it is %s", path, ret->digest);
}

/* Layers, and what manifest and manifest.json say of them. */
static int add_layers(struct saving *s, struct saved *saved, struct image_manifest *manifest,
		      struct error *err)
{
	const struct image_rootfs *rootfs = saved->image->config->rootfs;
	struct digest diff_id;
	struct layer layer;

	manifest->layers =
		arena_array(s->arena, rootfs->n_diff_ids + 1, sizeof(*manifest->layers), err);
	saved->docker.layers = arena_array(s->arena, rootfs->n_diff_ids + 1, sizeof(char *), err);
	if (!manifest->layers || !saved->docker.layers)
		return -1;
	for (size_t i = 0; i < rootfs->n_diff_ids; i++) {
		if (digest_parse(rootfs->diff_ids[i], &diff_id, err) < 0 ||
		    layer_read(s->images, &diff_id, s->arena, &layer, err) < 0 ||
		    add_layer(s, &diff_id, &layer, err) < 0)
			return -1;
		manifest->layers[i] = (struct image_descriptor){ .media_type = text_of(LAYER),
								 .digest = rootfs->diff_ids[i],
								 .size = (int64_t)layer.size };
		saved->docker.layers[i] = blob_name(s, &diff_id, err);
		if (!saved->docker.layers[i])
			return -1;
	}
	manifest->n_layers = saved->docker.n_layers = rootfs->n_diff_ids;
	return 0;
}

/* The names as containerd and docker give them, and the tag alone. */
static int add_annotations(struct saving *s, struct saved *saved, struct error *err)
{
	struct json_pair *pairs = arena_array(s->arena, 2, sizeof(*pairs), err);
	const char *slash = strchr(saved->name, '/');
	bool has_host = slash && (strcspn(saved->name, ".:") < (size_t)(slash - saved->name) ||
				  str_starts_with(saved->name, "localhost/"));

	if (!pairs)
		return -1;
	pairs[0].key = text_of("io.containerd.image.name");
	pairs[0].value = arena_format(s->arena, err, "%s%s%s", has_host ? "" : "docker.io/",
				      slash ? "" : "library/", saved->name);
	pairs[1].key = text_of("org.opencontainers.image.ref.name");
	pairs[1].value = strrchr(saved->name, ':') + 1;
	saved->descriptor.annotations = pairs;
	saved->descriptor.n_annotations = 2;
	saved->docker.repo_tags = arena_array(s->arena, 2, sizeof(char *), err);
	if (!pairs[0].value || !saved->docker.repo_tags)
		return -1;
	saved->docker.repo_tags[0] = saved->name;
	saved->docker.n_repo_tags = 1;
	return 0;
}

static int add_image(struct saving *s, struct saved *saved, struct error *err)
{
	const struct image_config *config = saved->image->config;
	struct image_descriptor config_descriptor;
	struct image_manifest manifest = { .schema_version = 2,
					   .media_type = text_of(MANIFEST),
					   .config = &config_descriptor };
	struct image_platform *platform = arena_alloc(s->arena, sizeof(*platform), err);
	cleanup_free char *text = NULL;

	if (!platform || add_config(s, saved, &config_descriptor, err) < 0 ||
	    add_layers(s, saved, &manifest, err) < 0)
		return -1;
	text = json_write(&image_manifest_type, &manifest, false, err);
	if (!text || add_blob(s, text, strlen(text), MANIFEST, &saved->descriptor, err) < 0)
		return -1;
	*platform = (struct image_platform){ config->architecture, config->os, config->variant };
	if (platform->architecture && platform->os)
		saved->descriptor.platform = platform;
	return saved->name ? add_annotations(s, saved, err) : 0;
}

static int add_index(struct saving *s, struct error *err)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	struct image_index index = { .schema_version = 2,
				     .media_type =
					     text_of("application/vnd.oci.image.index.v1+json"),
				     .n_manifests = s->n };
	cleanup_free char *text = NULL;

	index.manifests = arena_array(s->arena, s->n, sizeof(*index.manifests), err);
	if (!index.manifests)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		index.manifests[i] = s->saved[i].descriptor;
	text = json_write(&image_index_type, &index, false, err);
	if (!text || pack_text(&s->output, "index.json", text, strlen(text), 0, err) < 0)
		return -1;
	return pack_text(&s->output, "oci-layout", layout, strlen(layout), 0, err);
}

static int add_docker(struct saving *s, struct error *err)
{
	cleanup_str struct str list = STR_EMPTY;

	str_add(&list, "[");
	for (size_t i = 0; i < s->n; i++) {
		cleanup_free char *text =
			json_write(&image_docker_manifest_type, &s->saved[i].docker, false, err);
		if (!text)
			return -1;
		str_add_format(&list, "%s%s", i ? "," : "", text);
	}
	str_add(&list, "]");
	if (list.failed)
		return error_memory(err);
	return pack_text(&s->output, "manifest.json", list.text, list.size, 0, err);
}

/* ---- all of it ---- */

static int find_images(struct saving *s, char *const *names, struct error *err)
{
	struct image *image;
	char *form;

	s->saved = arena_array(s->arena, s->n + 1, sizeof(*s->saved), err);
	if (!s->saved)
		return -1;
	for (size_t i = 0; i < s->n; i++) {
		if (image_find(s->store, names[i], s->arena, &image, err) < 0)
			return -1;
		s->saved[i].image = image;
		if (reference_read(names[i], s->arena, &form, err) < 0)
			continue;
		for (size_t j = 0; j < image->n_names; j++)
			if (str_equal(image->names[j], form))
				s->saved[i].name = form;
	}
	return 0;
}

static int save(struct saving *s, char *const *names, struct error *err)
{
	if (find_images(s, names, err) < 0)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (add_image(s, &s->saved[i], err) < 0)
			return error_wrap(err, "save %s", names[i]);
	return add_index(s, err) < 0 ? -1 : add_docker(s, err);
}

int image_save(struct store *store, char *const *names, size_t n, int fd,
	       const struct image_progress *progress, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct saving s = { .store = store, .arena = &arena, .progress = progress, .n = n };
	int rc;

	/* Nothing is removed meanwhile; it was opened by then, or is not there any more. */
	cleanup_fd int lock = image_hold(store, err);
	if (lock < 0)
		return -1;
	s.images = lock;
	rc = pack_open(&s.output, fd, err);
	if (rc == 0)
		rc = save(&s, names, err);
	if (rc == 0)
		rc = pack_close(&s.output, err);
	pack_drop(&s.output);
	free(s.written);
	return rc;
}
