/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/id_map.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/vector.h"

enum { FILE_LIMIT = 4 * 1024 * 1024, FIRST_ID = 100000, NUMBER_SIZE = 12 };

/* The number up to one of `ends`; *cursor goes behind it. */
static bool read_number(const char **cursor, const char *end, char separator, uint32_t *ret)
{
	char text[NUMBER_SIZE];
	const char *stop = memchr(*cursor, separator, (size_t)(end - *cursor));
	size_t n = (size_t)((stop ? stop : end) - *cursor);
	uint64_t value;

	if (n >= sizeof(text))
		return false;
	memcpy(text, *cursor, n);
	text[n] = '\0';
	if (!str_to_uint(text, 10, UINT32_MAX, &value))
		return false;
	*ret = (uint32_t)value;
	*cursor = stop ? stop + 1 : end;
	return true;
}

int id_map_parse(const char *text, struct arena *arena, struct spec_id_mapping **ret, size_t *ret_n,
		 struct error *err)
{
	struct spec_id_mapping mapping, *element;
	const char *cursor = text, *end = text + strlen(text);

	if (!read_number(&cursor, end, ':', &mapping.container_id) ||
	    !read_number(&cursor, end, ':', &mapping.host_id) ||
	    !read_number(&cursor, end, '\n', &mapping.size))
		return error_set(err, 0, "\"%s\" is not INSIDE:HOST:SIZE, three numbers", text);
	element = VECTOR_ADD(*ret, *ret_n, arena, err);
	if (!element)
		return -1;
	*element = mapping;
	return 0;
}

static bool is_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncmp(line, name, n) == 0 && line[n] == ':';
}

bool id_map_find(const char *text, uint32_t *ret_first, uint64_t *highest)
{
	bool found = false, found_ours = false;

	for (const char *line = text, *next; *line; line = next) {
		const char *end = strchrnul(line, '\n'), *cursor = line;
		uint32_t first, count;

		next = *end ? end + 1 : end;
		cursor = memchr(line, ':', (size_t)(end - line));
		if (!cursor)
			continue;
		cursor++;
		if (!read_number(&cursor, end, ':', &first) ||
		    !read_number(&cursor, end, '\n', &count))
			continue;
		if ((uint64_t)first + count > *highest)
			*highest = (uint64_t)first + count;
		bool ours = is_of(line, "rustbox");
		if (count < ID_MAP_SIZE || found_ours || !(ours || (!found && is_of(line, "root"))))
			continue;
		*ret_first = first;
		found = true;
		found_ours = ours;
	}
	return found;
}

static int read_ranges(const char *path, bool *ret_found, uint32_t *ret_first, uint64_t *highest,
		       struct error *err)
{
	cleanup_free char *text = NULL;

	*ret_found = false;
	if (fd_read_file(AT_FDCWD, path, FILE_LIMIT, &text, NULL, err) < 0)
		return err->code == ENOENT ? 0 : -1;
	*ret_found = id_map_find(text, ret_first, highest);
	return 0;
}

static struct spec_id_mapping *make_map(struct arena *arena, bool found, uint32_t first,
					uint64_t highest, struct error *err)
{
	struct spec_id_mapping *map = arena_alloc(arena, sizeof(*map), err);

	if (!map)
		return NULL;
	if (!found && highest + ID_MAP_SIZE >= UINT32_MAX) {
		error_set(err, 0,
			  "no ids are left behind the ranges of /etc/subuid and "
			  "/etc/subgid");
		error_hint(err, "give some to rustbox: usermod --add-subuids, or --uidmap");
		return NULL;
	}
	*map = (struct spec_id_mapping){ 0, found ? first : (uint32_t)highest, ID_MAP_SIZE };
	return map;
}

int id_map_default(struct arena *arena, struct spec_linux *linux, struct error *err)
{
	uint64_t highest = FIRST_ID;
	uint32_t uid = 0, gid = 0;
	bool has_uid, has_gid;

	if (read_ranges("/etc/subuid", &has_uid, &uid, &highest, err) < 0 ||
	    read_ranges("/etc/subgid", &has_gid, &gid, &highest, err) < 0)
		return -1;
	linux->uid_mappings = make_map(arena, has_uid, uid, highest, err);
	linux->gid_mappings = make_map(arena, has_gid, gid, highest, err);
	if (!linux->uid_mappings || !linux->gid_mappings)
		return -1;
	linux->n_uid_mappings = linux->n_gid_mappings = 1;
	return 0;
}

bool id_map_of_user(const char *path, const char *name, uint32_t uid, struct spec_id_mapping *ret,
		    struct error *err)
{
	cleanup_free char *text = NULL;
	char number[NUMBER_SIZE];

	(void)snprintf(number, sizeof(number), "%" PRIu32, uid);
	if (fd_read_file(AT_FDCWD, path, FILE_LIMIT, &text, NULL, err) < 0)
		return false;
	for (const char *line = text, *next; *line; line = next) {
		const char *end = strchrnul(line, '\n'), *cursor;
		uint32_t first, count;

		next = *end ? end + 1 : end;
		if (!is_of(line, name) && !is_of(line, number))
			continue;
		cursor = (const char *)memchr(line, ':', (size_t)(end - line)) + 1;
		if (!read_number(&cursor, end, ':', &first) ||
		    !read_number(&cursor, end, '\n', &count) || count == 0)
			continue;
		*ret = (struct spec_id_mapping){ .host_id = first, .size = count };
		return true;
	}
	return false;
}
