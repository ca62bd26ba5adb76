/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/init.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "runtime/channel.h"
#include "runtime/device.h"
#include "runtime/hook.h"
#include "runtime/keyring.h"
#include "runtime/network.h"
#include "runtime/process_setup.h"
#include "runtime/scheduler.h"
#include "runtime/sysctl.h"
#include "runtime/terminal.h"

enum { ACCEPT_AGAIN_MS = 100 };

static const char parent_name[] = "the runtime";

/* The parent knows us by now: it has our pidfd, and we are in our cgroups. */
static int enter_session(const struct init *init, int channel, int32_t *ret_pid, struct error *err)
{
	if (channel_expect(channel, CHANNEL_PROCEED, parent_name, ret_pid, NULL, err) < 0)
		return -1;
	if (init->makes_cgroup_namespace && unshare(CLONE_NEWCGROUP) < 0)
		return error_set(err, errno, "make a cgroup namespace");
	if (setsid() < 0 && errno != EPERM) /* EPERM: leader of its group already */
		return error_set(err, errno, "setsid");
	if (init->spec->extensions.core_scheduling && scheduler_isolate_cores(err) < 0)
		return -1;
	return init->no_new_keyring ? 0 : keyring_join(init->state->id, err);
}

static int build_rootfs(const struct init *init, struct error *err)
{
	if (mount_root_attach(init->mounts, err) < 0 || mount_plan_apply(init->mounts, err) < 0)
		return -1;
	log_phase("init-mounts");
	if (device_setup(init->mounts->root_tree, init->spec, init->device_nodes, err) < 0)
		return -1;
	log_phase("init-devices");
	return 0;
}

static int set_names(const struct init *init, struct error *err)
{
	const char *host = init->spec->hostname, *domain = init->spec->domainname;

	if (host && sethostname(host, strlen(host)) < 0)
		return error_set(err, errno, "set the hostname \"%s\"", host);
	if (domain && setdomainname(domain, strlen(domain)) < 0)
		return error_set(err, errno, "set the domainname \"%s\"", domain);
	return 0;
}

static int set_up_kernel(const struct init *init, struct error *err)
{
	if (init->new_network && network_loopback_up(err) < 0)
		return -1;
	if (set_names(init, err) < 0)
		return -1;
	return sysctl_apply(init->spec, init->procfs, err);
}

/*
 * prestart and createRuntime by the parent, createContainer by us, all before
 * pivot_root, so that paths of the host still lead where they did. The last
 * ones begin in the container's root.
 */
static int run_create_hooks(const struct init *init, int channel, struct error *err)
{
	const struct spec_hooks *hooks = init->spec->hooks;

	if (!hooks)
		return 0;
	if (channel_send(channel, CHANNEL_RUN_HOOKS, 0, -1, err) < 0 ||
	    channel_expect(channel, CHANNEL_HOOKS_DONE, parent_name, NULL, NULL, err) < 0)
		return -1;
	if (hooks->n_create_container && fchdir(init->mounts->root_tree) < 0)
		return error_set(err, errno, "change to the root file system");
	return hook_run("createContainer", hooks->create_container, hooks->n_create_container,
			&init->hook_output, init->state, "creating", getpid(), err);
}

/* Pipes belong to the payload's user, who may want to open /dev/stdout again. */
static void give_streams(const struct spec_process *process)
{
	struct stat st;

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
		    st.st_uid != process->user->uid &&
		    fchown(fd, process->user->uid, (gid_t)-1) < 0)
			log_debug("chown of descriptor %d: %s", fd, strerrordesc_np(errno));
}

static int enter_rootfs(struct init *init, struct error *err)
{
	const struct spec_process *process = init->spec->process;

	log_phase("init-kernel-and-hooks");
	if (mount_pivot_root(init->mounts, init->no_pivot, err) < 0)
		return -1;
	if (process && process->terminal &&
	    terminal_setup(init->console_socket, process->console_size, process->user->uid, true,
			   err) < 0)
		return -1;
	fd_close(&init->console_socket);
	if (process && process_setup_make_cwd(process->cwd, err) < 0)
		return -1;
	if (mount_make_read_only(init->mounts, err) < 0 ||
	    mount_protect(init->spec, init->mounts->null, err) < 0)
		return -1;
	mount_plan_done(init->mounts);
	if (process && !process->terminal)
		give_streams(process);
	log_phase("init-root");
	return 0;
}

/*
 * PID 1 of a namespace is deaf to signals that it has no handler for; whoever
 * stops a container before its start expects it to end.
 */
static void end_by_signal(int signal_number)
{
	_exit(128 + signal_number);
}

static void listen_to_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = end_by_signal };
	sigset_t none;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &action, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Waits for `start`. A connection that ends without START (a look at the
 * state, a `start` that was killed) changes nothing. Returns the connection.
 */
static int wait_for_start(int listener, struct error *err)
{
	for (;;) {
		cleanup_fd int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (connection < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			(void)error_set(err, errno, "accept on the start socket");
			if (!error_is_shortage(err))
				return -1;
			/* The machine's, for a moment: no reason to end what was created. */
			(void)poll(NULL, 0, ACCEPT_AGAIN_MS);
			continue;
		}
		if (channel_expect(connection, CHANNEL_START, "start", NULL, NULL, err) == 0)
			return move_fd(&connection);
	}
}

/*
 * What waits in the container holds nothing but what it needs: neither our
 * descriptors of the host, nor those that our caller had open and that
 * somebody may wait for the end of.
 */
static int close_others(const struct init *init, const struct process_setup *setup, int channel,
			struct error *err)
{
	const struct spec_hooks *hooks = init->spec->hooks;
	bool more_hooks = hooks && hooks->n_start_container;
	const int keep[] = { init->start_listener, channel, setup->ruleset,
			     more_hooks ? init->hook_output.out : -1,
			     more_hooks ? init->hook_output.err : -1 };

	return fd_close_others(STDERR_FILENO + 1 + init->keep_fds, keep,
			       sizeof(keep) / sizeof(*keep), err);
}

static void drop_log(void *data, enum log_level level, const char *text)
{
}

/*
 * These run in the container, programs of its image: under its seccomp filter,
 * and with the payload's environment where they have none of their own.
 */
static int run_start_hooks(const struct init *init, struct process_setup *setup,
			   struct channel_listener_peer *peer, struct error *err)
{
	const struct spec_hooks *hooks = init->spec->hooks;
	size_t count = hooks ? hooks->n_start_container : 0;
	struct spec_hook *list;

	if (!count)
		return 0;
	list = arena_array(init->arena, count, sizeof(*list), err);
	if (!list)
		return -1;
	for (size_t i = 0; i < count; i++) {
		list[i] = hooks->start_container[i];
		if (!list[i].env)
			list[i].env = setup->env;
	}
	if (process_setup_filter(setup, channel_hand_over_listener, peer, err) < 0)
		return -1;
	return hook_run("startContainer", list, count, &init->hook_output, init->state, "created",
			getpid(), err);
}

/* From START to execve; what goes wrong is told to `start`. */
static _Noreturn void run_payload(const struct init *init, struct process_setup *setup,
				  int connection)
{
	struct channel_listener_peer peer = { connection, init->attach_listener };
	struct error err;

	log_redirect(channel_log_sink, &connection);
	if (run_start_hooks(init, setup, &peer, &err) == 0)
		(void)process_setup_exec(setup, channel_hand_over_listener, &peer, &err);
	channel_send_error(connection, &err);
	_exit(1);
}

void init_main(void *data, int channel)
{
	struct init *init = data;
	struct error err;
	struct process_setup setup = {
		.process = init->spec->process,
		.seccomp = init->seccomp,
		.personality = init->spec->linux->personality,
		.memory_policy = init->spec->linux->memory_policy,
		.procfs = init->procfs,
		.keep_fds = init->keep_fds,
		.is_init = true,
		.blocks_signals = str_equal(
			spec_find_annotation(init->spec, INIT_ANNOTATION_SIGNALS), "blocked"),
		.in_user_namespace = init->new_user_namespace,
		.landlock = init->spec->extensions.landlock,
		.ruleset = -1,
		.keep_groups = init->spec->extensions.keep_original_groups,
	};
	int connection = -1;

	(void)prctl(PR_SET_NAME, "rustbox:init");
	log_redirect(channel_log_sink, &channel);
	log_phase_begin();
	if (enter_session(init, channel, &setup.host_pid, &err) < 0 ||
	    build_rootfs(init, &err) < 0 || set_up_kernel(init, &err) < 0 ||
	    run_create_hooks(init, channel, &err) < 0 || enter_rootfs(init, &err) < 0 ||
	    (setup.process && process_setup_prepare(&setup, init->arena, &err) < 0) ||
	    close_others(init, &setup, channel, &err) < 0 ||
	    channel_send(channel, CHANNEL_READY, 0, -1, &err) < 0 ||
	    channel_expect(channel, CHANNEL_SAVED, parent_name, NULL, NULL, &err) < 0) {
		channel_send_error(channel, &err);
		_exit(1);
	}
	log_redirect(drop_log, NULL); /* the log file is closed */
	fd_close(&channel);
	listen_to_signals();
	connection = wait_for_start(init->start_listener, &err);
	if (connection < 0)
		_exit(1);
	run_payload(init, &setup, connection);
}
