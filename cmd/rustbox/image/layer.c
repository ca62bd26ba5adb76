/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/image/layer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/image/unpack.h"
#include "cmd/rustbox/store/tree.h"

static const struct json_field layer_fields[] = {
	REQUIRED(layer, diff_id, "diffID"),
	FIELD(layer, size, "size"),
	FIELD(layer, disk, "disk"),
	{ NULL },
};
const struct json_type layer_type = { sizeof(struct layer), layer_fields, NULL };

enum { LAYER_FILE_MAX = 4096 };

struct layer_path {
	char text[DIGEST_HEX + 32];
};
static struct layer_path layer_path(const char *hex, const char *file)
{
	struct layer_path path;

	(void)snprintf(path.text, sizeof(path.text), "layers/%s%s", hex, file);
	return path;
}

/* ---- staging ---- */

/* The tar is read, unpacked and kept in one go. */
static int fill(int folder, const struct layer_source *source, struct layer *layer,
		struct arena *arena, struct error *err)
{
	struct tar_stream stream cleanup_tar_stream = { .limits = source->limits,
							.progress = source->progress,
							.total = source->size };
	struct unpack how = { .is_layer = true };
	struct digest digest;

	/* A tar without an entry for its top has the usual one. */
	if (mkdirat(folder, "root", 0755) < 0 || fchmodat(folder, "root", 0755, 0) < 0)
		return error_set(err, errno, "mkdir root");
	cleanup_fd int root = images_open_folder(folder, "root", err);
	cleanup_fd int copy =
		openat(folder, "tar.zst", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (root < 0)
		return -1;
	if (copy < 0)
		return error_set(err, errno, "make tar.zst");
	how.folder = root;
	if (tar_stream_open(&stream, source->fd, source->name, source->filter, copy, err) < 0 ||
	    unpack(&stream, &how, err) < 0 ||
	    tar_stream_finish(&stream, &digest, &layer->size, err) < 0)
		return -1;
	if (source->expected && !str_equal(source->expected->text, digest.text))
		return error_set(err, EBADMSG, "%s: its content is %s, not %s as the image says",
				 source->name, digest.text, source->expected->text);
	layer->diff_id = arena_strdup(arena, digest.text, err);
	return layer->diff_id ? 0 : -1;
}

static int describe(int folder, struct layer *layer, struct error *err)
{
	cleanup_free char *text = NULL;

	if (tree_disk_usage(folder, "root", &layer->disk, err) < 0)
		return -1;
	text = json_write(&layer_type, layer, true, err);
	return text ? fd_replace_file(folder, "layer.json", text, strlen(text), 0600, err) : -1;
}

int layer_stage(struct staging *staging, const struct layer_source *source, struct arena *arena,
		struct layer *ret, struct error *err)
{
	struct digest diff_id;

	if (tree_remove(staging->folder, "layer", err) < 0)
		return -1;
	cleanup_fd int folder = images_make_folder(staging->folder, "layer", err);
	if (folder < 0 || fill(folder, source, ret, arena, err) < 0 ||
	    describe(folder, ret, err) < 0 || digest_parse(ret->diff_id, &diff_id, err) < 0)
		return -1;
	if (renameat2(staging->folder, "layer", staging->folder, digest_hex(&diff_id),
		      RENAME_NOREPLACE) < 0 &&
	    errno != EEXIST)
		return error_set(err, errno, "rename a layer");
	return 0;
}

bool layer_exists(int images, const struct digest *diff_id)
{
	return faccessat(images, layer_path(digest_hex(diff_id), "/layer.json").text, F_OK, 0) == 0;
}

bool layer_is_staged(const struct staging *staging, const struct digest *diff_id)
{
	return faccessat(staging->folder, digest_hex(diff_id), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int layer_install(struct staging *staging, const struct digest *diff_id, struct error *err)
{
	const char *hex = digest_hex(diff_id);

	if (!layer_is_staged(staging, diff_id))
		return 0;
	cleanup_fd int layers = images_make_folder(staging->images, "layers", err);
	if (layers < 0)
		return -1;
	if (renameat2(staging->folder, hex, layers, hex, RENAME_NOREPLACE) < 0 && errno != EEXIST)
		return error_set(err, errno, "install layer %s", hex);
	return 0;
}

/* ---- what is there ---- */

int layer_read(int images, const struct digest *diff_id, struct arena *arena, struct layer *ret,
	       struct error *err)
{
	struct layer_path path = layer_path(digest_hex(diff_id), "/layer.json");
	cleanup_free char *text = NULL;
	size_t size;

	*ret = (struct layer){ NULL };
	if (fd_read_file(images, path.text, LAYER_FILE_MAX, &text, &size, err) < 0)
		return -1;
	if (json_read(&layer_type, text, size, ret, arena, err) < 0)
		return error_wrap(err, "images/%s", path.text);
	return 0;
}

int layer_open_tar(int images, const struct digest *diff_id, struct error *err)
{
	struct layer_path path = layer_path(digest_hex(diff_id), "/tar.zst");
	int fd = openat(images, path.text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? error_set(err, errno, "open images/%s", path.text) : fd;
}

int layer_remove(int images, const char *hex, struct error *err)
{
	cleanup_fd int staging = images_make_folder(images, "staging", err);
	struct layer_path path = layer_path(hex, "");

	if (staging < 0)
		return -1;
	if (renameat(images, path.text, staging, hex) == 0 || errno == ENOENT)
		return tree_remove(staging, hex, err);
	if (errno != EEXIST && errno != ENOTEMPTY)
		return error_set(err, errno, "remove images/%s", path.text);
	/* The rest of an earlier removal. */
	if (tree_remove(staging, hex, err) < 0)
		return -1;
	return renameat(images, path.text, staging, hex) == 0
		       ? tree_remove(staging, hex, err)
		       : error_set(err, errno, "remove images/%s", path.text);
}
