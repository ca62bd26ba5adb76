/* SPDX-License-Identifier: Apache-2.0 */
/* The container's own layer on its lower folders. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/vector.h"
#include "cmd/rustbox/bundle/write.h"
#include "cmd/rustbox/store/tree.h"

uint32_t write_host_id(const struct spec_id_mapping *maps, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return maps[i].host_id + (id - maps[i].container_id);
	return id;
}

static int make_folder(int parent, const char *name, mode_t mode, struct error *err)
{
	int fd;

	if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
		return error_set(err, errno, "make folder %s", name);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open folder %s", name) : fd;
}

static int make_link(int parent, const char *name, const char *text, struct error *err)
{
	return symlinkat(text, parent, name) < 0 ? error_set(err, errno, "make link %s", name) : 0;
}

/* Of an owner without a number in an ordinary user's namespace: the kernel copies no such file. */
static int refuse_owner(const char *lower, struct error *err)
{
	(void)error_set(err, errno, "%s is another user's, who is not mapped here", lower);
	return error_hint(err, "chown it to this user, with all that is in it, or rustbox import "
			       "its tarball as an image");
}

/* The merged root is this folder: it looks like the lower one's. */
static int make_upper(const struct writing *w, int overlay, struct error *err)
{
	const struct spec_linux *linux = w->spec->linux;
	cleanup_fd int upper = make_folder(overlay, "upperdir", 0755, err);
	struct stat st;

	if (upper < 0)
		return -1;
	if (stat(w->record->lower[0], &st) < 0)
		return error_set(err, errno, "%s", w->record->lower[0]);
	if (fchown(upper, write_host_id(linux->uid_mappings, linux->n_uid_mappings, st.st_uid),
		   write_host_id(linux->gid_mappings, linux->n_gid_mappings, st.st_gid)) < 0 ||
	    fchmod(upper, st.st_mode & 07777) < 0)
		return errno == EINVAL ? refuse_owner(w->record->lower[0], err)
				       : error_set(err, errno,
						   "owner and mode of the container's own layer");
	return 0;
}

static int link_layers(const struct writing *w, int overlay, struct error *err)
{
	cleanup_fd int folder = -1;
	char name[24];

	if (w->record->n_lower == 1)
		return make_link(overlay, "lowerdir", w->record->lower[0], err);
	folder = make_folder(overlay, "lowerdir.d", 0700, err);
	if (folder < 0)
		return -1;
	for (size_t i = 0; i < w->record->n_lower; i++) {
		(void)snprintf(name, sizeof(name), "%zu", i);
		if (make_link(folder, name, w->record->lower[i], err) < 0)
			return -1;
	}
	return 0;
}

int write_overlay(const struct writing *w, struct error *err)
{
	cleanup_free char *path = store_path(w->store, "overlay", w->record->id, NULL, err);
	char *merged = arena_format(w->arena, err, "../../bundles/%s/rootfs", w->record->id);
	cleanup_fd int overlay = -1;

	if (!path || !merged)
		return -1;
	overlay = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (overlay < 0)
		return error_set(err, errno, "open %s", path);
	cleanup_fd int work = make_folder(overlay, "workdir", 0700, err);
	cleanup_fd int rootfs = work < 0 ? -1 : make_folder(w->bundle, "rootfs", 0755, err);
	if (rootfs < 0 || make_upper(w, overlay, err) < 0 || link_layers(w, overlay, err) < 0 ||
	    make_link(overlay, "merged", merged, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

/* ---- Create's mount ---- */

/* Overlayfs takes ":" and "," for ends and "\" for an escape. */
static void add_path(struct str *s, const char *path)
{
	for (; *path; path++) {
		if (strchr(":,\\", *path))
			str_add(s, "\\");
		str_add_bytes(s, path, 1);
	}
}

static int add_layers(const struct store *store, const struct record *record, struct arena *arena,
		      struct bundle_rootfs *ret, struct error *err)
{
	cleanup_free char *folder = store_path(store, "overlay", record->id, NULL, err);
	cleanup_str struct str text = STR_EMPTY;

	if (!folder)
		return -1;
	str_add(&text, "lowerdir=");
	for (size_t i = 0; i < record->n_lower; i++) {
		str_add(&text, i ? ":" : "");
		add_path(&text, folder);
		if (record->n_lower == 1)
			str_add(&text, "/lowerdir");
		else
			str_add_format(&text, "/lowerdir.d/%zu", i);
	}
	if (text.failed)
		return error_memory(err);
	if (vector_add_text(&ret->options, &ret->n_options, text.text, arena, err) < 0)
		return -1;
	/* trusted.* attributes are for root of the machine alone (overlayfs.rst). */
	if (store->is_rootless &&
	    vector_add_text(&ret->options, &ret->n_options, "userxattr", arena, err) < 0)
		return -1;
	static const char *const own[] = { "upperdir", "workdir" };
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		cleanup_str struct str option = STR_EMPTY;

		str_add_format(&option, "%s=", own[i]);
		add_path(&option, folder);
		str_add_format(&option, "/%s", own[i]);
		if (option.failed)
			return error_memory(err);
		if (vector_add_text(&ret->options, &ret->n_options, option.text, arena, err) < 0)
			return -1;
	}
	return 0;
}

static int add_map(const char *name, const struct spec_id_mapping *maps, size_t n,
		   struct arena *arena, struct bundle_rootfs *ret, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;

	str_add(&text, name);
	for (size_t i = 0; i < n; i++)
		str_add_format(&text, "%s%u:%u:%u", i ? "," : "", maps[i].container_id,
			       maps[i].host_id, maps[i].size);
	if (text.failed)
		return error_memory(err);
	return vector_add_text(&ret->options, &ret->n_options, text.text, arena, err);
}

/*
 * A volatile overlay that was mounted once is not mounted again: after a crash
 * of the machine its layer may lack what was written. We have had none: what a
 * crash leaves of a --rm container is removed.
 */
int write_overlay_again(const struct store *store, const struct record *record, struct error *err)
{
	char path[64];

	if (!record->auto_remove)
		return 0;
	(void)snprintf(path, sizeof(path), "overlay/%s/workdir/work/incompat", record->id);
	return tree_remove(store->root_fd, path, err);
}

int bundle_rootfs_mount(const struct store *store, const struct record *record, struct arena *arena,
			struct bundle_rootfs *ret, struct error *err)
{
	struct bundle_rootfs result = {
		.type = arena_strdup(arena, "overlay", err),
		.source = arena_strdup(arena, "overlay", err),
		.target = arena_strdup(arena, "", err),
	};
	struct spec *spec;

	if (!result.type || !result.source || !result.target ||
	    add_layers(store, record, arena, &result, err) < 0)
		return -1;
	/*
	 * What goes away with the container need not be on the disk first: without
	 * it unmounting writes all of it out.
	 */
	if (record->auto_remove &&
	    vector_add_text(&result.options, &result.n_options, "volatile", arena, err) < 0)
		return -1;
	if (record->isolate_user &&
	    (bundle_load_spec(store, record->id, arena, &spec, err) < 0 ||
	     add_map("uidmap=", spec->linux->uid_mappings, spec->linux->n_uid_mappings, arena,
		     &result, err) < 0 ||
	     add_map("gidmap=", spec->linux->gid_mappings, spec->linux->n_gid_mappings, arena,
		     &result, err) < 0))
		return -1;
	*ret = result;
	return 0;
}
