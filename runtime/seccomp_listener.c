/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp_listener.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/channel.h"
#include "runtime/seccomp_plugin.h"
#include "runtime/terminal.h"

#define RECEIVER "RUN_OCI_SECCOMP_RECEIVER"

/* ---- who ---------------------------------------------------------------------------------- */

static bool asks(const struct spec_seccomp *config)
{
	for (size_t i = 0; config && i < config->n_syscalls; i++)
		if (str_equal(config->syscalls[i].action, "SCMP_ACT_NOTIFY"))
			return true;
	return false;
}

int seccomp_listener_choose(struct spec *spec, struct arena *arena, struct error *err)
{
	const char *path = getenv(RECEIVER);
	struct spec_seccomp *config = spec->linux->seccomp;

	if (!path || !asks(config) || config->listener_path)
		return 0;
	if (config->plugins)
		return error_set(err, 0,
				 RECEIVER " is in the environment, and run.oci.seccomp.plugins in "
					  "the configuration: only one can answer");
	if (*path != '/')
		return error_set(err, 0, RECEIVER ": \"%.200s\" is not an absolute path", path);
	config->listener_path = arena_strdup(arena, path, err);
	return config->listener_path ? 0 : -1;
}

void seccomp_listener_recall(struct spec *spec, const struct state *state)
{
	struct spec_seccomp *config = spec->linux->seccomp;

	if (config && !config->listener_path && !config->plugins)
		config->listener_path = state->seccomp_receiver;
}

/* ---- handing it over ---------------------------------------------------------------------- */

static char *state_text(const struct seccomp_listener *process, struct error *err)
{
	static char name[] = "seccompFd", status[] = "running";
	static char *names[] = { name, NULL };
	const struct state *state = process->state;
	struct state_public public = {
		.oci_version = state->oci_version,
		.id = state->id,
		.pid = state->pid,
		.status = status,
		.bundle = state->bundle,
		.annotations = state->annotations,
		.n_annotations = state->n_annotations,
	};
	struct state_process text = {
		.oci_version = state->oci_version,
		.fds = names,
		.n_fds = 1,
		.pid = process->pid,
		.metadata = process->config->listener_metadata,
		.state = &public,
	};

	return json_write(&state_process_type, &text, false, err);
}

static int send_to_agent(const struct seccomp_listener *process, int listener, struct error *err)
{
	const char *path = process->config->listener_path;
	cleanup_free char *text = state_text(process, err);

	if (!text)
		return -1;
	cleanup_fd int agent = terminal_connect(path, err);
	if (agent < 0)
		return error_wrap(err, "linux.seccomp.listenerPath: failed to connect with "
				       "seccomp agent");
	if (fd_send_packet(agent, text, strlen(text), &listener, 1) < 0)
		return error_set(err, errno, "send the seccomp listener to %s", path);
	return 0;
}

int seccomp_listener_serve(const struct seccomp_listener *process, int remote, int take_attached,
			   struct error *err)
{
	const char *plugins = process->config->plugins;
	cleanup_fd int listener = take_attached;

	if (listener < 0)
		listener = process_pidfd_getfd(process->pidfd, remote);
	if (listener < 0)
		return error_set(err, errno, "fetch the seccomp listener (pidfd_getfd)");
	if ((plugins ? seccomp_plugin_serve(plugins, process->root, process->state, listener, err)
		     : send_to_agent(process, listener, err)) < 0)
		return -1;
	return channel_send(process->channel, CHANNEL_LISTENER_SENT, 0, -1, err);
}
