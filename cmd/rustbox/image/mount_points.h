/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container's start leaves in its upper layer for the mounts that every
 * container has: empty files and folders that nobody in there has made or seen.
 * They are no change of the container's, and no part of an image of it.
 */
#pragma once

#include "cmd/rustbox/image/ownership.h"
#include "cmd/rustbox/store/store.h"

struct mount_points {
	int upper;  /* the overlay's folder */
	int *lower; /* the layers below, the uppermost first; in the arena */
	size_t n_lower;
	struct ownership owner; /* of the upper layer */
};
#define MOUNT_POINTS_NONE                                                                          \
	{                                                                                          \
		.upper = -1                                                                        \
	}

int mount_points_open(const struct store *store, const struct record *record,
		      const struct ownership *owner, struct arena *arena, struct mount_points *ret,
		      struct error *err);
void mount_points_close(struct mount_points *points);
#define cleanup_mount_points __attribute__((cleanup(mount_points_close)))

/*
 * Paths are without a slash in front. The upper layer has nothing there but
 * mount points, and folders on the way to them that are otherwise as below: 1;
 * 0; -1 with err when who knows.
 */
int mount_points_alone(const struct mount_points *points, const char *path, struct error *err);
/* The same, and the layers below have nothing there at all. */
int mount_points_new(const struct mount_points *points, const char *path, struct error *err);
