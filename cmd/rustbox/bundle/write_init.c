/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/write.h"

enum { CHUNK = 1 << 24 };

static struct spec_mount *find_mount(struct spec *spec)
{
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (strcmp(spec->mounts[i].destination, BUNDLE_INIT_PATH) == 0)
			return &spec->mounts[i];
	return NULL;
}

static int copy(const char *source, int bundle, struct error *err)
{
	cleanup_fd int from = open(source, O_RDONLY | O_CLOEXEC);
	cleanup_fd int to = -1;
	ssize_t n;

	if (from < 0)
		return error_set(err, errno, "open %s", source);
	to = openat(bundle, "init", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
	if (to < 0)
		return error_set(err, errno, "make init in the bundle");
	while ((n = sendfile(to, from, NULL, CHUNK)) > 0)
		;
	/* Whatever the umask of the caller: everybody in the container runs it. */
	if (n < 0 || fchmod(to, 0555) < 0)
		return error_set(err, errno, "copy %s to the bundle", source);
	return 0;
}

int write_init(const struct writing *w, struct error *err)
{
	struct spec_mount *mount = w->record->init ? find_mount(w->spec) : NULL;

	if (!mount)
		return 0;
	if (copy(mount->source, w->bundle, err) < 0)
		return -1;
	cleanup_free char *path = store_path(w->store, "bundles", w->record->id, "init", err);
	mount->source = path ? arena_strdup(w->arena, path, err) : NULL;
	return mount->source ? 0 : -1;
}
