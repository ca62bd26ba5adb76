/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/report.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/mem.h"
#include "runtime/terminal.h"

int report_check_console(const struct container_io *io, bool terminal, struct error *err)
{
	if (terminal && io->detach && !io->console_socket) {
		error_set(err, 0, "a terminal for a detached process has nowhere to go");
		return error_hint(err, "give --console-socket, or set process.terminal to false");
	}
	if (io->console_socket && (!terminal || !io->detach)) {
		error_set(err, 0, "--console-socket %s is of no use here", io->console_socket);
		return error_hint(err, "it takes the terminal of a detached process with "
				       "process.terminal");
	}
	return 0;
}

int report_open_console(const struct container_io *io, int *ret_theirs, int *ret_ours,
			struct error *err)
{
	int ends[2];

	*ret_ours = -1;
	if (io->console_socket) {
		*ret_theirs = terminal_connect(io->console_socket, err);
		return *ret_theirs < 0 ? error_wrap(err, "--console-socket") : 0;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "socketpair");
	*ret_ours = ends[0];
	*ret_theirs = ends[1];
	return 0;
}

static int write_pid_file(const char *path, pid_t pid, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", pid);
	cleanup_free char *folder = strndup(path, (size_t)(slash - path) + 1);

	if (!folder)
		return error_memory(err);
	cleanup_fd int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return error_set(err, errno, "open %s", folder);
	if (fd_check_replaceable(dir, slash + 1, err) < 0)
		return -1;
	return fd_replace_file(dir, slash + 1, text, (size_t)n, 0644, err);
}

static int send_pidfd(const char *path, const char *what, int pidfd, struct error *err)
{
	static const char name[] = "pidfd";
	cleanup_fd int socket_fd = terminal_connect(path, err);

	if (socket_fd < 0)
		return error_wrap(err, "%s", what);
	if (fd_send_packet(socket_fd, name, sizeof(name) - 1, &pidfd, 1) < 0)
		return error_set(err, errno, "%s %s", what, path);
	return 0;
}

int report_receiver(const struct spec *spec, int pidfd, struct error *err)
{
	const char *path = spec->extensions.pidfd_receiver;

	return path ? send_pidfd(path, "annotation run.oci.pidfd_receiver", pidfd, err) : 0;
}

int report_process(const struct container_io *io, pid_t pid, int pidfd, struct error *err)
{
	if (io->pid_file && write_pid_file(io->pid_file, pid, err) < 0)
		return error_wrap(err, "--pid-file %s", io->pid_file);
	return io->pidfd_socket ? send_pidfd(io->pidfd_socket, "--pidfd-socket", pidfd, err) : 0;
}
