/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/image/load.h"
#include "cmd/rustbox/image/reference.h"

struct loading {
	struct store *store;
	struct staging *staging;
	struct archive_files *files;
	const struct image_load *load;
	struct arena *arena;
};

static int read_list(struct archive_files *files, const char *source, struct arena *arena,
		     struct load_list *list, struct error *err)
{
	int rc;

	if (archive_files_have(files, "index.json"))
		rc = load_read_index(files, arena, list, err);
	else if (archive_files_have(files, "manifest.json"))
		rc = load_read_docker(files, arena, list, err);
	else {
		(void)error_set(err, 0,
				"%s: no image archive: neither index.json nor manifest.json",
				source);
		return error_hint(err, "of the tarball of a root file system, rustbox import makes "
				       "an image");
	}
	if (rc < 0)
		return error_wrap(err, "%s", source);
	return list->n ? 0 : error_set(err, 0, "%s: there is no image in it", source);
}

static int check_blob(int fd, const struct load_layer *layer, uint64_t size, struct error *err)
{
	struct digest found;
	uint64_t read;

	if (!*layer->digest.text)
		return 0;
	if (size != layer->size)
		return error_set(err, EBADMSG, "layer %s has %llu bytes, not %llu",
				 layer->digest.text, (unsigned long long)size,
				 (unsigned long long)layer->size);
	if (digest_of_file(fd, layer->file, &found, &read, err) < 0)
		return -1;
	return str_equal(found.text, layer->digest.text)
		       ? 0
		       : error_set(err, EBADMSG, "layer %s: its content is %s", layer->digest.text,
				   found.text);
}

static int stage_layer(const struct loading *l, const struct load_layer *layer,
		       const struct digest *diff_id, struct error *err)
{
	struct layer_source source = { .name = layer->file,
				       .filter = layer->filter,
				       .expected = diff_id,
				       .limits = l->load->limits,
				       .progress = l->load->progress };
	struct layer result;

	if (layer_exists(l->staging->images, diff_id) || layer_is_staged(l->staging, diff_id))
		return 0;
	cleanup_fd int fd = archive_files_open_one(l->files, layer->file, &source.size, err);
	if (fd < 0 || check_blob(fd, layer, source.size, err) < 0)
		return -1;
	source.fd = fd;
	return layer_stage(l->staging, &source, l->arena, &result, err);
}

static void warn_architecture(const struct image_config *config, const char *name)
{
	const char *variant, *architecture = image_architecture(&variant);

	if (config->architecture && !str_equal(config->architecture, architecture))
		log_warning("image %s is for %s, and this machine is %s", name,
			    config->architecture, architecture);
}

static int stage_layers(const struct loading *l, const struct load_image *image,
			const struct image_config *config, struct error *err)
{
	struct digest diff_id;

	if (image->n_layers != config->rootfs->n_diff_ids)
		return error_set(err, EBADMSG, "%zu layers, but its configuration has %zu",
				 image->n_layers, config->rootfs->n_diff_ids);
	for (size_t i = 0; i < image->n_layers; i++)
		if (digest_parse(config->rootfs->diff_ids[i], &diff_id, err) < 0 ||
		    stage_layer(l, &image->layers[i], &diff_id, err) < 0)
			return -1;
	return 0;
}

/* Layers that others remove while we are about to use them are staged after all. */
static int load_one(const struct loading *l, const struct load_image *image, struct digest *ret_id,
		    struct error *err)
{
	struct image_config *config;
	struct digest missing;
	int rc;

	if (image_read_config(image->config, image->config_size, l->arena, &config, err) < 0)
		return -1;
	do {
		rc = stage_layers(l, image, config, err);
		if (rc == 0)
			rc = image_install(l->store, l->staging, image->config, image->config_size,
					   image->names, image->n_names, ret_id, &missing, err);
	} while (rc < 0 && err->code == ESTALE);
	if (rc < 0)
		return -1;
	warn_architecture(config, image->n_names ? image->names[0] : ret_id->text);
	image_tell(l->store, "load", ret_id->text, image->n_names ? image->names[0] : NULL);
	return 0;
}

static int load_all(const struct loading *l, const struct load_list *list, char ***ret_names,
		    size_t *ret_n, struct error *err)
{
	size_t n = 0, most = 0;
	struct digest id;

	for (size_t i = 0; i < list->n; i++)
		most += list->items[i].n_names ? list->items[i].n_names : 1;
	*ret_names = arena_array(l->arena, most + 1, sizeof(char *), err);
	if (!*ret_names)
		return -1;
	for (size_t i = 0; i < list->n; i++) {
		const struct load_image *image = &list->items[i];

		if (load_one(l, image, &id, err) < 0)
			return error_wrap(err, "load %s",
					  image->n_names ? image->names[0] : l->load->source);
		for (size_t j = 0; j < image->n_names; j++)
			(*ret_names)[n++] = image->names[j];
		if (image->n_names)
			continue;
		(*ret_names)[n] = arena_strdup(l->arena, id.text, err);
		if (!(*ret_names)[n++])
			return -1;
	}
	*ret_n = n;
	return 0;
}

int image_load(struct store *store, const struct image_load *load, struct arena *arena,
	       char ***ret_names, size_t *ret_n, struct error *err)
{
	struct staging staging cleanup_staging = STAGING_NONE;
	struct archive_files files cleanup_archive_files = { .folder = -1 };
	struct loading l = { store, &staging, &files, load, arena };
	struct load_list list = { NULL };
	int rc;

	if (staging_make(store, &staging, err) < 0 ||
	    archive_files_open(&files, &staging, load, err) < 0)
		return images_failed(store, err);
	rc = read_list(&files, load->source, arena, &list, err);
	if (rc == 0)
		rc = load_all(&l, &list, ret_names, ret_n, err);
	free(list.items);
	return rc < 0 ? images_failed(store, err) : 0;
}

int image_import(struct store *store, const struct image_load *load, const char *name,
		 const struct image_settings *settings, const char *message, struct arena *arena,
		 char **ret_id, struct error *err)
{
	struct staging staging cleanup_staging = STAGING_NONE;
	struct layer_source source = { .fd = load->fd,
				       .name = load->source,
				       .filter = TAR_ANY,
				       .limits = load->limits,
				       .progress = load->progress };
	struct image_making making = { .settings = settings, .name = name, .message = message };
	struct layer layer;
	char *form;
	int rc;

	/* Before the long work. */
	if (name && reference_read(name, arena, &form, err) < 0)
		return -1;
	if (staging_make(store, &staging, err) < 0 ||
	    layer_stage(&staging, &source, arena, &layer, err) < 0)
		return images_failed(store, err);
	making.diff_ids = &layer.diff_id;
	making.n_diff_ids = 1;
	if (!message)
		making.message = arena_format(arena, err, "Imported from %s", load->source);
	if (!making.message)
		return -1;
	rc = image_make(store, &staging, &making, arena, ret_id, err);
	if (rc < 0)
		return images_failed(store, err);
	image_tell(store, "import", *ret_id, name);
	return 0;
}
