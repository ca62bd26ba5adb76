/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime does beyond the floor, a step at a time (--with): the calls of
 * a run as strace shows them, in their order, with nothing decided by what they say.
 */
#include "integration/floor/steps.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "integration/floor/floor.h"

static const struct {
	const char *name;
	unsigned int step;
} names[] = {
	{ "cgroups", WITH_CGROUPS },	   { "state", WITH_STATE },   { "start", WITH_START },
	{ "watch", WITH_WATCH },	   { "mounts", WITH_MOUNTS }, { "masks", WITH_MASKS },
	{ "privileges", WITH_PRIVILEGES },
};

/* As large as the configuration, and as state.json is with a pid. */
static const char text[3072];
enum { STATE_SIZE = 788 };

static int folder = -1, listener = -1, signals = -1;

bool add_steps(char *list)
{
	for (char *name; (name = strsep(&list, ","));) {
		size_t i = 0;

		while (i < sizeof(names) / sizeof(names[0]) && strcmp(names[i].name, name) != 0)
			i++;
		if (i == sizeof(names) / sizeof(names[0]))
			return false;
		job.with |= names[i].step;
	}
	return true;
}

void look(int dir, const char *path)
{
	char content[4096];
	int fd = openat(dir, path, O_RDONLY | O_NOCTTY | O_CLOEXEC);

	while (fd >= 0 && read(fd, content, sizeof(content)) > 0)
		continue;
	if (fd >= 0)
		(void)close(fd);
}

/* Which hierarchies there are, whose they are, and what is on in cgroup2. */
static void survey_cgroups(void)
{
	static const char *const files[] = { "cgroup.controllers", "cgroup.subtree_control" };
	int root = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);

	look(AT_FDCWD, "/proc/self/cgroup");
	look(AT_FDCWD, "/proc/self/uid_map");
	for (size_t i = 0; i < job.n_cgroups; i++)
		if (access(path_of(job.cgroups[i], "cgroup.procs", NULL), F_OK) < 0)
			fail(job.cgroups[i]);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		look(AT_FDCWD, path_of(job.cgroups[job.n_cgroups - 1], files[i], NULL));
	(void)close(root);
}

static void look_at_cgroup(void)
{
	for (size_t i = 0; i < job.n_cgroups; i++)
		if (strstr(job.cgroups[i], "/devices"))
			look(AT_FDCWD, path_of(job.cgroups[i], job.id, "devices.list"));
	look(AT_FDCWD, path_of(job.cgroups[job.n_cgroups - 1], job.id, "cgroup.type"));
}

static void save(const char *name, size_t size, bool again)
{
	int fd = openat(folder, ".new", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size ||
	    renameat2(folder, ".new", folder, name, again ? RENAME_EXCHANGE : 0) < 0 ||
	    (again && unlinkat(folder, ".new", 0) < 0))
		fail(name);
	(void)close(fd);
}

static void claim(void)
{
	struct stat st;
	int root = open(job.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (mkdirat(root, job.id, 0700) < 0)
		fail(job.id);
	folder = openat(root, job.id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || flock(folder, LOCK_EX) < 0 || fstat(folder, &st) < 0)
		fail(job.id);
	(void)close(root);
	save("config.json", sizeof(text), false);
	save("state.json", STATE_SIZE, false);
}

static void give_up(void)
{
	int root = open(job.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (unlinkat(folder, "config.json", 0) < 0 || unlinkat(folder, "state.json", 0) < 0 ||
	    unlinkat(root, job.id, AT_REMOVEDIR) < 0)
		fail(job.id);
	(void)close(root);
	(void)close(folder);
}

static struct sockaddr_un start_address(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s.sock", job.state, job.id);
	return address;
}

static void listen_for_start(void)
{
	struct sockaddr_un address = start_address();

	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 8) < 0)
		fail(address.sun_path);
}

/* START, and then the end of file that execve makes. */
static void send_start(void)
{
	struct sockaddr_un address = start_address();
	char byte = 's';
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) < 0)
		fail("start");
	(void)close(fd);
}

static sigset_t all_signals(void)
{
	sigset_t set;

	(void)sigfillset(&set);
	return set;
}

static void note_signals(void)
{
	sigset_t set = all_signals();

	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		fail("signals");
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		fail("signalfd");
}

/* A process is known by its pid, its start and its pidfd's inode. */
static int identify(pid_t pid)
{
	char path[32];
	struct statfs fs;
	struct stat st;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	look(AT_FDCWD, path);
	if (pidfd < 0 || fstatfs(pidfd, &fs) < 0 || fstat(pidfd, &st) < 0)
		fail("pidfd");
	return pidfd;
}

static void wait_for_signal(pid_t pid, int pidfd)
{
	struct pollfd polled = { .fd = signals, .events = POLLIN };
	struct signalfd_siginfo info;
	siginfo_t ended = { 0 };

	while (ended.si_pid != pid) {
		if (poll(&polled, 1, -1) < 0 || read(signals, &info, sizeof(info)) < 0 ||
		    waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) < 0)
			fail("wait");
	}
	polled.fd = pidfd;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	(void)poll(&polled, 1, -1);
	(void)close(pidfd);
	(void)close(signals);
}

void before_cgroups(void)
{
	if (job.with & WITH_CGROUPS)
		survey_cgroups();
	if (job.with & WITH_STATE)
		claim();
	if (job.with & WITH_START)
		listen_for_start();
	if (job.with & WITH_WATCH && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		fail("subreaper");
}

/* Our side of the rest, from init's birth to its end; `end` is our end of its channel. */
void stand_by(pid_t pid, int end)
{
	int pidfd = -1;
	char byte;

	if (job.with & WITH_CGROUPS)
		look_at_cgroup();
	if (job.with & WITH_WATCH)
		pidfd = identify(pid);
	if (job.with & WITH_START && read(end, &byte, 1) != 1)
		fail("ready");
	if (job.with & WITH_STATE)
		save("state.json", STATE_SIZE, true);
	if (job.with & WITH_WATCH)
		note_signals();
	if (job.with & WITH_START) {
		if (write(end, "", 1) != 1)
			fail("saved");
		send_start();
	}
	if (job.with & WITH_WATCH)
		wait_for_signal(pid, pidfd);
}

void after_cgroups(void)
{
	if (job.with & WITH_START)
		(void)unlink(start_address().sun_path);
	if (job.with & WITH_STATE)
		give_up();
}

/* Init's side: READY, SAVED, START; the connection is closed by execve. */
void wait_for_start(int channel)
{
	char byte;

	if (!(job.with & WITH_START))
		return;
	if (write(channel, "", 1) != 1 || read(channel, &byte, 1) != 1)
		fail("ready");
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0 || recv(fd, &byte, 1, 0) != 1)
		fail("start");
}
