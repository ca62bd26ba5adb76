/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount(2): all options are one text, of which the kernel takes a page. A long
 * list of an overlay's layers is told relative to the folder they share.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "shim/rootfs_entry.h"

static unsigned long read_flags(const struct mount_options *options)
{
	unsigned long flags = mount_api_old_flags(options->here.set, NULL);

	for (size_t i = 0; i < options->n_parameters; i++)
		if (options->parameters[i].is_generic)
			flags |= mount_api_old_flags(0, options->parameters[i].key);
	return flags;
}

/* lowerdir: what to say instead of its value, or NULL. */
static char *join_parameters(const struct mount_options *options, const char *lowerdir,
			     struct error *err)
{
	cleanup_str struct str data = STR_EMPTY;

	for (size_t i = 0; i < options->n_parameters; i++) {
		const struct mount_parameter *p = &options->parameters[i];
		const char *value = lowerdir && str_equal(p->key, "lowerdir") ? lowerdir : p->value;

		if (p->is_generic)
			continue;
		str_add(&data, data.size ? "," : "");
		str_add(&data, p->key);
		/* A comma is in a value when it was quoted, or behind a backslash. */
		if (value && strchr(value, ',') && !strchr(value, '\\'))
			str_add_format(&data, "=\"%s\"", value);
		else if (value)
			str_add_format(&data, "=%s", value);
	}
	return str_take(&data, err);
}

static int fail_too_long(size_t size, size_t page, struct error *err)
{
	return error_set(
		err, 0,
		"mount options is too long: %zu bytes, of which this kernel takes %zu; use "
		"fewer layers or shorter paths, or Linux 6.8, which takes layers one by one",
		size, page - 1);
}

/* Goes to the folder that the layers share. Malloc'd data, NULL with err. */
static char *join_shortened(const struct rootfs_entry *entry, size_t size, size_t page,
			    struct error *err)
{
	const struct mount_parameter *layers =
		mount_options_find(&entry->options.mount, "lowerdir");
	char *folder = NULL, *lowerdir = NULL;
	cleanup_free char *data = NULL;

	if (layers && layers->value && str_equal(entry->type, "overlay") &&
	    rootfs_overlay_shorten(layers->value, entry->arena, &folder, &lowerdir, err) < 0)
		return NULL;
	if (!folder) {
		fail_too_long(size, page, err);
		return NULL;
	}
	data = join_parameters(&entry->options.mount, lowerdir, err);
	if (!data)
		return NULL;
	if (strlen(data) >= page) {
		fail_too_long(strlen(data), page, err);
		return NULL;
	}
	if (chdir(folder) < 0) {
		error_set(err, errno, "change to %s, which the layers share", folder);
		return NULL;
	}
	return move_ptr(&data);
}

/* By descriptor, as the current directory may be needed for the layers. */
static int mount_at(const struct rootfs_entry *entry, const char *data, int target,
		    struct error *err)
{
	const char *source = *entry->source ? entry->source : "none";
	cleanup_fd int procfs = path_open_procfs(err);
	char path[32];

	if (procfs < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", target);
	if (mount(source, path, entry->type, read_flags(&entry->options.mount), data) < 0)
		return error_set(err, errno, "mount %.200s", source);
	return 0;
}

int rootfs_filesystem_mount(const struct rootfs_entry *entry, int target, struct error *err)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	cleanup_free char *data = join_parameters(&entry->options.mount, NULL, err);
	cleanup_fd int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (!data)
		return -1;
	if (here < 0)
		return error_set(err, errno, "open the current directory");
	if (strlen(data) >= page) {
		char *shortened = join_shortened(entry, strlen(data), page, err);

		if (!shortened)
			return -1;
		free(data);
		data = shortened;
	}
	result = mount_at(entry, data, target, err);
	if (fchdir(here) < 0)
		return error_set(err, errno, "change back to the current directory");
	return result;
}
