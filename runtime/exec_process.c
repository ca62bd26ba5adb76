/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/exec_process.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "runtime/channel.h"
#include "runtime/keyring.h"
#include "runtime/process_setup.h"
#include "runtime/terminal.h"
#include "runtime/user.h"

/* A container without pivot_root lives in a chroot of its mount namespace. */
static int enter_root(int root, struct error *err)
{
	if (root < 0)
		return 0;
	if (fchdir(root) < 0 || chroot(".") < 0)
		return error_set(err, errno, "enter the container's root");
	return 0;
}

/* --user by the container's own passwd and group, now that they are below "/". */
static int resolve_user(struct exec_process *exec, struct error *err)
{
	struct user_identity identity;
	struct spec_user *user = exec->process->user;

	if (!exec->user_text)
		return 0;
	/* A number alone is a uid and nothing else, whatever the image's files say of it. */
	if (user_id_from_text(exec->user_text, &user->uid))
		return 0;
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_set(err, errno, "open /");
	if (user_resolve(root, exec->user_text, exec->arena, &identity, err) < 0)
		return -1;
	user->uid = identity.uid;
	if (identity.has_gid)
		user->gid = identity.gid;
	if (user->n_additional_gids == 0) { /* none asked for: those that the user has */
		user->additional_gids = identity.gids;
		user->n_additional_gids = identity.n_gids;
	}
	return 0;
}

static int prepare(struct exec_process *exec, struct process_setup *setup, int channel,
		   struct error *err)
{
	int32_t host_pid;

	if (channel_expect(channel, CHANNEL_PROCEED, "the runtime", &host_pid, NULL, err) < 0)
		return -1;
	setup->host_pid = host_pid;
	if (setsid() < 0 && errno != EPERM)
		return error_set(err, errno, "setsid");
	if (!exec->no_new_keyring && keyring_join(exec->id, err) < 0)
		return -1;
	if (enter_root(exec->root, err) < 0 || resolve_user(exec, err) < 0)
		return -1;
	if (exec->process->terminal &&
	    terminal_setup(exec->console_socket, exec->process->console_size,
			   exec->process->user->uid, false, err) < 0)
		return -1;
	fd_close(&exec->console_socket);
	return process_setup_prepare(setup, exec->arena, err);
}

void exec_process_main(void *data, int channel)
{
	struct exec_process *exec = data;
	struct process_setup setup = {
		.process = exec->process,
		.seccomp = exec->seccomp,
		.personality = exec->personality,
		.memory_policy = exec->memory_policy,
		.procfs = exec->procfs,
		.keep_fds = exec->keep_fds,
		.in_user_namespace = exec->in_user_namespace,
		.landlock = exec->extensions->landlock,
		.ruleset = -1,
		.keep_groups = exec->extensions->keep_original_groups,
	};
	struct channel_listener_peer peer = { channel, exec->attach_listener };
	struct error err;

	(void)prctl(PR_SET_NAME, "rustbox:exec");
	log_redirect(channel_log_sink, &channel);
	if (prepare(exec, &setup, channel, &err) == 0 &&
	    channel_send(channel, CHANNEL_READY, 0, -1, &err) == 0 &&
	    channel_expect(channel, CHANNEL_SAVED, "the runtime", NULL, NULL, &err) == 0)
		(void)process_setup_exec(&setup, channel_hand_over_listener, &peer, &err);
	channel_send_error(channel, &err);
	_exit(1);
}
