/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/environment.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "runtime/user.h"

/* Names that were seen: a hash table, since orchestrators pass thousands of entries. */
struct names {
	char **slots; /* entries; compared up to their "=" */
	size_t mask;
};

static size_t name_size(const char *entry)
{
	return (size_t)(strchrnul(entry, '=') - entry);
}

static size_t hash(const char *text, size_t size)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

static int names_init(struct names *names, size_t count, struct arena *arena, struct error *err)
{
	size_t size = 8;

	while (size < count * 2)
		size *= 2;
	names->mask = size - 1;
	names->slots = arena_array(arena, size, sizeof(*names->slots), err);
	return names->slots ? 0 : -1;
}

/* False when the name was there already. */
static bool names_add(struct names *names, char *entry)
{
	size_t size = name_size(entry) + 1; /* with the "=" */
	size_t i = hash(entry, size) & names->mask;

	for (; names->slots[i]; i = (i + 1) & names->mask)
		if (strncmp(names->slots[i], entry, size) == 0)
			return false;
	names->slots[i] = entry;
	return true;
}

static char *home_entry(int root, uint32_t uid, struct arena *arena, struct error *err)
{
	const char *home = user_home(root, uid, arena, err);

	return home ? arena_format(arena, err, "HOME=%s", home) : NULL;
}

char **environment_make(char *const *entries, size_t count, int root, uint32_t uid,
			struct arena *arena, struct error *err)
{
	char **env = arena_array(arena, count + 2, sizeof(*env), err); /* HOME, and the NULL */
	struct names names;
	bool has_home = false;
	size_t free_from = count;

	if (!env || names_init(&names, count, arena, err) < 0)
		return NULL;
	/* From the end, filling from the end: the last one of a name is the first seen. */
	for (size_t i = count; i-- > 0;) {
		char *entry = entries[i];
		if (*entry == '=' || !strchr(entry, '=')) {
			error_set(err, 0, "process.env[%zu]: \"%s\" is not NAME=VALUE", i, entry);
			return NULL;
		}
		if (!names_add(&names, entry) || str_equal(entry, "HOME="))
			continue;
		has_home |= str_starts_with(entry, "HOME=");
		env[--free_from] = entry;
	}
	memmove(env, env + free_from, (count - free_from) * sizeof(*env));
	count -= free_from;
	env[count] = has_home ? NULL : home_entry(root, uid, arena, err);
	if (!has_home && !env[count])
		return NULL;
	env[count + !has_home] = NULL;
	return env;
}
