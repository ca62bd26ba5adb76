/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole folders that a container could fill as it liked: names of any bytes,
 * nested as deep as it liked, links to anywhere. Nothing is followed, other
 * file systems mounted in it are not entered, and the depth costs neither
 * stack nor descriptors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Removes dirfd/name and everything below; a missing one is fine. EBUSY or
 * EXDEV where something is mounted in it. What could be removed is gone even
 * when it fails.
 */
int tree_remove(int dirfd, const char *name, struct error *err);

/*
 * Folders that nobody finds any more, and whose blocks are not given back yet:
 * where the disk is told of each one (the mount option discard) that takes much
 * longer than all the rest, and nobody has to wait for it. The end of the
 * process does it, too.
 */
enum { TREE_REST_MOST = 32 };
struct tree_rest {
	int fds[TREE_REST_MOST];
	size_t n;
};
void tree_rest_release(struct tree_rest *rest);

/* As tree_remove(), with the first folders added to the rest. rest may be NULL. */
int tree_remove_late(int dirfd, const char *name, struct tree_rest *rest, struct error *err);

/* As tree_remove() for what is in the folder, which stays. A missing one is fine. */
int tree_empty(int dirfd, const char *name, struct error *err);

/*
 * Bytes on disk of everything below dirfd/name, hard links counted once; a
 * missing one has 0. Blocks as long as it takes; what vanishes meanwhile does
 * not count.
 */
int tree_disk_usage(int dirfd, const char *name, uint64_t *ret_bytes, struct error *err);
