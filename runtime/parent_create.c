/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/parent_create.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "runtime/birth.h"
#include "runtime/cgroup_delegate.h"
#include "runtime/channel.h"
#include "runtime/hook.h"
#include "runtime/net_device.h"
#include "runtime/oom_score.h"
#include "runtime/scheduler.h"
#include "runtime/user_mapping.h"

static const char init_name[] = "the container's init";

static int write_maps(void *data, pid_t pid, struct error *err)
{
	const struct parent_create *create = data;
	const struct spec *spec = create->init.spec;

	if ((create->namespaces.create & namespace_flag(NAMESPACE_USER)) &&
	    user_mapping_write(create->init.procfs, pid, spec, err) < 0)
		return -1;
	return create->namespaces.writes_time_offsets
		       ? user_mapping_write_time_offsets(create->init.procfs, pid, spec, err)
		       : 0;
}

static int bear_init(struct parent_create *create, struct error *err)
{
	struct birth birth = {
		.cgroup = create->cgroup,
		.folder = create->folder,
		.plan = { .namespaces = &create->namespaces,
			  .last = init_main,
			  .data = &create->init },
		.maps_data = create,
	};

	if ((create->namespaces.create & namespace_flag(NAMESPACE_USER)) ||
	    create->namespaces.writes_time_offsets)
		birth.write_maps = write_maps;
	if (birth_run(&birth, err) < 0)
		return -1;
	create->pid = birth.pid;
	create->pidfd = birth.pidfd;
	create->channel = birth.channel;
	return 0;
}

static int run_runtime_hooks(struct parent_create *create, struct error *err)
{
	const struct spec_hooks *hooks = create->init.spec->hooks;

	if (!hooks)
		return 0;
	if (channel_expect(create->channel, CHANNEL_RUN_HOOKS, init_name, NULL, NULL, err) < 0)
		return -1;
	create->hooks_have_run = true;
	if (hook_run("prestart", hooks->prestart, hooks->n_prestart, &create->init.hook_output,
		     create->state, "creating", create->pid, err) < 0 ||
	    hook_run("createRuntime", hooks->create_runtime, hooks->n_create_runtime,
		     &create->init.hook_output, create->state, "creating", create->pid, err) < 0)
		return -1;
	return channel_send(create->channel, CHANNEL_HOOKS_DONE, 0, -1, err);
}

static int identify_init(struct parent_create *create, struct error *err)
{
	create->state->pid = create->pid;
	create->state->pidfd_inode = process_pidfd_inode(create->pidfd);
	if (!process_start_time(create->init.procfs, create->pid, &create->state->start_time, NULL))
		return error_set(err, ESRCH, "read the start time of init (/proc/%d/stat)",
				 create->pid);
	return 0;
}

static int delegate(const struct parent_create *create, struct error *err)
{
	return cgroup_delegate(create->init.spec, create->cgroup, create->init.procfs, create->pid,
			       err);
}

int parent_create_run(struct parent_create *create, struct error *err)
{
	const struct spec_process *process = create->init.spec->process;

	if (bear_init(create, err) < 0)
		return -1;
	log_debug("init is process %d", create->pid);
	log_phase("namespaces");
	if (create->make_cgroup && create->make_cgroup(create->cgroup_data, create->pid, err) < 0)
		return -1;
	/* Now that only init is left in it: the intermediate must not use up tight limits. */
	if (cgroup_set_limits(create->cgroup, create->init.spec->linux->resources, false, err) < 0)
		return -1;
	if (!create->make_cgroup && delegate(create, err) < 0)
		return -1;
	if (create->init.spec->linux->intel_rdt &&
	    resctrl_add(&create->resctrl, create->init.spec->linux->intel_rdt, create->state->id,
			create->pid, err) < 0)
		return -1;
	if (net_device_move(create->init.spec, create->init.procfs, create->pid, err) < 0)
		return -1;
	scheduler_reset_affinity(create->pid);
	if (process && oom_score_set(create->init.procfs, create->pid, process, err) < 0)
		return -1;
	log_phase("limits");
	if (channel_send(create->channel, CHANNEL_PROCEED, create->pid, -1, err) < 0 ||
	    run_runtime_hooks(create, err) < 0 ||
	    channel_expect(create->channel, CHANNEL_READY, init_name, NULL, NULL, err) < 0)
		return -1;
	log_debug("init is ready");
	log_phase("init");
	/* Not before it has made its cgroup namespace, which has to begin above the delegated one.
	 */
	if (create->make_cgroup && delegate(create, err) < 0)
		return -1;
	return identify_init(create, err);
}

int parent_create_release(struct parent_create *create, struct error *err)
{
	int rc = channel_send(create->channel, CHANNEL_SAVED, 0, -1, err);

	fd_close(&create->channel);
	return rc;
}
