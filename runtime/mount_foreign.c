/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bind's source in another mount namespace (option source-namespace=). The
 * kernel clones only mounts of the caller's own: a child joins the other one,
 * and nothing else, so that no process there can see it (S1), and hands the
 * detached clone out.
 */
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "runtime/mount_entry.h"

/* A file system there may be one that never answers. */
enum { CLONE_MS = 10000 };

static int open_namespace(const char *path, struct error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return error_set(err, errno, "open mount namespace %s", path);
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNS)
		return error_set(err, EINVAL, "%s is no mount namespace", path);
	return move_fd(&fd);
}

/* ---- in the child ---- */

static int clone_there(int namespace, const char *path, bool recursive, struct error *err)
{
	cleanup_fd int root = -1, source = -1;
	int tree;

	if (setns(namespace, CLONE_NEWNS) < 0)
		return error_set(err, errno, "join the mount namespace");
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_set(err, errno, "open the root there");
	source = path_open_in_root(root, path, O_PATH, err);
	if (source < 0)
		return -1;
	tree = mount_api_clone(source, "", recursive);
	return tree < 0 ? error_set(err, errno, "clone %s there", path) : tree;
}

static _Noreturn void run_child(int namespace, const char *path, bool recursive, int answer)
{
	struct error err = { 0 };
	int tree = clone_there(namespace, path, recursive, &err);

	_exit(fd_send_packet(answer, err.text, strlen(err.text) + 1, &tree, tree >= 0) < 0);
}

/* ---- in the parent ---- */

static int receive(int socket, struct error *err)
{
	struct pollfd ready = { .fd = socket, .events = POLLIN };
	char text[ERROR_TEXT_SIZE] = "";
	size_t n_fds = 1;
	int tree = -1;

	if (poll(&ready, 1, CLONE_MS) == 0)
		return error_set(err, ETIMEDOUT, "a file system there does not answer");
	ssize_t n = fd_receive_packet(socket, text, sizeof(text) - 1, &tree, &n_fds);
	if (n > 0 && n_fds == 1)
		return tree;
	return error_set(err, n < 0 ? errno : 0, "%s", n > 0 ? text : "no answer");
}

int mount_open_foreign(const char *namespace, const char *path, bool recursive, struct error *err)
{
	int ends[2], tree, status;
	cleanup_fd int fd = open_namespace(namespace, err);

	if (fd < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "socketpair");
	cleanup_fd int ours = ends[0], theirs = ends[1], pidfd = -1;
	pid_t pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		run_child(fd, path, recursive, theirs);
	if (pid < 0)
		return error_set(err, errno, "clone");
	fd_close(&theirs);
	tree = receive(ours, err);
	if (tree < 0)
		(void)process_pidfd_signal(pidfd, SIGKILL);
	(void)process_wait(pid, &status);
	return tree < 0 ? error_wrap(err, "in the mount namespace %s", namespace) : tree;
}
