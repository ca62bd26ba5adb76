/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /proc/PID/mountinfo (proc_pid_mountinfo(5)), a line at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Texts lie in the line's own memory, their \040 and the like undone. */
struct mountinfo {
	uint64_t id, parent;
	char *root, *point;   /* the path within the file system, and where it is mounted */
	char *type, *options; /* of the file system */
};

/*
 * Cuts the next well-formed line out of *cursor, whose text is changed. False
 * at the end; lines of another shape are left out.
 */
bool mountinfo_next(char **cursor, struct mountinfo *ret);

/* True when the comma-separated options of the file system have each word of the list. */
bool mountinfo_has_options(const struct mountinfo *mount, const char *list);
