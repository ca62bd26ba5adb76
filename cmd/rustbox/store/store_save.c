/* SPDX-License-Identifier: Apache-2.0 */
/* Records and the files that they are in. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/store/replace.h"
#include "cmd/rustbox/store/store_parts.h"

/* An image's labels are in it twice. */
enum { RECORD_SIZE_MAX = JSON_SIZE_MAX };

struct store_file store_file(const char *folder, const char *name, const char *suffix)
{
	struct store_file file;

	(void)snprintf(file.path, sizeof(file.path), "%s/%s%s", folder, name, suffix);
	return file;
}

int store_check_writable(const struct store *store, struct error *err)
{
	if (store->root_fd >= 0 && store->run_fd >= 0)
		return 0;
	(void)error_set(err, EROFS, "%s cannot be made",
			store->root_fd < 0 ? store->root : store->run);
	return error_hint(err, "--root names another place");
}

static int open_folder(int dirfd, const char *name, struct error *err)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_set(err, errno, "open %s", name) : fd;
}

static int save(struct store *store, const struct record *record, bool durable, struct error *err)
{
	struct store_file file = store_file("", record->id, ".json");
	cleanup_free char *text = record_write(record, err);
	cleanup_fd int folder = -1;

	if (!text)
		return -1;
	if (strlen(text) > RECORD_SIZE_MAX) /* nobody could read it, and so remove it */
		return error_set(err, EFBIG, "a record of more than %d bytes", RECORD_SIZE_MAX);
	if (record->auto_remove) {
		folder = open_folder(store->run_fd, record->id, err);
		return folder < 0 ? -1
				  : fd_replace_passing_file(folder, "container.json", text,
							    strlen(text), 0600, err);
	}
	folder = open_folder(store->root_fd, "containers", err);
	if (folder < 0)
		return -1;
	return replace_file(folder, file.path + 1, text, durable, err);
}

int store_save(struct store *store, const struct record *record, bool durable, struct error *err)
{
	if (store_check_writable(store, err) < 0)
		return -1;
	if (save(store, record, durable, err) == 0)
		return 0;
	(void)error_wrap(err, "save the record of container %s in %s", record->id,
			 record->auto_remove ? store->run : store->root);
	return err->code == ENOSPC ? error_hint(err, "make room there") : -1;
}

/* A --rm container's record is in the run folder. ENOENT where there is none. */
static int read_record(const struct store *store, const char *id, char **ret_text, size_t *ret_size,
		       struct error *err)
{
	struct store_file lasting = store_file("containers", id, ".json");
	struct store_file passing = store_file(id, "container.json", "");

	if (store->root_fd >= 0 && fd_read_file(store->root_fd, lasting.path, RECORD_SIZE_MAX,
						ret_text, ret_size, err) == 0)
		return 0;
	if (store->root_fd >= 0 && err->code != ENOENT)
		return error_wrap(err, "%s", store->root);
	if (store->run_fd >= 0 && fd_read_file(store->run_fd, passing.path, RECORD_SIZE_MAX,
					       ret_text, ret_size, err) == 0)
		return 0;
	if (store->run_fd >= 0 && err->code != ENOENT)
		return error_wrap(err, "%s", store->run);
	return error_plain(err, ENOENT, "no such container: %s", id);
}

int store_load(const struct store *store, const char *id, struct arena *arena, struct record **ret,
	       struct error *err)
{
	cleanup_free char *text = NULL;
	struct record *record;
	size_t size;

	if (read_record(store, id, &text, &size, err) < 0)
		return -1;
	if (record_read(text, size, arena, &record, err) < 0) {
		(void)error_wrap(err, "the record of container %s is damaged", id);
		err->code = EBADMSG;
		return -1;
	}
	if (!str_equal(record->id, id))
		return error_set(err, EBADMSG, "the record of container %s is that of %s", id,
				 record->id);
	*ret = record;
	return 0;
}
