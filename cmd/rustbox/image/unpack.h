/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a tar archive to files, by descriptors, for archives that nobody
 * vouches for. Names are relative and have no ".."; missing parents are made
 * by us (0755, root's). Parents that are symbolic links are followed below the
 * folder only, as if it were the root; the last component of a name, and what a hard
 * link names, is never followed. Symbolic links themselves are data. Device
 * nodes are made, since a container cannot open what its device cgroup does
 * not allow, and never opened. Extended attributes: security.capability and
 * user.*; of the others, nothing is taken over. Owners, modes with
 * set-user-ID bits, times with nanoseconds and holes are kept.
 */
#pragma once

#include "cmd/rustbox/image/ownership.h"
#include "cmd/rustbox/image/tar_stream.h"

enum { UNPACK_ENTRIES_MAX = 8 * 1000 * 1000 };

struct unpack {
	int folder; /* where to; borrowed */
	/*
	 * An image's layer: .wh.x and .wh..wh..opq become overlayfs' whiteouts
	 * and opaque folders, whatever their order; a later entry of the same
	 * name wins. Otherwise files are copied to where others are: then a
	 * folder is not replaced by a file, nor the other way round.
	 */
	bool is_layer;
	bool to_host;		 /* no device nodes, no set-user-ID and set-group-ID bits */
	bool keeps_special_bits; /* with to_host: keep those bits */
	struct ownership owner;
	const char *below; /* all names are taken below it, inside the folder; NULL: none */
};

/* Reads the entries to the end. On failure some are there. Sets the umask meanwhile. */
int unpack(struct tar_stream *stream, const struct unpack *how, struct error *err);

/*
 * "./a//b/" to "a/b", "./" and "/" to "", the folder itself; in the arena. NULL
 * with err: absolute, or with "..".
 */
char *unpack_clean_name(const char *name, struct arena *arena, struct error *err);
