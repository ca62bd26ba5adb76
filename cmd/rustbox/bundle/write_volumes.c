/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and volumes that the container's mounts need. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "cmd/rustbox/bundle/layers.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/write.h"
#include "cmd/rustbox/store/volume.h"

static bool is_to_be_filled(const struct writing *w, const struct record_mount *mount)
{
	size_t n = strlen(BUNDLE_ANNOTATION_NO_COPY);

	for (size_t i = 0; i < w->spec->n_annotations; i++)
		if (strncmp(w->spec->annotations[i].key, BUNDLE_ANNOTATION_NO_COPY, n) == 0 &&
		    strcmp(w->spec->annotations[i].key + n, mount->destination) == 0)
			return false;
	return true;
}

static int fill(const struct writing *w, const struct record_mount *mount, const char *data,
		struct error *err)
{
	cleanup_fd int root = layers_open(w->record->lower, w->record->n_lower, err);
	cleanup_fd int folder = -1;

	if (root < 0)
		return -1;
	folder = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return error_set(err, errno, "open %s", data);
	return volume_copy_up(root, mount->destination, folder, err) < 0
		       ? error_wrap(err, "copy the image's %s to volume %s", mount->destination,
				    mount->name)
		       : 0;
}

/* One that could not be filled goes again: the next container would take it for filled. */
static int make_volume(const struct writing *w, const struct record_mount *mount, struct error *err)
{
	struct volume *volume;
	struct error ignored;
	bool is_new = true;
	int result = mount->anonymous ? volume_create(w->store, mount->name, w->record->id, NULL, 0,
						      w->arena, &volume, err)
				      : volume_ensure(w->store, mount->name, w->arena, &volume,
						      &is_new, err);

	if (result < 0)
		return -1;
	if (!is_new || !is_to_be_filled(w, mount) || fill(w, mount, volume->data, err) == 0)
		return 0;
	(void)volume_remove(w->store, mount->name, false, &ignored);
	return -1;
}

static int make_source(const struct record_mount *mount, struct error *err)
{
	struct stat st;

	if (stat(mount->source, &st) == 0)
		return 0;
	return path_make_directories(mount->source, 0755, err) < 0
		       ? error_wrap(err, "folder for the mount at %s", mount->destination)
		       : 0;
}

static bool has_anonymous(const struct record *record)
{
	for (size_t i = 0; i < record->n_mounts; i++)
		if (record->mounts[i].anonymous)
			return true;
	return false;
}

int write_volumes(const struct writing *w, struct error *err)
{
	if (has_anonymous(w->record) && volume_mark_owner(w->bundle, err) < 0)
		return -1;
	for (size_t i = 0; i < w->record->n_mounts; i++) {
		const struct record_mount *mount = &w->record->mounts[i];

		if (mount->name ? make_volume(w, mount, err) < 0
				: mount->source && make_source(mount, err) < 0)
			return -1;
	}
	return 0;
}

int write_volumes_again(const struct writing *w, struct error *err)
{
	for (size_t i = 0; i < w->record->n_mounts; i++) {
		const struct record_mount *mount = &w->record->mounts[i];

		if (mount->name && !mount->anonymous && make_volume(w, mount, err) < 0)
			return -1;
	}
	return 0;
}
