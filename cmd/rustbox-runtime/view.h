/* SPDX-License-Identifier: Apache-2.0 */
/* Containers as list and state show them. */
#pragma once

#include "base/str.h"
#include "runtime/container.h"

/* What is public of a container; its memory is that of the view and the arena. */
int view_public(const struct container_view *view, struct arena *arena, struct state_public *ret,
		struct error *err);

/*
 * The name of a uid, or "#uid" where there is none. Only the passwd file is
 * asked: the name service has no place in a static program. In the arena.
 */
char *view_owner(const char *passwd, const char *uid, struct arena *arena, struct error *err);

/* A row of a table as a list of cells. */
struct view_row {
	const char *const *cells;
};

/*
 * Adds the rows with columns of at least 12 characters, 3 of them blank; the
 * last column is not filled up.
 */
void view_add_table(struct str *s, const struct view_row *rows, size_t n_rows, size_t n_columns);
