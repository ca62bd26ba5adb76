/* SPDX-License-Identifier: Apache-2.0 */
/* What an overlay's upper layer changes in the layers below. */
#pragma once

#include "cmd/rustbox/image/mount_points.h"

/*
 * Calls for each change, in the order of the names, a folder before what is in
 * it: 'A' added, 'C' changed, 'D' deleted; the path without a slash in front. Mount points are
 * none. points->upper: the layer's folder; lower: the merged tree of those below (borrowed). -1:
 * stop.
 */
int changes_list(const struct mount_points *points, int lower,
		 int (*change)(void *data, char kind, const char *path, struct error *err),
		 void *data, struct error *err);
