/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer, images/layers/<hex of its diff id>/:
 *
 *	root/         its files in overlayfs' form
 *	tar.zst       the tar that it came as: what `save` writes has to be the same
 *	              to the byte, for the digest is the layer's name
 *	layer.json    struct layer
 */
#pragma once

#include "base/mem.h"
#include "cmd/rustbox/image/staging.h"
#include "cmd/rustbox/image/tar_stream.h"
#include "oci/json.h"

struct layer {
	char *diff_id; /* "sha256:…" of the tar */
	uint64_t size; /* of the tar */
	uint64_t disk; /* bytes that root/ takes */
};
extern const struct json_type layer_type;

/* A file that holds a layer's tar. */
struct layer_source {
	int fd;		  /* borrowed, read from where it stands */
	const char *name; /* for messages */
	enum tar_filter filter;
	uint64_t size;		       /* 0: not known */
	const struct digest *expected; /* its diff id; NULL: not known */
	struct tar_limits limits;
	const struct image_progress *progress;
};

/* Unpacks it to <staging>/<hex>. The result is in the arena. A wrong digest is an error. */
int layer_stage(struct staging *staging, const struct layer_source *source, struct arena *arena,
		struct layer *ret, struct error *err);

/* Is it installed? Is it in this staging folder? */
bool layer_exists(int images, const struct digest *diff_id);
bool layer_is_staged(const struct staging *staging, const struct digest *diff_id);

/* Moves a staged one to where it belongs; one that is there already stays. */
int layer_install(struct staging *staging, const struct digest *diff_id, struct error *err);

/* Of an installed one. ENOENT: there is none. */
int layer_read(int images, const struct digest *diff_id, struct arena *arena, struct layer *ret,
	       struct error *err);
/* Opens its tar.zst. */
int layer_open_tar(int images, const struct digest *diff_id, struct error *err);
/* Removes it: first to staging/, so that no half of one is ever mounted. */
int layer_remove(int images, const char *hex, struct error *err);
