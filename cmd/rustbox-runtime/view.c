/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/view.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

enum { COLUMN_LEAST = 12, COLUMN_GAP = 3 };

static void close_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

char *view_owner(const char *passwd, const char *uid, struct arena *arena, struct error *err)
{
	__attribute__((cleanup(close_file))) FILE *file = fopen(passwd, "re");
	struct passwd entry, *found;
	char buffer[4096];
	uint64_t number;

	if (!uid)
		return arena_strdup(arena, "", err);
	if (str_to_uint(uid, 10, UINT32_MAX, &number))
		while (file && fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0)
			if (entry.pw_uid == number)
				return arena_strdup(arena, entry.pw_name, err);
	return arena_format(arena, err, "#%s", uid);
}

int view_public(const struct container_view *view, struct arena *arena, struct state_public *ret,
		struct error *err)
{
	const struct state *state = &view->state;
	char *owner = view_owner("/etc/passwd", state->owner, arena, err);
	char *status = arena_strdup(arena, container_status_name(view->status), err);

	if (!owner || !status)
		return -1;
	*ret = (struct state_public){
		.oci_version = state->oci_version,
		.id = state->id,
		/* The number may be somebody else's by now. */
		.pid = view->status == CONTAINER_STOPPED ? 0 : state->pid,
		.status = status,
		.bundle = state->bundle,
		.rootfs = state->rootfs,
		.created = state->created,
		.owner = owner,
		.annotations = state->annotations,
		.n_annotations = state->n_annotations,
	};
	return 0;
}

/* Characters of UTF-8: all bytes but those that continue one. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t column_width(const struct view_row *rows, size_t n_rows, size_t column)
{
	size_t most = COLUMN_LEAST;

	for (size_t i = 0; i < n_rows; i++) {
		size_t wanted = width(rows[i].cells[column]) + COLUMN_GAP;
		most = wanted > most ? wanted : most;
	}
	return most;
}

void view_add_table(struct str *s, const struct view_row *rows, size_t n_rows, size_t n_columns)
{
	for (size_t i = 0; i < n_rows; i++) {
		for (size_t j = 0; j + 1 < n_columns; j++) {
			const char *cell = rows[i].cells[j];
			size_t blanks = column_width(rows, n_rows, j) - width(cell);

			str_add_format(s, "%s%*s", cell, (int)blanks, "");
		}
		str_add_format(s, "%s\n", rows[i].cells[n_columns - 1]);
	}
}
