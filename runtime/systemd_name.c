/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/systemd_name.h"

#include <string.h>

#include "base/str.h"

enum { UNIT_NAME_MAX = 255 };

static bool is_unit_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr(":-_.\\@", c));
}

static int bad_path(const char *path, const char *why, struct error *err)
{
	return error_set(err, EINVAL, "cgroupsPath \"%s\": %s", path, why);
}

static int check_slice(const char *path, const char *slice, struct error *err)
{
	size_t n = strlen(slice) - strlen(".slice");

	if (str_equal(slice, "-.slice"))
		return 0;
	for (const char *c = slice; *c; c++)
		if (!is_unit_character(*c))
			return bad_path(path, "the slice has a character that no unit may have",
					err);
	/* Each dash leads one slice down, so that no part may be empty. */
	if (n == 0 || slice[0] == '-' || slice[n - 1] == '-' || memmem(slice, n, "--", 2))
		return bad_path(path, "the slice has an empty part: a-b.slice is b in a", err);
	if (n + strlen(".slice") > UNIT_NAME_MAX)
		return bad_path(path, "the name of the slice is too long", err);
	return 0;
}

static int make_slice(const char *path, size_t n, bool user, struct arena *arena, char **ret,
		      struct error *err)
{
	char *slice;

	if (n == 0)
		slice = arena_strdup(arena, user ? "user.slice" : "system.slice", err);
	else if (n == 1 && path[0] == '-')
		slice = arena_strdup(arena, "-.slice", err);
	else
		slice = arena_strndup(arena, path, n, err);
	if (!slice)
		return -1;
	if (!str_ends_with(slice, ".slice")) {
		bad_path(path, "the part before the first colon is no slice", err);
		return error_hint(err, "its name ends in .slice");
	}
	*ret = slice;
	return check_slice(path, slice, err);
}

static void add_escaped(struct str *to, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_unit_character(text[i]) && (to->size || text[i] != '.'))
			str_add_bytes(to, &text[i], 1);
		else
			str_add_format(to, "\\x%02x", (unsigned char)text[i]);
}

static int make_unit(const char *path, const char *prefix, size_t n_prefix, const char *name,
		     struct arena *arena, char **ret, struct error *err)
{
	cleanup_str struct str unit = STR_EMPTY;

	if (str_ends_with(name, ".slice")) {
		bad_path(path, "the container's unit is a scope, and cannot be a slice", err);
		return error_hint(err, "a name that does not end in .slice");
	}
	if (!*name)
		return bad_path(path, "the name behind the second colon is empty", err);
	if (n_prefix) {
		add_escaped(&unit, prefix, n_prefix);
		str_add(&unit, "-");
	}
	add_escaped(&unit, name, strlen(name));
	str_add(&unit, ".scope");
	cleanup_free char *text = str_take(&unit, err);
	if (!text)
		return -1;
	if (strlen(text) > UNIT_NAME_MAX)
		return bad_path(path, "the name of the unit is too long", err);
	*ret = arena_strdup(arena, text, err);
	return *ret ? 0 : -1;
}

int systemd_name_of_path(const char *cgroups_path, const char *id, bool user, struct arena *arena,
			 struct systemd_name *ret, struct error *err)
{
	const char *path = cgroups_path;
	struct systemd_name name;

	if (!path || !*path)
		path = arena_format(arena, err, ":rustbox:%s", id);
	if (!path)
		return -1;
	const char *first = strchr(path, ':'), *second = first ? strchr(first + 1, ':') : NULL;
	if (!second || strchr(second + 1, ':')) {
		bad_path(path, "systemd's cgroups want the form SLICE:PREFIX:NAME", err);
		return error_hint(err, "for a path: --cgroup-manager cgroupfs, and no "
				       "--systemd-cgroup");
	}
	if (make_slice(path, (size_t)(first - path), user, arena, &name.slice, err) < 0 ||
	    make_unit(path, first + 1, (size_t)(second - first - 1), second + 1, arena, &name.unit,
		      err) < 0)
		return -1;
	*ret = name;
	return 0;
}
