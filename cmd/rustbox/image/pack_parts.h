/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of pack.h: pack.c walks trees, pack_entry.c describes files. */
#pragma once

#include <archive_entry.h>
#include <sys/stat.h>

#include "cmd/rustbox/image/pack.h"

/* What to write for a file. */
enum pack_kind {
	PACK_FILE,
	PACK_NOTHING, /* a socket, or overlayfs' own */
	PACK_WHITEOUT,
};

/*
 * Describes the file (opened with O_PATH) as an entry of that name. link: the
 * text of a symbolic link.
 */
int pack_describe(int file, const struct stat *st, const char *name, const char *link,
		  const struct pack *how, struct archive_entry *entry, enum pack_kind *ret,
		  struct error *err);

/* True for a folder of an upper layer that hides those below. */
bool pack_is_opaque(int folder);

/* Why libarchive failed. -1. */
int pack_error(struct archive *archive, const char *name, struct error *err);
