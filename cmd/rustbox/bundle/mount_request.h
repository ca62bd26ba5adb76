/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --volume, --mount and --tmpfs say, as data. Pure parsing: nothing is
 * looked at but the text (and the current directory, for "./x").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

enum mount_kind { MOUNT_BIND, MOUNT_VOLUME, MOUNT_TMPFS };

struct mount_request {
	enum mount_kind kind;
	char *source;	   /* bind: absolute, clean; volume: its name, NULL: an anonymous one */
	char *destination; /* absolute, clean, never "/" */
	/* For the runtime; those of flags, propagation, and the file system's (tmpfs). */
	char **options;
	size_t n_options;
	char *propagation; /* "rshared", …; NULL: rprivate */
	bool read_only, writable_below, not_recursive;
	bool no_copy;	   /* volume: a new one does not get the image's content */
	bool makes_source; /* bind: a missing folder is made (--volume) */
	bool relabel;	   /* z, Z: SELinux */
	bool from_image;   /* the image wants it: gives way to what the user says */
};

/* "[SOURCE:]TARGET[:OPTIONS]" */
int mount_request_parse_volume(const char *text, struct arena *arena, struct mount_request *ret,
			       struct error *err);
/* "type=bind,src=…,dst=…,…": comma-separated, a field may be in double quotes. */
int mount_request_parse_mount(const char *text, struct arena *arena, struct mount_request *ret,
			      struct error *err);
/* "TARGET[:OPTIONS]" */
int mount_request_parse_tmpfs(const char *text, struct arena *arena, struct mount_request *ret,
			      struct error *err);
