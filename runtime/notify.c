/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

static const char container_folder[] = "/run/notify";

const char *notify_host_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	return path && *path ? path : NULL;
}

/* A copy of the array with one more, zeroed element at its end. */
static void *grown_copy(struct arena *arena, const void *items, size_t count, size_t size,
			struct error *err)
{
	void *copy = arena_array(arena, count + 1, size, err);

	if (copy && count)
		memcpy(copy, items, count * size);
	return copy;
}

static int add_mount(struct spec *spec, char *source, struct arena *arena, struct error *err)
{
	static char bind[] = "bind", nosuid[] = "nosuid", noexec[] = "noexec", nodev[] = "nodev",
		    destination[] = "/run/notify";
	static char *options[] = { bind, nosuid, noexec, nodev, NULL };
	struct spec_mount *mounts =
		grown_copy(arena, spec->mounts, spec->n_mounts, sizeof(*mounts), err);

	if (!mounts)
		return -1;
	mounts[spec->n_mounts] = (struct spec_mount){
		.destination = destination,
		.type = bind,
		.source = source,
		.options = options,
		.n_options = 4,
	};
	spec->mounts = mounts;
	spec->n_mounts++;
	return 0;
}

static int add_environment(struct spec_process *process, struct arena *arena, struct error *err)
{
	size_t n = process->n_env;
	char **env = arena_array(arena, n + 2, sizeof(*env), err);

	if (!env)
		return -1;
	if (n)
		memcpy(env, process->env, n * sizeof(*env));
	env[n] = arena_format(arena, err, "NOTIFY_SOCKET=%s/notify.sock", container_folder);
	if (!env[n])
		return -1;
	process->env = env;
	process->n_env = n + 1;
	return 0;
}

int notify_prepare(int folder, const char *folder_path, struct spec *spec, struct arena *arena,
		   struct error *err)
{
	char *source = arena_format(arena, err, "%s/notify", folder_path);

	if (!source)
		return -1;
	if (mkdirat(folder, "notify", 0755) < 0 || fchmodat(folder, "notify", 0755, 0) < 0)
		return error_set(err, errno, "mkdir %s", source);
	if (add_mount(spec, source, arena, err) < 0)
		return -1;
	return spec->process ? add_environment(spec->process, arena, err) : 0;
}

int notify_bind(int folder, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(err, errno, "make the notify socket");
	(void)unlinkat(folder, "notify/notify.sock", 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		       "/proc/self/fd/%d/notify/notify.sock", folder);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "bind the notify socket");
	if (fchmodat(folder, "notify/notify.sock", 0777, 0) < 0)
		return error_set(err, errno, "open the notify socket to the container's users");
	return move_fd(&fd);
}

static int send_to_host(const char *host, const char *text, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(host);
	cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(err, errno, "make a socket");
	if (n >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG, "NOTIFY_SOCKET=%s", host);
	memcpy(address.sun_path, host, n);
	if (*host == '@')
		address.sun_path[0] = '\0';
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, size) <
	    0)
		return error_set(err, errno, "send to NOTIFY_SOCKET=%s", host);
	return 0;
}

/* True when one of the lines is READY=1. */
static bool says_ready(char *text)
{
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n"));)
		if (str_equal(line, "READY=1"))
			return true;
	return false;
}

int notify_wait_ready(int socket, const char *host, pid_t pid, int pidfd, struct error *err)
{
	char text[4096], message[64];

	for (;;) {
		struct pollfd p[2] = { { .fd = socket, .events = POLLIN },
				       { .fd = pidfd, .events = POLLIN } };
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return error_set(err, errno, "poll");
		if (p[0].revents & POLLIN) {
			ssize_t n = recv(socket, text, sizeof(text) - 1, 0);
			if (n <= 0)
				continue;
			text[n] = '\0';
			if (!says_ready(text))
				continue;
			(void)snprintf(message, sizeof(message), "READY=1\nMAINPID=%d\n", pid);
			return send_to_host(host, message, err);
		}
		if (p[1].revents)
			return 0; /* ended without being ready: its exit status tells */
	}
}
