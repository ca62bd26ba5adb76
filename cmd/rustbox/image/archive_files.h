/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an image archive by name, in any order: those of a folder, or
 * of a tar, which are put into the staging folder under numbers, so that no
 * foreign name ever is a path of ours.
 */
#pragma once

#include "base/mem.h"
#include "cmd/rustbox/image/image.h"
#include "cmd/rustbox/image/staging.h"

struct archive_file {
	char *name;
	char *link; /* a symbolic link's text; NULL: a file */
};
struct archive_files {
	int folder; /* of a layout that is one; -1: staged */
	const struct staging *staging;
	struct arena arena;
	struct archive_file *files;
	size_t n, room;
};

int archive_files_open(struct archive_files *files, const struct staging *staging,
		       const struct image_load *load, struct error *err);
void archive_files_close(struct archive_files *files);
#define cleanup_archive_files __attribute__((cleanup(archive_files_close)))

/* Is there one of that name? */
bool archive_files_have(const struct archive_files *files, const char *name);
/* A descriptor of a regular file, from its beginning; its size. */
int archive_files_open_one(struct archive_files *files, const char *name, uint64_t *ret_size,
			   struct error *err);
/* Reads a document: NUL-terminated, malloc'd. */
int archive_files_read(struct archive_files *files, const char *name, char **ret_text,
		       size_t *ret_size, struct error *err);
