/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images/staging/<random>/: where blobs and layers are made before they are
 * moved to where others see them. Locked while it is worked in; what a killed
 * one has left is removed by the next.
 */
#pragma once

#include "cmd/rustbox/image/digest.h"
#include "cmd/rustbox/store/root.h"

struct staging {
	int images; /* the folder images/ */
	int folder; /* this one, locked */
	char name[16];
};

/* Makes one, and removes those that nobody works in. */
int staging_make(const struct store *store, struct staging *ret, struct error *err);
/* The same without making one, as a full disk would not allow. */
void staging_sweep(const struct store *store);
/* Removes it with all that was not moved away. */
void staging_drop(struct staging *staging);
#define cleanup_staging __attribute__((cleanup(staging_drop)))
#define STAGING_NONE                                                                               \
	{                                                                                          \
		.images = -1, .folder = -1                                                         \
	}

/*
 * The lock of images/: LOCK_SH while something of it is about to be used (a
 * layer, until a record names it), LOCK_EX while things are taken away. Waits;
 * nobody holds it for long. A descriptor of images/: close it to unlock.
 */
int images_lock(const struct store *store, int operation, struct error *err);

/* Adds where images are kept to the error of a full disk. Always -1. */
int images_failed(const struct store *store, struct error *err);

/* Opens a folder right below a folder; images_make_folder() makes it if it is missing. */
int images_open_folder(int dirfd, const char *name, struct error *err);
int images_make_folder(int dirfd, const char *name, struct error *err);
