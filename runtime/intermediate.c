/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/intermediate.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "runtime/channel.h"

/* The parent writes id maps and time offsets. */
static int ask_for_maps(void *data, struct error *err)
{
	const struct intermediate *plan = data;

	if (channel_send(plan->channel, CHANNEL_MAP_IDS, 0, -1, err) < 0)
		return -1;
	return channel_expect(plan->channel, CHANNEL_IDS_MAPPED, "the runtime", NULL, NULL, err);
}

static int join_target(const struct intermediate *plan, struct error *err)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
	if (plan->target_flags && setns(plan->target_pidfd, (int)plan->target_flags) < 0)
		return error_set(err, errno, "join the container's namespaces");
	if (plan->target_flags & CLONE_NEWUSER)
		return namespace_become_root(err);
	return 0;
}

static int clone_last(const struct intermediate *plan, struct error *err)
{
	cleanup_fd int pidfd = -1;
	pid_t pid = process_clone(CLONE_PARENT, -1, &pidfd);

	if (pid < 0)
		return error_set(err, errno, "clone the container's process");
	if (pid == 0) {
		(void)close(plan->channel);
		plan->last(plan->data, plan->last_channel);
	}
	if (channel_send(plan->channel, CHANNEL_INIT_BORN, pid, pidfd, err) < 0) {
		/* Nobody else knows of it; its end of file on the channel would end it too. */
		(void)process_pidfd_signal(pidfd, SIGKILL);
		return -1;
	}
	return 0;
}

_Noreturn void intermediate_main(const struct intermediate *plan)
{
	int log_channel = plan->channel;
	struct error err;

	(void)prctl(PR_SET_NAME, "rustbox:mid");
	log_redirect(channel_log_sink, &log_channel);
	if ((plan->namespaces ? namespace_plan_enter(plan->namespaces, ask_for_maps,
						     (void *)(uintptr_t)plan, &err)
			      : join_target(plan, &err)) == 0 &&
	    clone_last(plan, &err) == 0)
		_exit(0);
	channel_send_error(plan->channel, &err);
	_exit(1);
}
