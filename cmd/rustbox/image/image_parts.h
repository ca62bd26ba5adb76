/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the image store share. */
#pragma once

#include "cmd/rustbox/image/image.h"
#include "cmd/rustbox/image/layer.h"
#include "cmd/rustbox/image/staging.h"

enum { IMAGE_CONFIG_MAX = 4 * 1024 * 1024 };

/* Reads a configuration, and checks what others rely on: a Linux image, diff ids. */
int image_read_config(const char *text, size_t size, struct arena *arena, struct image_config **ret,
		      struct error *err);

/* The file names in a folder of images/ that are hex digests ("blobs/sha256", "layers"). */
int image_list_hex(int images, const char *folder, struct arena *arena, char ***ret, size_t *ret_n,
		   struct error *err);

/* All names and the hex of what each stands for, in the order of the names. */
struct image_reference {
	char *name, *hex;
};
int image_list_references(int images, struct arena *arena, struct image_reference **ret,
			  size_t *ret_n, struct error *err);

/* The hex of the one meant by a name or a beginning of its id. */
int image_resolve(int images, const char *name, const struct image_reference *references, size_t n,
		  struct arena *arena, const char **ret_hex, bool *ret_is_name, struct error *err);

/* By the hex of its id. */
int image_load_hex(const struct store *store, int images, const char *hex,
		   const struct image_reference *references, size_t n_references,
		   struct arena *arena, struct image **ret, struct error *err);

/* Makes (or moves) and drops a name, which has its one form. The caller has locked images/. */
int image_set_reference(const struct staging *staging, const char *name, const char *hex,
			struct error *err);
int image_drop_reference(int images, const char *name, struct error *err);

/*
 * Makes the staged layers and the configuration an image. All of it is on disk
 * before the names say so. *ret_missing: a layer that was there when the
 * caller looked, and was removed meanwhile: stage it, and call again (-1, ESTALE).
 */
int image_install(const struct store *store, struct staging *staging, const char *config,
		  size_t size, char *const *names, size_t n_names, struct digest *ret_id,
		  struct digest *ret_missing, struct error *err);

/* An event of the kind, for an image. */
void image_tell(const struct store *store, const char *action, const char *id, const char *name);

/* ---- configurations that are made here ---- */

/* This machine's, as image-spec has it ("amd64"; "arm" and its variant "v7"). */
const char *image_architecture(const char **ret_variant);

/*
 * Writes and installs an image of these layers (lowest first) of which the
 * last one is new, with a line of history for it.
 */
struct image_making {
	const struct image_config *base; /* NULL: none */
	const struct image_settings *settings;
	char **diff_ids; /* all of them */
	size_t n_diff_ids;
	const char *name, *author, *message, *created_by; /* may be NULL */
};
int image_make(struct store *store, struct staging *staging, const struct image_making *making,
	       struct arena *arena, char **ret_id, struct error *err);
