/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of unpack.h: unpack.c knows names, unpack_file.c makes the files. */
#pragma once

#include <archive_entry.h>

#include "cmd/rustbox/image/unpack.h"

/* Where an entry goes. */
struct unpack_place {
	int parent;	  /* O_PATH */
	const char *name; /* a single component; "." for the folder itself */
	const char *path; /* for messages */
};

/* Makes the file and all that belongs to it. hard_link: the file to link to, or parent -1. */
int unpack_file(struct tar_stream *stream, const struct unpack *how,
		const struct unpack_place *place, struct archive_entry *entry,
		const struct unpack_place *hard_link, struct error *err);

/* Sets the times, of a folder at the end once more: what was put into it has changed them. */
int unpack_set_times(const struct unpack_place *place, struct archive_entry *entry,
		     struct error *err);
