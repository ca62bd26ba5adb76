/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/network/network.h"

struct members {
	const struct store *store;
	const char *network;
	struct arena *arena;
	struct network_member *items;
	size_t n, capacity;
};

/* One that comes or goes at this moment is no error. */
static int add_member(struct members *m, const char *id, struct error *err)
{
	struct network_member member;
	struct error ignored;

	if (network_load(m->store, id, m->arena, &member.result, &ignored) < 0 || !member.result ||
	    store_load(m->store, id, m->arena, &member.record, &ignored) < 0 ||
	    !str_equal(member.record->network->mode, m->network))
		return 0;
	if (m->n == m->capacity) {
		size_t more = m->capacity ? 2 * m->capacity : 8;
		struct network_member *bigger = arena_array(m->arena, more, sizeof(*bigger), err);
		if (!bigger)
			return -1;
		if (m->n)
			memcpy(bigger, m->items, m->n * sizeof(*bigger));
		m->items = bigger;
		m->capacity = more;
	}
	m->items[m->n++] = member;
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct network_member *one = a, *other = b;
	int order = strcmp(one->record->created, other->record->created);

	return order ? order : strcmp(one->record->id, other->record->id);
}

int network_list_members(const struct store *store, const char *name, struct arena *arena,
			 struct network_member **ret, size_t *ret_n, struct error *err)
{
	struct members members = { .store = store, .network = name, .arena = arena };
	int fd = openat(store->run_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int result;

	if (!directory) {
		error_set(err, errno, "list %s", store->run);
		fd_close(&fd);
		return -1;
	}
	while ((result = directory_next(directory, store->run, &entry, err)) > 0)
		if (store_is_id(entry->d_name) && add_member(&members, entry->d_name, err) < 0) {
			result = -1;
			break;
		}
	(void)closedir(directory);
	if (result < 0)
		return -1;
	if (members.n)
		qsort(members.items, members.n, sizeof(*members.items), by_age);
	*ret = members.items;
	*ret_n = members.n;
	return 0;
}
