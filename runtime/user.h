/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users and groups by the container's own /etc/passwd and /etc/group, which
 * are foreign bytes (SECURITY.md S13, S24): read below the container's root,
 * at most USER_FILE_LIMIT bytes, without NSS, malformed lines skipped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

enum { USER_FILE_LIMIT = 1024 * 1024 };

struct user_identity {
	uint32_t uid, gid;
	bool has_gid;	/* false: only a uid was given, and passwd does not know it; gid is 0 */
	uint32_t *gids; /* supplementary groups that /etc/group gives the user, in the arena */
	size_t n_gids;	/* 0 when a group was given */
};

/*
 * "USER[:GROUP]", each a name or a number. All digits are always a number,
 * whatever names the files hold ("0" to "4294967294"). `root` is a descriptor
 * of the container's root. The files are read only where they are needed: a
 * missing one is an error for a name, and fine for a number; one that cannot be
 * read for want of memory or descriptors is an error for both.
 */
int user_resolve(int root, const char *text, struct arena *arena, struct user_identity *ret,
		 struct error *err);

/*
 * The home directory of the uid, memory from the arena (or static): "/" when
 * passwd is missing, unreadable, too long, does not know it or leaves it empty.
 * NULL when out of memory or descriptors, or when the disk fails.
 */
const char *user_home(int root, uint32_t uid, struct arena *arena, struct error *err);

/* A text of digits to an id: false if it is none or does not fit; UINT32_MAX is no id. */
bool user_id_from_text(const char *text, uint32_t *ret);

/* The parsers on a file's text, for tests and fuzzing. Fields are cut, not copied. */
struct user_entry {
	const char *name, *home; /* not NUL-terminated */
	size_t name_size, home_size;
	uint32_t uid, gid;
};

/* Next well-formed line of a passwd text at *offset; false at its end. */
bool user_next_passwd(const char *text, size_t size, size_t *offset, struct user_entry *ret);

struct user_group {
	const char *name, *members; /* members: "a,b,c", not NUL-terminated */
	size_t name_size, members_size;
	uint32_t gid;
};

bool user_next_group(const char *text, size_t size, size_t *offset, struct user_group *ret);
bool user_group_has(const struct user_group *group, const char *name, size_t name_size);
