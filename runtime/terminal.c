/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/terminal.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"

#ifndef DEVPTS_SUPER_MAGIC
#define DEVPTS_SUPER_MAGIC 0x1cd1
#endif

int terminal_connect(const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int target = -1;
	cleanup_fd int socket_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	if (socket_fd < 0)
		return error_set(err, errno, "make a socket");
	if (strlen(path) < sizeof(address.sun_path)) {
		memcpy(address.sun_path, path, strlen(path) + 1);
	} else {
		target = open(path, O_PATH | O_CLOEXEC);
		if (target < 0)
			return error_set(err, errno, "open socket %s", path);
		(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d",
			       target);
	}
	do
		rc = connect(socket_fd, (const struct sockaddr *)&address, sizeof(address));
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return error_set(err, errno, "connect to socket %s", path);
	return move_fd(&socket_fd);
}

/* The new pair; only what devpts itself gives, nothing by a name that the image could have made. */
static int open_pair(int *ret_master, int *ret_slave, struct error *err)
{
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int unlock = 0;
	struct stat st;

	if (root < 0)
		return error_set(err, errno, "open /");
	cleanup_fd int master =
		path_open_in_root(root, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW, err);
	if (master < 0)
		return error_hint(err,
				  "a terminal needs a devpts mount on /dev/pts in config.json");
	if (path_filesystem_type(master, err) != DEVPTS_SUPER_MAGIC)
		return error_set(err, EINVAL, "/dev/pts/ptmx is not on a devpts file system");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return error_set(err, errno, "unlock the terminal (TIOCSPTLCK)");
	cleanup_fd int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return error_set(err, errno, "open the terminal (TIOCGPTPEER)");
	if (fstat(slave, &st) < 0 || !S_ISCHR(st.st_mode) || major(st.st_rdev) < 136 ||
	    major(st.st_rdev) > 143)
		return error_set(err, EINVAL, "/dev/pts/ptmx gave no terminal");
	*ret_master = move_fd(&master);
	*ret_slave = move_fd(&slave);
	return 0;
}

/* Mounts the slave on /dev/console, by descriptors on both sides. */
static int mount_console(int slave, struct error *err)
{
	cleanup_fd int dev = open("/dev", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dev < 0)
		return error_set(err, errno, "open /dev");
	cleanup_fd int made =
		openat(dev, "console", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (made < 0 && errno != EEXIST)
		return error_set(err, errno, "make /dev/console");
	cleanup_fd int target = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return error_set(err, errno, "open /dev/console");
	cleanup_fd int tree =
		open_tree(slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (tree < 0)
		return error_set(err, errno, "clone the terminal's node");
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return error_set(err, errno, "mount the terminal on /dev/console");
	return 0;
}

int terminal_setup(int console_socket, const struct spec_console_size *size, uint32_t uid,
		   bool on_console, struct error *err)
{
	static const char name[] = "/dev/ptmx"; /* receivers want some name with the descriptor */
	cleanup_fd int master = -1, slave = -1;

	if (open_pair(&master, &slave, err) < 0)
		return -1;
	if (size) {
		struct winsize winsize = {
			.ws_row = (unsigned short)(size->height > USHRT_MAX ? USHRT_MAX
									    : size->height),
			.ws_col =
				(unsigned short)(size->width > USHRT_MAX ? USHRT_MAX : size->width),
		};
		if (ioctl(master, TIOCSWINSZ, &winsize) < 0)
			return error_set(err, errno, "set the terminal's size");
	}
	/* An id that the user namespace does not map keeps root as the owner. */
	if (fchown(slave, uid, (gid_t)-1) < 0 && errno != EINVAL)
		return error_set(err, errno, "give the terminal to user %u", uid);
	if (on_console && mount_console(slave, err) < 0)
		return -1;
	if (fd_send_packet(console_socket, name, sizeof(name) - 1, &master, 1) < 0)
		return error_set(err, errno, "send the terminal over the console socket");
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return error_set(err, errno, "take the controlling terminal (TIOCSCTTY)");
	for (int i = 0; i <= STDERR_FILENO; i++)
		if (dup2(slave, i) < 0)
			return error_set(err, errno, "make the terminal descriptor %d", i);
	return 0;
}

int terminal_receive(int socket, struct error *err)
{
	char name[PATH_MAX];
	int master = -1;
	size_t n_fds = 1;
	ssize_t n = fd_receive_packet(socket, name, sizeof(name), &master, &n_fds);

	if (n < 0)
		return error_set(err, errno, "receive the terminal");
	if (n == 0 || n_fds == 0)
		return error_set(err, EPIPE,
				 "the container's process ended before its terminal came");
	return master;
}
