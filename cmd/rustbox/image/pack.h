/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From files to a tar archive (pax), of trees that somebody else may be
 * changing: everything is opened by descriptor, below the given folder,
 * without following links. What changes its size while it is read is filled up or cut.
 * Names are in the order of their bytes, so that equal trees give equal archives.
 * Extended attributes: security.capability and user.*. Sockets are left out
 * (a tar cannot have them), and folders of procfs, sysfs and their like are empty.
 */
#pragma once

#include <archive.h>
#include <stdbool.h>

#include "cmd/rustbox/image/mount_points.h"
#include "cmd/rustbox/image/progress.h"

struct pack {
	/*
	 * An overlay's upper layer: whiteouts become .wh.x and .wh..wh..opq. What
	 * only overlayfs understands (redirects, metadata-only copies) is refused.
	 */
	bool is_upper;
	bool stays; /* on the file system of the top; folders that others are mounted on are empty
		     */
	struct ownership owner;
	const struct image_progress *progress;
	/* NULL, or what is left out: mount_points_alone() of an upper layer, _new() of a merged
	 * one. */
	int (*omits)(const struct mount_points *points, const char *path, struct error *err);
	const struct mount_points *mount_points;
	const char *source; /* for messages */
};

/* An archive on its way to a descriptor, which is borrowed. */
struct pack_output {
	struct archive *archive; /* NULL: none, or ended */
	int fd;
	bool is_dropped;
};
int pack_open(struct pack_output *output, int fd, struct error *err);
/* Writes its end. */
int pack_close(struct pack_output *output, struct error *err);
/* Frees one that was not ended: it stays cut off, so that nobody takes it for a whole one. */
void pack_drop(struct pack_output *output);
#define cleanup_pack __attribute__((cleanup(pack_drop)))

/*
 * Adds a file, or a folder with all below, as `prefix`; "": a folder's content
 * at the top, the folder itself as "./". It is borrowed, and may be open with O_PATH.
 */
int pack_tree(struct pack_output *output, int file, const char *prefix, const struct pack *how,
	      struct error *err);

/* Adds a file of this content, mode 0644, root's; time: seconds since 1970. */
int pack_text(struct pack_output *output, const char *name, const void *data, size_t size,
	      int64_t time, struct error *err);
