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

/* What overlayfs has in an upper layer for what is deleted. */
bool pack_is_whiteout(const struct stat *st);
/* It hides the folders of its name in the layers below: 1, 0; -1 with err. path: for the message.
 */
int pack_is_opaque(int folder, const char *path, struct error *err);

/*
 * Opens what lies below the folder ("": itself); flags of open(2), `resolve` of
 * openat2(2) besides. No link is followed: what is a folder here may be one there. -1 with errno.
 */
int pack_open_below(int root, const char *path, int flags, uint64_t resolve);
/* What is said of a path where there is nothing, in a layer that knows no links. */
bool pack_is_absent(int code);

/* Why libarchive failed. -1. */
int pack_error(struct archive *archive, const char *name, struct error *err);
