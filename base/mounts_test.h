/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of mounts: in a mount namespace of their own, who mounts and unmounts
 * beside them is to make no difference.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mountinfo.h"
#include "base/str.h"

/* The text of /proc/self/mountinfo, to be freed; ends the process where there is none. */
static inline char *read_mounts(void)
{
	struct error err;
	char *text = NULL;

	if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &text, NULL, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		_exit(1);
	}
	return text;
}

/*
 * What others mount goes from our namespace, too, when they remove the folder
 * that it was on: only the mounts that the tests need stay.
 */
static inline void leave_mounts_of_others(const char *folder)
{
	static const char *const needed[] = { "/proc", "/sys", "/dev" };
	char *text = read_mounts(), *cursor = text;
	struct mountinfo mount;

	while (mountinfo_next(&cursor, &mount)) {
		bool stays = str_starts_with(folder, mount.point);
		for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
			stays = stays || str_starts_with(mount.point, needed[i]);
		if (!stays)
			(void)umount2(mount.point, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
	free(text);
}
