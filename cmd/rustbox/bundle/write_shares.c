/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces of other containers. config.json names links in the run folder,
 * which are made before each start: the other container may have another
 * process by then, and the bundle's disk no room.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"
#include "cmd/rustbox/bundle/write.h"

/* In a bundle that shares something: to be seen at one look. */
#define SHARES "shares"

/* Files of /proc/<pid>/ns that containers can share. */
static const char *const shared_files[NAMESPACE_TYPES] = {
	[NAMESPACE_PID] = "pid",
	[NAMESPACE_NETWORK] = "net",
	[NAMESPACE_UTS] = "uts",
	[NAMESPACE_IPC] = "ipc",
};

enum { LINK_NAME_SIZE = 32 };

/* Of the link to such a file; "mnt" is where the other one's /dev/shm is. */
static const char *link_name(const char *file, char name[LINK_NAME_SIZE])
{
	(void)snprintf(name, LINK_NAME_SIZE, "shared-%s", file);
	return name;
}

const char *bundle_shared_with(const struct spec *spec, const struct spec_namespace *namespace)
{
	char key[sizeof(BUNDLE_ANNOTATION_JOIN) + 16] = BUNDLE_ANNOTATION_JOIN;

	if (!shared_files[namespace->type])
		return NULL;
	const char *type = spec_namespace_name((enum spec_namespace_type) namespace->type);
	memcpy(key + strlen(key), type, strlen(type) + 1);
	return spec_find_annotation(spec, key);
}

/* ---- when the bundle is written ---- */

static char *link_path(const struct writing *w, const char *file, struct error *err)
{
	char name[LINK_NAME_SIZE];
	cleanup_free char *path =
		store_run_path(w->store, w->record->id, link_name(file, name), err);

	return path ? arena_strdup(w->arena, path, err) : NULL;
}

/* Message queues come with the namespace, what shm_open(3) makes with this mount. */
static int share_memory(const struct writing *w, struct error *err)
{
	char *path = link_path(w, "mnt", err);

	for (size_t i = 0; path && i < w->spec->n_mounts; i++) {
		struct spec_mount *mount = &w->spec->mounts[i];

		if (!str_equal(mount->destination, "/dev/shm") || !str_equal(mount->type, "bind"))
			continue;
		return vector_take_text(&mount->options, &mount->n_options,
					arena_format(w->arena, err, "source-namespace=%s", path),
					w->arena, err);
	}
	return path ? 0 : -1;
}

int write_shares(const struct writing *w, struct error *err)
{
	bool any = false;

	for (size_t i = 0; i < w->spec->linux->n_namespaces; i++) {
		struct spec_namespace *namespace = &w->spec->linux->namespaces[i];

		if (!bundle_shared_with(w->spec, namespace))
			continue;
		any = true;
		namespace->path = link_path(w, shared_files[namespace->type], err);
		if (!namespace->path ||
		    (namespace->type == NAMESPACE_IPC && share_memory(w, err) < 0))
			return -1;
	}
	return any ? fd_replace_file(w->bundle, SHARES, "", 0, 0600, err) : 0;
}

/* ---- before each start ---- */

static int make_link(int folder, const char *file, int pid, struct error *err)
{
	char name[LINK_NAME_SIZE], target[64];

	(void)snprintf(target, sizeof(target), "/proc/%d/ns/%s", pid, file);
	(void)unlinkat(folder, link_name(file, name), 0); /* of the last start */
	return symlinkat(target, folder, name) < 0 ? error_set(err, errno, "make link %s", name)
						   : 0;
}

static int find_shared(struct store *store, const struct spec *spec,
		       const struct spec_namespace *namespace, int folder, struct arena *arena,
		       struct error *err)
{
	const char *type = spec_namespace_name((enum spec_namespace_type) namespace->type);
	const char *id = bundle_shared_with(spec, namespace);
	struct record *other;

	if (!id)
		return 0;
	if (store_find(store, id, arena, &other, err) < 0)
		return error_wrap(err, "the container whose %s namespace it shares", type);
	if (!record_is_live(other) || other->state->pid <= 0)
		return error_set(err, 0,
				 "container %s (%s), whose %s namespace it shares, is not "
				 "running: start it first",
				 other->name, other->id, type);
	if (namespace->type == NAMESPACE_IPC &&
	    make_link(folder, "mnt", other->state->pid, err) < 0)
		return -1;
	return make_link(folder, shared_files[namespace->type], other->state->pid, err);
}

int write_shares_again(struct store *store, const struct record *record, struct arena *arena,
		       struct error *err)
{
	cleanup_free char *mark = store_path(store, "bundles", record->id, SHARES, err);
	cleanup_fd int folder = -1;
	struct spec *spec;

	if (!mark)
		return -1;
	if (access(mark, F_OK) < 0)
		return 0;
	if (bundle_load_spec(store, record->id, arena, &spec, err) < 0)
		return -1;
	folder = openat(store->run_fd, record->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder < 0)
		return error_set(err, errno, "open %s/%s", store->run, record->id);
	for (size_t i = 0; i < spec->linux->n_namespaces; i++)
		if (find_shared(store, spec, &spec->linux->namespaces[i], folder, arena, err) < 0)
			return -1;
	return 0;
}
