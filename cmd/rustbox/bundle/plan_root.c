/* SPDX-License-Identifier: Apache-2.0 */
/* Which root file system: an image's layers, or a folder. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/layers.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ./rootfs where it exists, else the installed one; malloc'd. */
static char *find_default(const struct plan *plan, struct error *err)
{
	cleanup_free char *installed = NULL;

	if (is_folder("rootfs"))
		return str_format(err, "rootfs");
	installed = str_format(err, "%s/rootfs", plan->store->root);
	if (!installed)
		return NULL;
	if (is_folder(installed))
		return move_ptr(&installed);
	error_set(err, 0, "no root file system: there is neither ./rootfs nor %s", installed);
	error_hint(err, "name a folder by --rootfs, or an image by --image; to get one: skopeo "
			"copy docker://alpine oci-archive:alpine.tar:alpine && rustbox load -i "
			"alpine.tar; rustbox sandbox needs neither");
	return NULL;
}

/* The folder itself, or what a tree of the first RustBox keeps in it; malloc'd. */
static char *below_tree(const char *folder, struct error *err)
{
	char *lower = str_format(err, "%s/lowerdir", folder);

	if (!lower || is_folder(lower))
		return lower;
	free(lower);
	return str_format(err, "%s", folder);
}

static int use_folder(struct plan *plan, struct error *err)
{
	const char *given = plan->options->rootfs;
	cleanup_free char *found = given ? NULL : find_default(plan, err);
	cleanup_free char *lower = NULL, *real = NULL;

	if (!given && !found)
		return -1;
	lower = below_tree(given ? given : found, err);
	if (!lower)
		return -1;
	/* Overlayfs wants the folder, not a link that may point elsewhere at the next start. */
	real = realpath(lower, NULL);
	if (!real)
		return error_set(err, errno, "root file system %s", lower);
	if (!is_folder(real))
		return error_set(err, ENOTDIR, "root file system %s", real);
	if (strcmp(real, "/") == 0)
		return error_set(err, 0,
				 "--rootfs /: the host's own root would be its lower "
				 "layer; name a folder");
	plan->record->rootfs = arena_strdup(plan->arena, real, err);
	if (!plan->record->rootfs)
		return -1;
	return vector_add_text(&plan->record->lower, &plan->record->n_lower, real, plan->arena,
			       err);
}

/* "linux", "linux/amd64", "linux/arm64/v8": as many words as are given. */
static int check_platform(const struct plan *plan, struct error *err)
{
	const char *wanted = plan->options->platform;
	const struct image_config *config = plan->image ? plan->image->config : NULL;
	cleanup_free char *has = NULL;
	size_t size;

	if (!wanted)
		return 0;
	if (!config)
		return error_set(err, 0, "--platform %s: only images have one", wanted);
	has = str_format(err, "%s/%s", config->os ? config->os : "linux",
			 config->architecture ? config->architecture : "");
	if (!has)
		return -1;
	size = strlen(wanted);
	if (strncmp(has, wanted, size) == 0 && (has[size] == '\0' || has[size] == '/'))
		return 0;
	(void)error_set(err, 0, "--platform %s: image %s is for %s", wanted,
			plan->options->image ? plan->options->image : plan->image->id, has);
	return error_hint(err, "skopeo copy --override-arch ARCHITECTURE fetches another one's");
}

/* What would fetch something is refused. */
static int check_pull(const struct plan *plan, struct error *err)
{
	const char *pull = plan->options->pull;

	if (!pull || strcmp(pull, "never") == 0)
		return 0;
	(void)error_set(err, 0, "--pull %s: images are never fetched", pull);
	return error_hint(err, "skopeo copy docker://IMAGE oci-archive:FILE:NAME, then rustbox "
			       "load -i FILE");
}

static int use_image(struct plan *plan, struct error *err)
{
	const struct image *image = plan->image;
	struct record *record = plan->record;

	if (plan->options->rootfs)
		return error_set(err, 0, "--image and --rootfs both name a root file system");
	record->image = arena_strdup(plan->arena,
				     plan->options->image ? plan->options->image : image->id, err);
	record->image_id = arena_strdup(plan->arena, image->id, err);
	if (!record->image || !record->image_id)
		return -1;
	for (size_t i = 0; i < image->n_layers; i++)
		if (vector_add_text(&record->lower, &record->n_lower, image->layers[i], plan->arena,
				    err) < 0)
			return -1;
	if (!record->n_lower)
		return error_set(err, 0, "image %s has no layers to run from", record->image);
	return 0;
}

int plan_root(struct plan *plan, struct error *err)
{
	if (check_platform(plan, err) < 0 || check_pull(plan, err) < 0 ||
	    (plan->image ? use_image(plan, err) : use_folder(plan, err)) < 0)
		return -1;
	plan->root = layers_open(plan->record->lower, plan->record->n_lower, err);
	return plan->root < 0 ? error_wrap(err, "root file system") : 0;
}
