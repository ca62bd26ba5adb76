/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/mount_idmap.h"

#include <string.h>

#include "base/str.h"

/* "1-2-3", cut up. */
static bool read_numbers(char *text, struct spec_id_mapping *ret)
{
	uint32_t *const members[] = { &ret->container_id, &ret->host_id, &ret->size };
	char *rest = text;

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const char *word = strsep(&rest, "-");
		uint64_t value;
		if (!word || !str_to_uint(word, 10, UINT32_MAX - 1, &value))
			return false;
		*members[i] = (uint32_t)value;
	}
	return !rest && ret->size > 0;
}

/* From an id in the container's user namespace to the host's, for the whole range. */
static bool make_absolute(struct spec_id_mapping *mapping, const struct spec_id_mapping *container,
			  size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t inside = mapping->host_id - container[i].container_id;
		if (mapping->host_id < container[i].container_id || inside >= container[i].size)
			continue;
		mapping->host_id = container[i].host_id + inside;
		return mapping->size <= container[i].size - inside;
	}
	return false;
}

static int read_list(char *text, const struct spec_id_mapping *container, size_t n_container,
		     struct arena *arena, struct spec_id_mapping **ret, size_t *ret_n,
		     struct error *err)
{
	size_t count = 1, n = 0;

	if (*ret)
		return error_set(err, EINVAL, "there are mappings of this kind already");
	for (const char *p = text; *p; p++)
		count += *p == '#';
	struct spec_id_mapping *list = arena_array(arena, count, sizeof(*list), err);
	if (!list)
		return -1;
	for (char *rest = text, *word; (word = strsep(&rest, "#")); n++) {
		bool relative = *word == '@';
		/* strsep() changes the text: for the message. */
		const char *whole = arena_strdup(arena, word, err);
		if (!whole)
			return -1;
		if (!read_numbers(word + relative, &list[n]))
			return error_set(err, EINVAL, "\"%s\" is not FIRST-HOST-SIZE", whole);
		if (relative && !make_absolute(&list[n], container, n_container))
			return error_set(err, EINVAL,
					 "\"%s\" is not within one range of the container's user "
					 "namespace",
					 whole);
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

static int read_kind(char *text, const struct spec_linux *linux, struct arena *arena,
		     struct spec_mount *mount, struct error *err)
{
	if (str_starts_with(text, "uids="))
		return read_list(text + strlen("uids="), linux->uid_mappings, linux->n_uid_mappings,
				 arena, &mount->uid_mappings, &mount->n_uid_mappings, err);
	if (str_starts_with(text, "gids="))
		return read_list(text + strlen("gids="), linux->gid_mappings, linux->n_gid_mappings,
				 arena, &mount->gid_mappings, &mount->n_gid_mappings, err);
	return error_set(err, EINVAL, "\"%s\" begins neither with uids= nor with gids=", text);
}

int mount_idmap_parse(const char *text, const struct spec_linux *linux, struct arena *arena,
		      struct spec_mount *mount, struct error *err)
{
	char *rest = arena_strdup(arena, text, err);

	if (!rest)
		return -1;
	for (char *word; (word = strsep(&rest, ";"));)
		if (*word && read_kind(word, linux, arena, mount, err) < 0)
			return error_wrap(err, "option idmap=%s", text);
	if (!mount->n_uid_mappings || !mount->n_gid_mappings)
		return error_set(err, EINVAL, "option idmap=%s: needs both, uids= and gids=", text);
	return 0;
}
