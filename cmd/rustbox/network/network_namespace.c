/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "cmd/rustbox/network/network_parts.h"

static int set_loopback_up(void)
{
	cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	return fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
}

/*
 * Ports below 1024 and ping need no privilege in there, as in Docker. Here, as
 * the root of a user namespace is nobody in a network that it does not own. What
 * a kernel does not have (no ping sockets) is not missed.
 */
static void open_to_all(void)
{
	struct error ignored;

	(void)fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0",
			    &ignored);
	(void)fd_write_file(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", "0 2147483647",
			    &ignored);
}

/* In a child, since a process has one network namespace. Its exit code is the errno. */
static int make_in_child(const char *path)
{
	if (unshare(CLONE_NEWNET) < 0 || set_loopback_up() < 0 ||
	    mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) < 0)
		return errno ? errno : EIO;
	open_to_all();
	return 0;
}

int network_namespace_make(const char *path, struct error *err)
{
	cleanup_fd int file = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int status;
	pid_t pid;

	if (file < 0)
		return error_set(err, errno, "make %s", path);
	pid = fork();
	if (pid == 0)
		_exit(make_in_child(path));
	if (pid < 0 || process_wait(pid, &status) < 0) {
		error_set(err, errno, "make a child for a network namespace");
	} else if (status != 0) {
		error_set(err, WIFEXITED(status) ? WEXITSTATUS(status) : EINTR,
			  "make a network namespace at %s", path);
	} else {
		return 0;
	}
	(void)unlink(path);
	return -1;
}

bool network_namespace_is_there(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && st.f_type == NSFS_MAGIC;
}

int network_namespace_drop(const char *path, struct error *err)
{
	while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		;
	if (errno != EINVAL && errno != ENOENT)
		return error_set(err, errno, "unmount %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove %s", path);
	return 0;
}
