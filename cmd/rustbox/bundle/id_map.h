/* SPDX-License-Identifier: Apache-2.0 */
/* Which ids of the host a user namespace gets. */
#pragma once

#include "oci/spec.h"

enum { ID_MAP_SIZE = 65536 };

/* "INSIDE:HOST:SIZE", added to a list. */
int id_map_parse(const char *text, struct arena *arena, struct spec_id_mapping **ret, size_t *ret_n,
		 struct error *err);

/*
 * The first 65536 ids that a text of /etc/subuid's form (subuid(5)) gives to
 * "rustbox", else to "root"; false when it gives none. *highest is raised to
 * the end of the highest range of anybody.
 */
bool id_map_find(const char *text, uint32_t *ret_first, uint64_t *highest);

/*
 * The default maps: of /etc/subuid and /etc/subgid; where these give nothing,
 * the ids behind all that they give to others, from 100000 on.
 */
int id_map_default(struct arena *arena, struct spec_linux *linux, struct error *err);

/*
 * The first range of /etc/subuid or /etc/subgid (`path`) that is the user's, by
 * name or number: its host_id and size. False where there is none.
 */
bool id_map_of_user(const char *path, const char *name, uint32_t uid, struct spec_id_mapping *ret,
		    struct error *err);
