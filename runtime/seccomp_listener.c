/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp_listener.h"

#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "runtime/channel.h"
#include "runtime/terminal.h"

static char *state_text(const struct spec_seccomp *config, const struct state *state,
			const char *status, pid_t pid, struct error *err)
{
	static char name[] = "seccompFd";
	static char *names[] = { name, NULL };
	struct state_public public = {
		.oci_version = state->oci_version,
		.id = state->id,
		.pid = state->pid,
		.status = (char *)(uintptr_t)status,
		.bundle = state->bundle,
		.annotations = state->annotations,
		.n_annotations = state->n_annotations,
	};
	struct state_process process = {
		.oci_version = state->oci_version,
		.fds = names,
		.n_fds = 1,
		.pid = pid,
		.metadata = config->listener_metadata,
		.state = &public,
	};

	return json_write(&state_process_type, &process, false, err);
}

int seccomp_listener_serve(int channel, int pidfd, pid_t pid, int remote, int take_attached,
			   const struct spec_seccomp *config, const struct state *state,
			   const char *status, struct error *err)
{
	cleanup_fd int listener = take_attached;
	cleanup_free char *text = state_text(config, state, status, pid, err);

	if (!text)
		return -1;
	if (listener < 0)
		listener = process_pidfd_getfd(pidfd, remote);
	if (listener < 0)
		return error_set(err, errno, "fetch the seccomp listener (pidfd_getfd)");
	cleanup_fd int agent = terminal_connect(config->listener_path, err);
	if (agent < 0)
		return error_wrap(err, "linux.seccomp.listenerPath: failed to connect with "
				       "seccomp agent");
	if (fd_send_packet(agent, text, strlen(text), &listener, 1) < 0)
		return error_set(err, errno, "send the seccomp listener to %s",
				 config->listener_path);
	return channel_send(channel, CHANNEL_LISTENER_SENT, 0, -1, err);
}
