/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/rootfs_options.h"

#include <string.h>

#include "base/str.h"

enum { MAP_LINES_MAX = 340 }; /* the kernel's own limit, see user_namespaces(7) */

struct reader {
	struct rootfs_options *options;
	struct arena *arena;
};

/* "container:host:size" */
static int read_mapping(char *text, struct spec_id_mapping *ret, struct error *err)
{
	uint64_t n[3];

	for (int i = 0; i < 3; i++) {
		char *number = strsep(&text, ":");

		if (!number || !str_to_uint(number, 10, UINT32_MAX, &n[i]))
			return error_set(err, EINVAL,
					 "\"container:host:size\" with three numbers is expected");
	}
	if (text || !n[2] || n[0] + n[2] > UINT32_MAX || n[1] + n[2] > UINT32_MAX)
		return error_set(err, EINVAL,
				 "\"container:host:size\" with ids below 4294967295 is expected");
	*ret = (struct spec_id_mapping){ (uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2] };
	return 0;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

static int read_map(struct reader *r, const char *text, struct spec_id_mapping **ret,
		    size_t *ret_count, struct error *err)
{
	size_t count = count_lines(text);
	char *rest = arena_strdup(r->arena, text, err);
	struct spec_id_mapping *map;

	if (!rest)
		return -1;
	if (count > MAP_LINES_MAX)
		return error_set(err, EINVAL, "%zu id mappings; the kernel takes %d", count,
				 MAP_LINES_MAX);
	map = arena_array(r->arena, count, sizeof(*map), err);
	if (!map)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (read_mapping(strsep(&rest, ","), &map[i], err) < 0)
			return -1;
	*ret = map;
	*ret_count = count;
	return 0;
}

static int take_uid_map(struct reader *r, const char *value, struct error *err)
{
	return read_map(r, value, &r->options->uids, &r->options->n_uids, err);
}

static int take_gid_map(struct reader *r, const char *value, struct error *err)
{
	return read_map(r, value, &r->options->gids, &r->options->n_gids, err);
}

static int take_loop(struct reader *r, const char *value, struct error *err)
{
	r->options->loop = true;
	return 0;
}

static int take_direct_io(struct reader *r, const char *value, struct error *err)
{
	r->options->direct_io = true;
	return 0;
}

static int refuse_internal(struct reader *r, const char *value, struct error *err)
{
	return error_set(err, EINVAL,
			 "internal mount option: containerd's mount manager has to carry it out "
			 "before it calls the shim");
}

static int refuse_of_spec(struct reader *r, const char *value, struct error *err)
{
	return error_set(err, EINVAL, "this word is for mounts in config.json only");
}

static int refuse_remount(struct reader *r, const char *value, struct error *err)
{
	return error_set(err, EINVAL,
			 "there is nothing to mount again: give its options to the mount itself");
}

/* A name that ends in "=" or "." begins a word, the others are one. */
static const struct {
	const char *name;
	int (*take)(struct reader *r, const char *value, struct error *err);
} own_words[] = {
	{ "X-containerd.", refuse_internal }, { "copy-symlink", refuse_of_spec },
	{ "dest-nofollow", refuse_of_spec },  { "direct-io", take_direct_io },
	{ "gidmap=", take_gid_map },	      { "idmap", refuse_of_spec },
	{ "idmap=", refuse_of_spec },	      { "loop", take_loop },
	{ "remount", refuse_remount },	      { "ridmap", refuse_of_spec },
	{ "ridmap=", refuse_of_spec },	      { "src-nofollow", refuse_of_spec },
	{ "tmpcopyup", refuse_of_spec },      { "uidmap=", take_uid_map },
};

/* Of our own words 1 is returned, 0 of others. */
static int take_own_word(struct reader *r, const char *word, struct error *err)
{
	for (size_t i = 0; i < sizeof(own_words) / sizeof(own_words[0]); i++) {
		const char *name = own_words[i].name;
		size_t n = strlen(name);

		if (name[n - 1] == '=' || name[n - 1] == '.' ? !str_starts_with(word, name)
							     : !str_equal(word, name))
			continue;
		if (own_words[i].take(r, word + n, err) < 0)
			return error_wrap(err, "option \"%.200s\"", word);
		return 1;
	}
	return 0;
}

int rootfs_options_parse(char *const *words, size_t count, struct arena *arena,
			 struct rootfs_options *ret, struct error *err)
{
	struct reader r;

	*ret = (struct rootfs_options){ 0 };
	r = (struct reader){ ret, arena };
	ret->words = arena_array(arena, count, sizeof(*ret->words), err);
	if (!ret->words)
		return -1;
	for (size_t i = 0; i < count; i++) {
		int taken = take_own_word(&r, words[i], err);

		if (taken < 0)
			return -1;
		if (!taken)
			ret->words[ret->n_words++] = words[i];
	}
	if (!ret->n_uids != !ret->n_gids)
		return error_set(err, EINVAL, "options uidmap= and gidmap= need each other");
	if (ret->direct_io && !ret->loop)
		return error_set(err, EINVAL, "option direct-io needs the option loop");
	return mount_options_parse(ret->words, ret->n_words, arena, &ret->mount, err);
}

int rootfs_options_check_type(const char *type, const struct rootfs_options *options,
			      struct error *err)
{
	static const char *const internal[] = { "format/", "mkdir/", "mkfs/" };

	for (size_t i = 0; i < sizeof(internal) / sizeof(internal[0]); i++)
		if (str_starts_with(type, internal[i]))
			return error_set(err, EINVAL,
					 "internal mount option: a mount of this type has to be "
					 "carried out by containerd's mount manager");
	if (!*type && !options->mount.bind)
		return error_set(err, EINVAL, "neither a type nor the option bind is given");
	return 0;
}
