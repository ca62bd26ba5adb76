/* SPDX-License-Identifier: Apache-2.0 */
/* The process that holds an ordinary user's namespaces. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cmd/rustbox/rootless.h"
#include "runtime/channel.h"

enum { REST_MS = 100 };

struct holder {
	int folder, lock;
	int namespaces[2];  /* user, mount */
	struct pollfd *fds; /* the listener, then the connections */
	size_t n_fds, room;
};

static int add(struct holder *holder, int fd, struct error *err)
{
	if (mem_grow((void **)&holder->fds, holder->n_fds, &holder->room, sizeof(*holder->fds),
		     err) < 0)
		return -1;
	holder->fds[holder->n_fds++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return 0;
}

static int listen_for_commands(struct holder *holder, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		       holder->folder, ROOTLESS_SOCKET);
	if (fd < 0)
		return error_set(err, errno, "socket");
	if (unlinkat(holder->folder, ROOTLESS_SOCKET, 0) < 0 && errno != ENOENT)
		return error_set(err, errno, "remove an old %s", ROOTLESS_SOCKET);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		return error_set(err, errno, "listen at %s", ROOTLESS_SOCKET);
	if (add(holder, fd, err) < 0)
		return -1;
	(void)move_fd(&fd);
	return 0;
}

static int make_namespaces(struct holder *holder, int channel, struct error *err)
{
	if (unshare(CLONE_NEWUSER) < 0) {
		(void)error_set(err, errno, "make a user namespace");
		return error_hint(err, "this machine does not let ordinary users: see the sysctls "
				       "user.max_user_namespaces, kernel.unprivileged_userns_clone "
				       "and kernel.apparmor_restrict_unprivileged_userns");
	}
	if (channel_send(channel, CHANNEL_MAP_IDS, getpid(), -1, err) < 0 ||
	    channel_expect(channel, CHANNEL_IDS_MAPPED, "rustbox", NULL, NULL, err) < 0)
		return -1;
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(err, errno, "make a mount namespace");
	/* What the machine mounts later appears here, and nothing of ours there. */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return error_set(err, errno, "make all mounts slaves of the host's");
	holder->namespaces[0] = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	holder->namespaces[1] = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (holder->namespaces[0] < 0 || holder->namespaces[1] < 0)
		return error_set(err, errno, "open the namespaces");
	return 0;
}

/* A descriptor for each process of the user's rustbox. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Nothing of the command that has started us stays. */
static int settle(struct holder *holder, int channel, struct error *err)
{
	const int keep[] = { holder->folder, channel };

	(void)prctl(PR_SET_NAME, "rustbox:holder");
	(void)umask(077);
	raise_limit();
	if (fd_close_others(0, keep, sizeof(keep) / sizeof(*keep), err) < 0 ||
	    fd_open_standard_streams(err) < 0)
		return -1;
	if (chdir("/") < 0)
		return error_set(err, errno, "chdir /");
	holder->lock = openat(holder->folder, ROOTLESS_LOCK, O_RDWR | O_CLOEXEC);
	return holder->lock < 0 ? error_set(err, errno, "open %s", ROOTLESS_LOCK) : 0;
}

static void serve(struct holder *holder, int connection)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	struct error err;

	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    peer.uid != geteuid() ||
	    fd_send_packet(connection, "n", 1, holder->namespaces, 2) < 0 ||
	    add(holder, connection, &err) < 0)
		(void)close(connection);
}

/* False for want of descriptors or memory. */
static bool accept_one(struct holder *holder)
{
	int connection = accept4(holder->fds[0].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (connection < 0)
		return errno == EINTR || errno == ECONNABORTED;
	serve(holder, connection);
	return true;
}

/* Nobody sends anything: what can be read is the end. */
static void drop_ended(struct holder *holder)
{
	size_t kept = 1;

	for (size_t i = 1; i < holder->n_fds; i++) {
		if (holder->fds[i].revents)
			(void)close(holder->fds[i].fd);
		else
			holder->fds[kept++] = holder->fds[i];
	}
	holder->n_fds = kept;
}

/* Under the lock nobody connects: then there is nobody left, or somebody waits to be accepted. */
static bool may_end(struct holder *holder)
{
	struct pollfd listener = { .fd = holder->fds[0].fd, .events = POLLIN };

	while (flock(holder->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return true;
	if (poll(&listener, 1, 0) <= 0) {
		(void)unlinkat(holder->folder, ROOTLESS_SOCKET, 0);
		return true;
	}
	(void)flock(holder->lock, LOCK_UN);
	return false;
}

static void hold(struct holder *holder)
{
	bool rests = false;

	do {
		/* Who could not be accepted still knocks, and would keep us busy. */
		holder->fds[0].events = rests ? 0 : POLLIN;
		if (poll(holder->fds, holder->n_fds, rests ? REST_MS : -1) < 0)
			continue;
		bool knocks = holder->fds[0].revents;
		drop_ended(holder);
		rests = knocks && !accept_one(holder);
	} while (holder->n_fds > 1 || !may_end(holder));
}

void rootless_holder_main(int folder, int channel)
{
	struct holder holder = { .folder = folder, .lock = -1, .namespaces = { -1, -1 } };
	struct error err;

	if (settle(&holder, channel, &err) < 0 || make_namespaces(&holder, channel, &err) < 0 ||
	    listen_for_commands(&holder, &err) < 0 ||
	    /* The first connection: whoever has started us comes, or ends. */
	    add(&holder, channel, &err) < 0 ||
	    channel_send(channel, CHANNEL_READY, 0, -1, &err) < 0) {
		channel_send_error(channel, &err);
		_exit(1);
	}
	hold(&holder);
	_exit(0);
}
