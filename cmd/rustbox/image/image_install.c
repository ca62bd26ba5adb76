/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/image/image_parts.h"
#include "cmd/rustbox/image/reference.h"
#include "cmd/rustbox/store/event.h"

struct reference_path {
	char text[REFERENCE_MAX + 32];
};
static struct reference_path reference_path(const char *name)
{
	struct reference_path path;

	(void)snprintf(path.text, sizeof(path.text), "references/%s", name);
	reference_to_file(path.text + strlen("references/"));
	return path;
}

int image_set_reference(const struct staging *staging, const char *name, const char *hex,
			struct error *err)
{
	cleanup_fd int folder = images_make_folder(staging->images, "references", err);

	if (folder < 0)
		return -1;
	if (unlinkat(staging->folder, "reference", 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove a link");
	if (symlinkat(hex, staging->folder, "reference") < 0 ||
	    renameat(staging->folder, "reference", staging->images, reference_path(name).text) < 0)
		return error_set(err, errno, "name an image %s", name);
	return fsync(folder) < 0 ? error_set(err, errno, "name an image %s", name) : 0;
}

int image_drop_reference(int images, const char *name, struct error *err)
{
	if (unlinkat(images, reference_path(name).text, 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove the name %s", name);
	return 0;
}

/* ---- installing ---- */

/* 1: a layer is neither installed nor staged. */
static int find_missing(const struct staging *staging, const struct image_rootfs *rootfs,
			struct digest *ret, struct error *err)
{
	for (size_t i = 0; i < rootfs->n_diff_ids; i++) {
		if (digest_parse(rootfs->diff_ids[i], ret, err) < 0)
			return -1;
		if (!layer_exists(staging->images, ret) && !layer_is_staged(staging, ret))
			return 1;
	}
	return 0;
}

static int install_layers(struct staging *staging, const struct image_rootfs *rootfs,
			  struct error *err)
{
	struct digest diff_id;

	for (size_t i = 0; i < rootfs->n_diff_ids; i++)
		if (digest_parse(rootfs->diff_ids[i], &diff_id, err) < 0 ||
		    layer_install(staging, &diff_id, err) < 0)
			return -1;
	return 0;
}

static int install_config(struct staging *staging, const char *text, size_t size, const char *hex,
			  struct error *err)
{
	cleanup_fd int blobs = images_make_folder(staging->images, "blobs", err);
	cleanup_fd int folder = blobs < 0 ? -1 : images_make_folder(blobs, "sha256", err);

	if (folder < 0 || fd_replace_file(folder, hex, text, size, 0600, err) < 0)
		return -1;
	return syncfs(folder) < 0 ? error_set(err, errno, "write images to disk") : 0;
}

int image_install(const struct store *store, struct staging *staging, const char *config,
		  size_t size, char *const *names, size_t n_names, struct digest *ret_id,
		  struct digest *ret_missing, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct image_config *parsed;
	int missing;

	if (image_read_config(config, size, &arena, &parsed, err) < 0)
		return -1;
	/* Before the lock, since this takes its time. */
	if (syncfs(staging->folder) < 0)
		return error_set(err, errno, "write images to disk");
	cleanup_fd int lock = images_lock(store, LOCK_SH, err);
	if (lock < 0)
		return -1;
	missing = find_missing(staging, parsed->rootfs, ret_missing, err);
	if (missing)
		return missing < 0 ? -1
				   : error_set(err, ESTALE, "layer %s was removed meanwhile",
					       ret_missing->text);
	*ret_id = digest_of(config, size);
	if (install_layers(staging, parsed->rootfs, err) < 0 ||
	    install_config(staging, config, size, digest_hex(ret_id), err) < 0)
		return -1;
	for (size_t i = 0; i < n_names; i++)
		if (image_set_reference(staging, names[i], digest_hex(ret_id), err) < 0)
			return -1;
	return 0;
}

void image_tell(const struct store *store, const char *action, const char *id, const char *name)
{
	struct event event = { .type = (char *)"image", .action = (char *)(uintptr_t)action };

	event.id = (char *)(uintptr_t)id;
	event.name = (char *)(uintptr_t)name;
	event_write(store, &event);
}

/* ---- making ---- */

const char *image_architecture(const char **ret_variant)
{
	static const struct {
		const char *machine, *architecture, *variant;
	} rows[] = {
		{ "x86_64", "amd64", NULL },	{ "aarch64", "arm64", "v8" },
		{ "armv7l", "arm", "v7" },	{ "armv6l", "arm", "v6" },
		{ "i686", "386", NULL },	{ "i386", "386", NULL },
		{ "ppc64le", "ppc64le", NULL }, { "s390x", "s390x", NULL },
		{ "riscv64", "riscv64", NULL }, { "loongarch64", "loong64", NULL },
	};
	struct utsname name;

	*ret_variant = NULL;
	if (uname(&name) < 0)
		return "unknown";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!str_equal(rows[i].machine, name.machine))
			continue;
		*ret_variant = rows[i].variant;
		return rows[i].architecture;
	}
	return "unknown";
}

static int add_history(const struct image_making *making, struct image_config *config,
		       struct arena *arena, struct error *err)
{
	size_t n = making->base ? making->base->n_history : 0;
	struct image_history *lines = arena_array(arena, n + 1, sizeof(*lines), err);

	if (!lines)
		return -1;
	if (n)
		memcpy(lines, making->base->history, n * sizeof(*lines));
	lines[n] = (struct image_history){ .created = config->created,
					   .created_by = (char *)(uintptr_t)making->created_by,
					   .author = (char *)(uintptr_t)making->author,
					   .comment = (char *)(uintptr_t)making->message };
	config->history = lines;
	config->n_history = n + 1;
	return 0;
}

int image_make(struct store *store, struct staging *staging, const struct image_making *making,
	       struct arena *arena, char **ret_id, struct error *err)
{
	struct image_rootfs rootfs = { (char *)"layers", making->diff_ids, making->n_diff_ids };
	const struct image_config *base = making->base;
	struct image_settings settings = *making->settings;
	struct image_config config = { .os = (char *)"linux", .rootfs = &rootfs };
	cleanup_free char *text = NULL;
	struct digest id, missing;
	char *name = NULL;
	const char *variant;

	if (making->name && reference_read(making->name, arena, &name, err) < 0)
		return -1;
	config.architecture = (char *)(uintptr_t)image_architecture(&variant);
	config.variant = (char *)(uintptr_t)variant;
	if (base && base->architecture) {
		config.architecture = base->architecture;
		config.variant = base->variant;
	}
	config.created = clock_date_text(arena, err);
	config.author = (char *)(uintptr_t)making->author;
	config.config = &settings;
	if (!config.created || add_history(making, &config, arena, err) < 0)
		return -1;
	text = json_write(&image_config_type, &config, false, err);
	if (!text || image_install(store, staging, text, strlen(text), &name, name ? 1 : 0, &id,
				   &missing, err) < 0)
		return -1;
	*ret_id = arena_strdup(arena, id.text, err);
	return *ret_id ? 0 : -1;
}
