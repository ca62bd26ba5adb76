/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of `docker save`: manifest.json names configurations, layers and names. */
#include <string.h>

#include "base/str.h"
#include "cmd/rustbox/image/load.h"
#include "cmd/rustbox/image/reference.h"
#include "cmd/rustbox/image/unpack.h"

struct docker_archive {
	struct image_docker_manifest *images;
	size_t n_images;
};
static const struct json_field docker_archive_fields[] = {
	ARRAY(docker_archive, images, "images", &image_docker_manifest_type),
	{ NULL },
};
static const struct json_type docker_archive_type = { sizeof(struct docker_archive),
						      docker_archive_fields, NULL };

static int read_archive(struct archive_files *files, struct arena *arena,
			struct docker_archive *ret, struct error *err)
{
	cleanup_free char *text = NULL, *object = NULL;
	cleanup_str struct str wrapped = STR_EMPTY;
	size_t size;

	if (archive_files_read(files, "manifest.json", &text, &size, err) < 0)
		return -1;
	/* Our reader begins with an object. */
	str_add(&wrapped, "{\"images\":");
	str_add_bytes(&wrapped, text, size);
	str_add(&wrapped, "}");
	object = str_take(&wrapped, err);
	if (!object)
		return -1;
	if (json_read(&docker_archive_type, object, size + strlen("{\"images\":}"), ret, arena,
		      err) < 0)
		return error_wrap(err, "manifest.json");
	return 0;
}

/* The file is called by its digest, with ".json" behind it or in blobs/sha256/. */
static int check_config(const char *name, const char *text, size_t size, struct error *err)
{
	const char *slash = strrchr(name, '/');
	struct digest found = digest_of(text, size);
	char hex[DIGEST_HEX + 1];

	name = slash ? slash + 1 : name;
	if (strlen(name) < DIGEST_HEX || (name[DIGEST_HEX] && name[DIGEST_HEX] != '.'))
		return 0;
	memcpy(hex, name, DIGEST_HEX);
	hex[DIGEST_HEX] = '\0';
	if (!digest_is_hex(hex) || str_equal(digest_hex(&found), hex))
		return 0;
	return error_set(err, EBADMSG, "%s: its content is %s", name, found.text);
}

static int read_config(struct archive_files *files, const char *file, struct arena *arena,
		       struct load_image *image, struct error *err)
{
	cleanup_free char *text = NULL;
	char *name = unpack_clean_name(file, arena, err);

	if (!name || archive_files_read(files, name, &text, &image->config_size, err) < 0 ||
	    check_config(name, text, image->config_size, err) < 0)
		return -1;
	image->config = arena_strndup(arena, text, image->config_size, err);
	return image->config ? 0 : -1;
}

static int add_image(struct archive_files *files, const struct image_docker_manifest *manifest,
		     struct arena *arena, struct load_list *list, struct error *err)
{
	struct load_image image = { NULL };

	image.layers = arena_array(arena, manifest->n_layers + 1, sizeof(*image.layers), err);
	image.names = arena_array(arena, manifest->n_repo_tags + 1, sizeof(char *), err);
	if (!image.layers || !image.names ||
	    read_config(files, manifest->config, arena, &image, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest->n_layers; i++) {
		image.layers[i].filter = TAR_ANY;
		image.layers[i].file = unpack_clean_name(manifest->layers[i], arena, err);
		if (!image.layers[i].file)
			return -1;
	}
	image.n_layers = manifest->n_layers;
	for (size_t i = 0; i < manifest->n_repo_tags; i++)
		if (reference_read(manifest->repo_tags[i], arena, &image.names[i], err) < 0)
			return -1;
	image.n_names = manifest->n_repo_tags;
	if (mem_grow((void **)&list->items, list->n, &list->room, sizeof(image), err) < 0)
		return -1;
	list->items[list->n++] = image;
	return 0;
}

int load_read_docker(struct archive_files *files, struct arena *arena, struct load_list *list,
		     struct error *err)
{
	struct docker_archive archive = { NULL };

	if (read_archive(files, arena, &archive, err) < 0)
		return -1;
	for (size_t i = 0; i < archive.n_images; i++)
		if (add_image(files, &archive.images[i], arena, list, err) < 0)
			return error_wrap(err, "manifest.json");
	return 0;
}
