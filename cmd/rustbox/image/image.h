/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: content-addressed blobs and unpacked layers, images/:
 *
 *	blobs/sha256/<hex>       configurations (the image's id is its digest)
 *	layers/<hex of diff id>/ layer.h: unpacked in overlayfs' form, and as it came
 *	references/<escaped>     a name: symbolic link whose text is the hex of the id
 *	staging/                 what is being made; emptied when nobody has it locked
 *
 * Names are those of reference.h. Everything that was read from elsewhere is
 * checked against its digest before it is an image.
 */
#pragma once

#include "base/mem.h"
#include "cmd/rustbox/image/ownership.h"
#include "cmd/rustbox/image/progress.h"
#include "cmd/rustbox/image/tar_stream.h"
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
 * Keeps layers from being removed until the descriptor is closed: for who
 * finds an image, and then makes the record that names its layers. Waits, not
 * for long.
 */
int image_hold(const struct store *store, struct error *err);

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

/*
 * An OCI layout or `docker save` archive (tar; gzip, zstd), or a folder with an
 * OCI layout. Of an image for several platforms, this machine's is taken. The
 * names, or the ids of what has none.
 */
struct image_load {
	int fd;
	const char *source;	  /* for messages */
	struct tar_limits limits; /* of each layer, and of the archive */
	const struct image_progress *progress;
};
int image_load(struct store *store, const struct image_load *load, struct arena *arena,
	       char ***ret_names, size_t *ret_n, struct error *err);

/* A root file system as a tarball: one layer. name: NULL for none. */
int image_import(struct store *store, const struct image_load *load, const char *name,
		 const struct image_settings *settings, const char *message, struct arena *arena,
		 char **ret_id, struct error *err);

/* An archive that image_load() and `docker load` take: an OCI layout with docker's manifest.json.
 */
int image_save(struct store *store, char *const *names, size_t n, int fd,
	       const struct image_progress *progress, struct error *err);

/*
 * A new image: the container's upper layer on its lower ones (an image's, or a
 * folder's whole content). It should be paused; the caller holds its operation
 * lock. owner: its user namespace.
 */
struct image_commit {
	const char *name, *author, *message; /* may be NULL */
	const struct image_settings *settings;
	struct ownership owner;
	const struct image_progress *progress;
};
int image_commit(struct store *store, const struct record *record,
		 const struct image_commit *commit, struct arena *arena, char **ret_id,
		 struct error *err);
