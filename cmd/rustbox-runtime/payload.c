/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/payload.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

unsigned int payload_listen_fds(const char *listen_pid, const char *listen_fds, long own_pid)
{
	uint64_t pid, count;

	if (!listen_pid || !str_to_uint(listen_pid, 10, INT32_MAX, &pid) ||
	    pid != (uint64_t)own_pid)
		return 0;
	if (!listen_fds || !str_to_uint(listen_fds, 10, PRESERVE_FDS_MAX, &count))
		return 0;
	return (unsigned int)count;
}

int payload_io(const struct payload_options *options, const struct invocation *call,
	       struct container_io *ret, struct error *err)
{
	struct container_io io = {
		.console_socket = options->console_socket,
		.pid_file = options->pid_file,
		.pidfd_socket = options->pidfd_socket,
		.detach = options->detach,
		.listen_fds = payload_listen_fds(getenv("LISTEN_PID"), getenv("LISTEN_FDS"),
						 (long)getpid()),
	};

	io.preserve_fds = io.listen_fds + (unsigned int)options->preserve_fds.value;
	/* Later on one of our own descriptors could have that number. */
	if (io.preserve_fds > call->inherited_fds)
		return error_set(err, 0,
				 "--preserve-fds: descriptor %u is not open (%u asked for, "
				 "%u more by LISTEN_FDS)",
				 call->inherited_fds + 3, (unsigned int)options->preserve_fds.value,
				 io.listen_fds);
	if (fd_cloexec_from(3 + io.preserve_fds, err) < 0)
		return -1;
	*ret = io;
	return 0;
}
