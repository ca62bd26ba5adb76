/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: content-addressed blobs and unpacked layers, images/:
 *
 *	blobs/sha256/<hex>       configurations (the image's id is its digest)
 *	layers/<hex of diff id>/ an unpacked layer in overlayfs' form
 *	references/<escaped>     a name: symbolic link whose text is the hex of the id
 *	staging/                 what is being made; emptied when nobody has it locked
 */
#pragma once

#include "base/mem.h"
#include "cmd/rustbox/store/store.h"
#include "oci/image.h"

struct image {
	char *id;     /* "sha256:…" */
	char **names; /* "docker.io/library/busybox:latest" as "busybox:latest" */
	size_t n_names;
	struct image_config *config;
	char **layers; /* absolute folders, the uppermost first, as overlayfs wants them */
	size_t n_layers;
	uint64_t size; /* bytes of its layers on disk */
};

/*
 * By name (tag "latest" when none is given), or by an unambiguous beginning of
 * the id. ENOENT: names the nearest, and `load`.
 */
int image_find(const struct store *store, const char *name, struct arena *arena, struct image **ret,
	       struct error *err);
int image_list(const struct store *store, struct arena *arena, struct image ***ret, size_t *ret_n,
	       struct error *err);

/* Takes a name off; with the last one the image goes, and layers that no other image has.
 * EBUSY: containers use it (force: the name goes all the same). *ret_removed: is it gone? */
int image_remove(struct store *store, const char *name, bool force, bool *ret_removed,
		 struct error *err);
/* Removes images without a name (all: without a container), layers without an image. */
int image_prune(struct store *store, bool all, uint64_t *ret_bytes, size_t *ret_images,
		struct error *err);
int image_tag(struct store *store, const char *name, const char *new_name, struct error *err);

/* Progress of long work; called often. total: 0 when not known. */
struct image_progress {
	void (*step)(void *data, const char *what, uint64_t done, uint64_t total);
	void *data;
};

/* An OCI layout or `docker save` archive (tar; gzip, zstd), or a folder with an OCI layout. */
int image_load(struct store *store, int fd, const struct image_progress *progress,
	       struct arena *arena, char ***ret_names, size_t *ret_n, struct error *err);
/* A root file system as a tarball: one layer. */
int image_import(struct store *store, int fd, const char *name,
		 const struct image_settings *settings, const char *message,
		 const struct image_progress *progress, struct arena *arena, char **ret_id,
		 struct error *err);
/* An archive that image_load() and `docker load` take. */
int image_save(struct store *store, char *const *names, size_t n, int fd, bool oci_layout,
	       const struct image_progress *progress, struct error *err);
/* A new image: the container's upper layer on its lower ones (an image's, or a folder's whole
 * content). */
int image_commit(struct store *store, const struct record *record, const char *name,
		 const struct image_settings *settings, const char *author, const char *message,
		 const struct image_progress *progress, struct arena *arena, char **ret_id,
		 struct error *err);
