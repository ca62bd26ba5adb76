/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/image/image_parts.h"
#include "cmd/rustbox/image/pack.h"
#include "cmd/rustbox/image/reference.h"

/* A folder as a tar in the staging folder, and that as a layer. */
static int stage_folder(struct staging *staging, const char *folder, const struct pack *how,
			struct arena *arena, struct layer *ret, struct error *err)
{
	struct layer_source source = { .name = folder,
				       .filter = TAR_PLAIN,
				       .limits = { UINT64_MAX },
				       .progress = how->progress };
	struct pack_output output cleanup_pack = { NULL };
	cleanup_fd int top = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int tar =
		openat(staging->folder, "commit.tar", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (top < 0)
		return error_set(err, errno, "open %s", folder);
	if (tar < 0)
		return error_set(err, errno, "make a temporary file in images/staging");
	if (pack_open(&output, tar, err) < 0 || pack_tree(&output, top, "", how, err) < 0 ||
	    pack_close(&output, err) < 0)
		return -1;
	if (lseek(tar, 0, SEEK_SET) < 0)
		return error_set(err, errno, "lseek");
	source.fd = tar;
	if (layer_stage(staging, &source, arena, ret, err) < 0)
		return -1;
	return unlinkat(staging->folder, "commit.tar", 0) < 0
		       ? error_set(err, errno, "remove commit.tar")
		       : 0;
}

static int add_diff_id(struct image_making *making, char *diff_id, struct arena *arena,
		       struct error *err)
{
	char **longer = arena_array(arena, making->n_diff_ids + 2, sizeof(char *), err);

	if (!longer)
		return -1;
	if (making->n_diff_ids)
		memcpy(longer, making->diff_ids, making->n_diff_ids * sizeof(char *));
	longer[making->n_diff_ids++] = diff_id;
	making->diff_ids = longer;
	return 0;
}

/* The container's image; or the folders that it runs on, which are nobody's image, as layers. */
static int add_base(struct store *store, struct staging *staging, const struct record *record,
		    const struct pack *how, struct image_making *making, struct arena *arena,
		    struct error *err)
{
	struct pack lower = *how;
	struct image *image;
	struct layer layer;

	if (record->image_id) {
		if (image_find(store, record->image_id, arena, &image, err) < 0)
			return error_wrap(err, "the image of container %s", record->name);
		making->base = image->config;
		making->diff_ids = image->config->rootfs->diff_ids;
		making->n_diff_ids = image->config->rootfs->n_diff_ids;
		return 0;
	}
	/* Its owners are as they are; and it may have been an upper layer itself. */
	lower.owner = (struct ownership){ .n_uids = 0 };
	lower.omits = NULL;
	for (size_t i = record->n_lower; i-- > 0;)
		if (stage_folder(staging, record->lower[i], &lower, arena, &layer, err) < 0 ||
		    add_diff_id(making, layer.diff_id, arena, err) < 0)
			return -1;
	return 0;
}

int image_commit(struct store *store, const struct record *record,
		 const struct image_commit *commit, struct arena *arena, char **ret_id,
		 struct error *err)
{
	struct staging staging cleanup_staging = STAGING_NONE;
	struct mount_points points cleanup_mount_points = MOUNT_POINTS_NONE;
	struct pack how = { .is_upper = true,
			    .stays = true,
			    .omits = mount_points_alone,
			    .mount_points = &points,
			    .owner = commit->owner,
			    .progress = commit->progress,
			    .source = record->name };
	struct image_making making = { .settings = commit->settings,
				       .name = commit->name,
				       .author = commit->author,
				       .message = commit->message };
	cleanup_free char *upper = store_path(store, "overlay", record->id, "upperdir", err);
	struct layer layer;
	char *form;

	if (!upper || (commit->name && reference_read(commit->name, arena, &form, err) < 0) ||
	    staging_make(store, &staging, err) < 0 ||
	    mount_points_open(store, record, &commit->owner, arena, &points, err) < 0 ||
	    add_base(store, &staging, record, &how, &making, arena, err) < 0 ||
	    stage_folder(&staging, upper, &how, arena, &layer, err) < 0 ||
	    add_diff_id(&making, layer.diff_id, arena, err) < 0 ||
	    image_make(store, &staging, &making, arena, ret_id, err) < 0) {
		(void)error_wrap(err, "commit container %s", record->name);
		return images_failed(store, err);
	}
	image_tell(store, "commit", *ret_id, commit->name);
	return 0;
}
