/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts and devices of containers that exist: at once where they run, and for their coming runs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/bundle/live.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/store/event.h"
#include "shim/engine.h"

#define TASK_NAMESPACE "rustbox"
enum { VERB_MS = 30000 };

struct live {
	struct store *store;
	struct arena arena;
	struct record *record;
	struct spec *spec;
	int lock;
};

static void live_done(struct live *live)
{
	fd_close(&live->lock);
	arena_free(&live->arena);
}
#define cleanup_live __attribute__((cleanup(live_done)))

static int live_open(struct store *store, const char *id, struct live *live, struct error *err)
{
	*live = (struct live){ .store = store, .arena = ARENA_EMPTY, .lock = -1 };
	if (container_hold(store, id, &live->arena, &live->record, &live->lock, err) < 0)
		return -1;
	return bundle_load_spec(store, live->record->id, &live->arena, &live->spec, err);
}

static bool has_process(const struct live *live)
{
	return live->record->state->status == RECORD_RUNNING ||
	       live->record->state->status == RECORD_PAUSED;
}

/* Only the runtime enters namespaces and writes cgroups. Nothing where nothing runs. */
static int run_verb(const struct live *live, const char *const *args, const char *input,
		    struct error *err)
{
	cleanup_free char *root = store_run_path(live->store, live->record->id, NULL, err);
	struct runtime_options options = { .root = root };
	const struct engine_verb verb = {
		.options = &options,
		.args = args,
		.directory = -1,
		.input = input,
		.input_size = input ? strlen(input) : 0,
	};

	if (!root)
		return -1;
	return has_process(live) ? engine_run_and_wait(TASK_NAMESPACE, &verb, VERB_MS, NULL, err)
				 : 0;
}

static int finish(const struct live *live, struct error *err)
{
	if (bundle_save_spec(live->store, live->record->id, live->spec, err) < 0)
		return -1;
	event_of_container(live->store, live->record, "update", NULL, NULL);
	return 0;
}

/* ---- mounts ---- */

static int mount_now(const struct live *live, const char *source, const char *target,
		     char *const *options, size_t n_options, struct error *err)
{
	size_t n = 0;
	const char **args = calloc(n_options * 2 + 6, sizeof(*args));
	int result;

	if (!args)
		return error_memory(err);
	args[n++] = "mounts";
	for (size_t i = 0; i < n_options; i++) {
		args[n++] = "--option";
		args[n++] = options[i];
	}
	args[n++] = "add";
	args[n++] = live->record->id;
	args[n++] = source;
	args[n++] = target;
	result = run_verb(live, args, NULL, err);
	free(args);
	return result;
}

static int unmount_now(const struct live *live, const char *target, struct error *err)
{
	const char *const args[] = { "mounts", "remove", live->record->id, target, NULL };

	return run_verb(live, args, NULL, err);
}

int containers_add_mount_live(struct store *store, const char *id, const char *text,
			      struct error *err)
{
	cleanup_live struct live live;
	struct spec_mount *mount;

	if (live_open(store, id, &live, err) < 0)
		return -1;
	if (live_add_mount(live.spec, live.record, text, &live.arena, &mount, err) < 0 ||
	    mount_now(&live, mount->source, mount->destination, mount->options, mount->n_options,
		      err) < 0)
		return -1;
	return finish(&live, err);
}

int containers_remove_mount_live(struct store *store, const char *id, const char *target,
				 struct error *err)
{
	cleanup_live struct live live;

	if (live_open(store, id, &live, err) < 0)
		return -1;
	if (live_remove_mount(live.spec, target, err) < 0 || unmount_now(&live, target, err) < 0)
		return -1;
	return finish(&live, err);
}

/* ---- devices ---- */

/* All rules together: the runtime's update replaces them. */
static int update_rules(const struct live *live, struct error *err)
{
	const char *const args[] = { "update", "--resources", ENGINE_PATH_INPUT, live->record->id,
				     NULL };
	const struct spec_resources *resources = live->spec->linux->resources;
	const struct spec_resources rules = {
		.devices = resources ? resources->devices : NULL,
		.n_devices = resources ? resources->n_devices : 0,
	};
	cleanup_free char *text = json_write(&spec_resources_type, &rules, false, err);

	return text ? run_verb(live, args, text, err) : -1;
}

int containers_add_device_live(struct store *store, const char *id, const char *text,
			       struct error *err)
{
	static char bind[] = "bind", nosuid[] = "nosuid", noexec[] = "noexec";
	char *const options[] = { bind, nosuid, noexec };
	cleanup_live struct live live;
	struct spec_device *device;
	struct error later;
	char *source;

	if (live_open(store, id, &live, err) < 0)
		return -1;
	if (live_add_device(live.spec, text, &live.arena, &device, &source, err) < 0 ||
	    update_rules(&live, err) < 0)
		return -1;
	/* The host's own, since in a user namespace no device could be made. */
	if (mount_now(&live, source, device->path, options, sizeof(options) / sizeof(*options),
		      err) == 0)
		return finish(&live, err);
	/* The right to use it goes with it: root in the container can make nodes itself. */
	live.spec->linux->resources->n_devices--;
	if (update_rules(&live, &later) < 0)
		log_warning("take %s back: %s", device->path, later.text);
	return -1;
}

int containers_remove_device_live(struct store *store, const char *id, const char *path,
				  struct error *err)
{
	cleanup_live struct live live;
	struct error ignored;

	if (live_open(store, id, &live, err) < 0)
		return -1;
	if (live_remove_device(live.spec, path, err) < 0 || update_rules(&live, err) < 0)
		return -1;
	/* One that was made at the start is no mount: nobody may open it any more. */
	(void)unmount_now(&live, path, &ignored);
	return finish(&live, err);
}
