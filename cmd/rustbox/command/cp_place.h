/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ends of `cp`: paths of the host or of a container, always taken
 * below a descriptor of a root, and what they mean (docker-cp(1)): whether a file
 * or folder is copied to a name or into a folder.
 */
#pragma once

#include "cmd/rustbox/container/container_files.h"

struct cp_place {
	const char *container; /* NULL: the host */
	const char *path;      /* as typed, without the container; "-": a stream */
	struct container_files files;
	int lock; /* the container's operation lock */
};
#define CP_PLACE_NONE                                                                              \
	{                                                                                          \
		.files = CONTAINER_FILES_NONE, .lock = -1                                          \
	}

/* "CONTAINER:PATH" or a path; one that has a colon in it begins with "/" or ".". In the arena. */
int cp_place_read(const char *text, struct cp_place *ret, struct arena *arena, struct error *err);
/* Opens the root. */
int cp_place_open(struct cp_place *place, struct store *store, struct arena *arena,
		  struct error *err);
void cp_place_close(struct cp_place *place);
#define cleanup_cp_place __attribute__((cleanup(cp_place_close)))

static inline bool cp_place_is_stream(const struct cp_place *place)
{
	return !place->container && place->path[0] == '-' && !place->path[1];
}

/* What is copied. */
struct cp_source {
	int file; /* O_PATH */
	bool is_folder;
	bool content_only; /* "dir/.": what is in it */
	char *name;	   /* its last component; "" for the root */
};
int cp_source_open(const struct cp_place *place, bool follow, struct arena *arena,
		   struct cp_source *ret, struct error *err);

/* Where it goes: the folder, and the name in there. "": the folder's own content. */
struct cp_target {
	char *folder; /* absolute, below the root */
	char *name;
};
int cp_target_find(const struct cp_place *place, const struct cp_source *source,
		   struct arena *arena, struct cp_target *ret, struct error *err);
/* The same for a tar stream: the path has to be a folder. */
int cp_target_folder(const struct cp_place *place, struct arena *arena, struct cp_target *ret,
		     struct error *err);
