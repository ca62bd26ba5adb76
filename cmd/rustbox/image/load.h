/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of image_load(): what both kinds of archives come down to. */
#pragma once

#include "cmd/rustbox/image/archive_files.h"
#include "cmd/rustbox/image/image_parts.h"

/* A layer of the archive. */
struct load_layer {
	char *file; /* its name in the archive */
	enum tar_filter filter;
	struct digest digest; /* of the file; empty text: it has none */
	uint64_t size;
};

struct load_image {
	char *config; /* text */
	size_t config_size;
	struct load_layer *layers; /* the lowest first */
	size_t n_layers;
	char **names; /* in their one form */
	size_t n_names;
};

struct load_list {
	struct load_image *items;
	size_t n, room;
};

/*
 * What the archive's index says there is, in the arena (the list's items are on the heap).
 * Documents are checked against their digests, layers are not looked at yet.
 */
int load_read_index(struct archive_files *files, struct arena *arena, struct load_list *list,
		    struct error *err);
int load_read_docker(struct archive_files *files, struct arena *arena, struct load_list *list,
		     struct error *err);
