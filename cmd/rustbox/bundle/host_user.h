/* SPDX-License-Identifier: Apache-2.0 */
/* A user of the host, for a container that has the host's /etc/passwd and /etc/group. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

struct host_user {
	uint32_t uid, gid;
	const uint32_t *gids; /* its other groups; in the arena */
	size_t n_gids;
};

/* "USER[:GROUP]", names or numbers, by those two files. */
int host_user_find(const char *text, struct arena *arena, struct host_user *ret, struct error *err);
