/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of all who are on a network, in the /etc/hosts of each of them:
 * lines between two marks, the same for all, written anew when somebody comes or
 * goes. The rest of the file is the container's, which may write what it likes.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/network/network.h"

enum { HOSTS_MAX = 1024 * 1024 };
#define BEGIN "# Containers of this network, by rustbox:\n"
#define END   "# End of these.\n"

static void add_member(struct str *text, const struct network_member *member)
{
	const struct record *record = member->record;

	for (size_t i = 0; i < member->result->n_ips; i++) {
		const char *ip = member->result->ips[i];

		str_add_format(text, "%.*s\t%s %s", (int)strcspn(ip, "/"), ip, record->name,
			       record->id);
		if (record->hostname && strcmp(record->hostname, record->id) != 0 &&
		    strcmp(record->hostname, record->name) != 0)
			str_add_format(text, " %s", record->hostname);
		for (size_t j = 0; j < record->network->n_aliases; j++)
			str_add_format(text, " %s", record->network->aliases[j]);
		str_add(text, "\n");
	}
}

/* What was there, with the new lines in the old ones' place, or at the end. */
static void put_lines(struct str *text, const char *before, const struct str *lines)
{
	const char *begin = strstr(before, BEGIN), *end = begin ? strstr(begin, END) : NULL;
	size_t head = begin ? (size_t)(begin - before) : strlen(before);

	str_add_bytes(text, before, head);
	if (head && before[head - 1] != '\n')
		str_add(text, "\n");
	str_add(text, lines->text);
	if (end)
		str_add(text, end + strlen(END));
}

/* In place, as it is mounted; never empty for who reads it meanwhile. */
static int write_in_place(int fd, const struct str *text, struct error *err)
{
	if (text->failed)
		return error_memory(err);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set(err, errno, "seek in hosts");
	if (fd_write_all(fd, "hosts", text->text, text->size, err) < 0)
		return -1;
	if (ftruncate(fd, (off_t)text->size) < 0)
		return error_set(err, errno, "shorten hosts");
	return 0;
}

static int tell(const struct store *store, const struct network_member *member,
		const struct str *lines, struct error *err)
{
	cleanup_free char *path = store_path(store, "bundles", member->record->id, "hosts", err);
	cleanup_free char *before = NULL;
	cleanup_str struct str text = STR_EMPTY;
	cleanup_fd int fd = -1;

	if (!path)
		return -1;
	fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open %s", path);
	if (fd_read_all(fd, path, HOSTS_MAX, &before, NULL, err) < 0)
		return -1;
	put_lines(&text, before, lines);
	return write_in_place(fd, &text, err);
}

int bundle_write_names(const struct store *store, const struct record *record, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_str struct str lines = STR_EMPTY;
	struct network_member *members;
	cleanup_fd int lock = -1;
	struct error why;
	size_t n;

	if (!network_is_needed(record))
		return 0;
	lock = network_lock_members(store, err);
	if (lock < 0 ||
	    network_list_members(store, record->network->mode, &arena, &members, &n, err) < 0)
		return -1;
	str_add(&lines, BEGIN);
	for (size_t i = 0; i < n; i++)
		add_member(&lines, &members[i]);
	str_add(&lines, END);
	if (lines.failed)
		return error_memory(err);
	/* What one of them has done to its file is not the others' fault. */
	for (size_t i = 0; i < n; i++)
		if (tell(store, &members[i], &lines, &why) < 0)
			log_warning("names for container %s: %s", members[i].record->id, why.text);
	return 0;
}
