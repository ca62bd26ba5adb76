/* SPDX-License-Identifier: Apache-2.0 */
/* New limits, restart policy, environment, ports: for the present run and the coming ones. */
#include <string.h>

#include "base/fd.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/bundle/port_spec.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/network/network.h"
#include "cmd/rustbox/store/event.h"
#include "proto/any.pb-c.h"
#include "proto/task.pb-c.h"

/* As containerd names it; the text is JSON. */
static char resources_type[] = "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources";

static bool has_limits(const struct create_options *o)
{
	return o->memory || o->memory_swap || o->memory_reservation || o->cpus || o->cpuset_cpus ||
	       o->cpuset_mems || o->cpu_shares.set || o->cpu_quota.set || o->cpu_period.set ||
	       o->pids_limit.set || o->blkio_weight.set;
}

static bool has_process(const struct record *record)
{
	return record->state->status == RECORD_RUNNING || record->state->status == RECORD_PAUSED;
}

static int apply(const struct store *store, const struct record *record,
		 const struct spec_resources *changes, struct error *err)
{
	Containerd__Task__V2__UpdateTaskRequest request =
		CONTAINERD__TASK__V2__UPDATE_TASK_REQUEST__INIT;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	cleanup_free char *text = json_write(&spec_resources_type, changes, false, err);

	if (!text)
		return -1;
	any.type_url = resources_type;
	any.value.data = (uint8_t *)text;
	any.value.len = strlen(text);
	request.id = record->id;
	request.resources = &any;
	return container_call_task(store, record, "Update", &request.base, err);
}

/* First the kernel, which may refuse; then what the next run begins with. */
static int update_limits(struct store *store, const struct record *record,
			 const struct create_options *options, struct arena *arena,
			 struct error *err)
{
	struct spec_resources changes;
	struct spec *spec;

	if (bundle_load_spec(store, record->id, arena, &spec, err) < 0)
		return -1;
	if (!spec->linux->resources)
		spec->linux->resources = arena_alloc(arena, sizeof(*spec->linux->resources), err);
	if (!spec->linux->resources ||
	    bundle_plan_update(options, spec->linux->resources, arena, &changes, err) < 0)
		return -1;
	if (has_process(record) && apply(store, record, &changes, err) < 0)
		return -1;
	return bundle_save_spec(store, record->id, spec, err);
}

/* The record has it already, for one that has no supervisor. */
static int save(struct store *store, const struct record *record,
		const struct stream_change *change, struct error *err)
{
	if (!record_is_live(record))
		return store_save(store, record, true, err);
	cleanup_free char *text = json_write(&stream_change_type, change, false, err);
	if (!text)
		return -1;
	return container_ask(store, record, STREAM_CHANGE, text, strlen(text), err);
}

static int update_restart(struct store *store, const struct record *record, const char *restart,
			  struct error *err)
{
	const struct stream_change change = { .restart = (char *)(uintptr_t)restart };

	return save(store, record, &change, err);
}

/* What is executed gets it from the configuration, what looks at the container from the record. */
static int update_env(struct store *store, struct record *record,
		      const struct update_options *options, struct arena *arena, struct error *err)
{
	struct spec *spec;

	if (bundle_load_spec(store, record->id, arena, &spec, err) < 0)
		return -1;
	if (bundle_change_env(options, record->settings, spec->process, arena, err) < 0 ||
	    bundle_save_spec(store, record->id, spec, err) < 0)
		return -1;
	const struct stream_change change = {
		.sets_env = true,
		.env = record->settings->env,
		.n_env = record->settings->n_env,
	};
	return save(store, record, &change, err);
}

static int update_ports(struct store *store, struct record *record,
			const struct update_options *options, struct arena *arena,
			struct error *err)
{
	struct stream_change change = { .sets_ports = true };

	if (bundle_change_ports(options, record->network, arena, err) < 0 ||
	    network_check(store, record, err) < 0 ||
	    port_spec_write_all(record->network, arena, &change.ports, &change.n_ports, err) < 0)
		return -1;
	return save(store, record, &change, err);
}

static int update_held(struct store *store, struct record *record,
		       const struct update_options *options, struct arena *arena, struct error *err)
{
	const struct create_options *create = &options->create;

	/* Before anything is changed. */
	if (create->restart &&
	    record_set_restart(record->policy, create->restart, record->auto_remove, err) < 0)
		return -1;
	if (has_limits(create) && update_limits(store, record, create, arena, err) < 0)
		return -1;
	if ((create->env.count || options->env_rm.count) &&
	    update_env(store, record, options, arena, err) < 0)
		return -1;
	if ((create->publish.count || options->publish_rm.count) &&
	    update_ports(store, record, options, arena, err) < 0)
		return -1;
	return create->restart ? update_restart(store, record, create->restart, err) : 0;
}

/* Each holds the container itself. */
static int add_mounts(struct store *store, const char *id, const struct option_strings *volumes,
		      struct error *err)
{
	for (size_t i = 0; i < volumes->count; i++)
		if (containers_add_mount_live(store, id, volumes->items[i], err) < 0)
			return error_wrap(err, "--volume %s", volumes->items[i]);
	return 0;
}

int containers_update(struct store *store, const char *id, const struct update_options *options,
		      struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int lock = -1;
	struct record *record;

	if (add_mounts(store, id, &options->create.volume, err) < 0 ||
	    container_hold(store, id, &arena, &record, &lock, err) < 0)
		return -1;
	if (update_held(store, record, options, &arena, err) < 0)
		return error_wrap(err, "update container %s", record->name);
	event_of_container(store, record, "update", NULL, NULL);
	return 0;
}
