/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's own work for a container costs: the clone, cgroups, mounts,
 * pivot_root, exec and wait that the benchmark's configuration asks for, with
 * nothing around them: no JSON, no state, no checks, no protection from the
 * container. The benchmark's other columns are measured against this one.
 *
 *   floor [OPTION...] run|create ROOTFS ID COMMAND [ARG...]
 *   floor [OPTION...] start|delete ID
 *   floor [OPTION...] kill PID ID
 *   floor [OPTION...] exec PID ID COMMAND [ARG...]
 *
 *   --cgroups A:B:…   make (or join, remove) the directory ID below each
 *   --state DIR       where create's FIFO is
 *   --pid-file FILE   create writes init's pid there
 *   --mounts N        N bind mounts of ROOTFS/source to ROOTFS/m/0 …
 *   --userns FIRST    a user namespace: 65536 ids from FIRST
 *   --with STEP,...   run does what else the runtime does, a step at a time (steps.h)
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "integration/floor/floor.h"
#include "integration/floor/steps.h"

enum { USER_IDS = 65536 };

struct job job;

_Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

const char *path_of(const char *folder, const char *name, const char *file)
{
	static char buffers[4][512];
	static size_t next;
	char *text = buffers[next++ % 4];

	(void)snprintf(text, sizeof(buffers[0]), "%s/%s%s%s", folder, name, file ? "/" : "",
		       file ? file : "");
	return text;
}

bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static void write_maps(pid_t pid)
{
	static const char *const files[] = { "uid_map", "gid_map" };
	char folder[32], text[64];

	(void)snprintf(folder, sizeof(folder), "/proc/%d", (int)pid);
	(void)snprintf(text, sizeof(text), "0 %ld %d", job.first_id, USER_IDS);
	for (size_t i = 0; i < 2; i++)
		if (!put(path_of(folder, files[i], NULL), text))
			fail(files[i]);
}

static pid_t clone_process(uint64_t flags)
{
	struct clone_args args = {
		.flags = flags,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/*
 * Who moves into a cgroup of cgroup2 may have to wait for a grace period of RCU; who
 * is born there does not.
 */
static pid_t clone_into_cgroup(void)
{
	int unified = open_unified();
	struct clone_args args = {
		.flags = unified < 0 ? 0 : CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = unified < 0 ? 0 : (unsigned int)unified,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (unified >= 0)
		(void)close(unified);
	return pid;
}

/* A process moves itself into its cgroups (fast, on v1), and then clones init as our child. */
static pid_t bear(int start, int *ret_end)
{
	int pair[2], tree = -1;
	pid_t pid;

	if (chdir(job.rootfs) == 0)
		tree = (int)syscall(SYS_open_tree, AT_FDCWD, ".",
				    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		fail(job.rootfs);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		fail("socketpair");
	pid = clone_into_cgroup();
	if (pid < 0)
		fail("clone");
	if (pid == 0) {
		(void)close(pair[0]);
		join_cgroups();
		limit_devices();
		pid = clone_process(CLONE_PARENT | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
				    CLONE_NEWPID | CLONE_NEWNET |
				    (job.first_id ? CLONE_NEWUSER : 0));
		if (pid < 0)
			fail("clone");
		if (pid == 0)
			be_init(tree, pair[1], start);
		if (write(pair[1], &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
			fail("write");
		_exit(0);
	}
	(void)close(pair[1]);
	pid_t init = 0;
	if (read(pair[0], &init, sizeof(init)) != (ssize_t)sizeof(init))
		_exit(125);
	if (waitpid(pid, NULL, 0) < 0)
		fail("waitpid");
	if (job.first_id)
		write_maps(init);
	if (write(pair[0], "", 1) != 1)
		fail("write");
	*ret_end = pair[0];
	return init;
}

static int run(void)
{
	int status, end;

	before_cgroups();
	make_cgroups();
	pid_t pid = bear(-1, &end);
	stand_by(pid, end);
	if (waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	remove_cgroups();
	after_cgroups();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

static int create(void)
{
	char fifo[512], text[16], byte;
	int end;

	(void)snprintf(fifo, sizeof(fifo), "%s/%s", job.state, job.id);
	int held = mkfifo(fifo, 0600) < 0 ? -1 : open(fifo, O_RDWR | O_CLOEXEC);
	if (held < 0)
		fail(fifo);
	make_cgroups();
	pid_t pid = bear(held, &end);
	if (read(end, &byte, 1) != 0) /* init closes its end when it is ready, or dies */
		return 125;
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	int fd = open(job.pid_file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(job.pid_file);
	return 0;
}

static int start(void)
{
	return put(path_of(job.state, job.id, NULL), "s") ? 0 : 125;
}

static int delete_container(void)
{
	remove_cgroups();
	return unlink(path_of(job.state, job.id, NULL)) < 0 ? 125 : 0;
}

static int open_process(const char *pid)
{
	return (int)syscall(SYS_pidfd_open, (pid_t)strtol(pid, NULL, 10), 0);
}

static int kill_container(const char *target)
{
	int pidfd = open_process(target);

	return pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 ? 125 : 0;
}

static int enter(const char *target)
{
	int pidfd = open_process(target);
	int status;

	join_cgroups();
	if (pidfd < 0 || setns(pidfd, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID |
					      CLONE_NEWNET) < 0)
		fail("setns");
	pid_t pid = clone_into_cgroup();
	if (pid == 0) {
		(void)setsid();
		drop_privileges();
		(void)execve(job.command[0], job.command, (char *[]){ NULL });
		fail(job.command[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

static void split_cgroups(char *list)
{
	for (char *at; job.n_cgroups < CGROUPS_MAX && (at = strsep(&list, ":"));)
		job.cgroups[job.n_cgroups++] = at;
}

static int usage(void)
{
	(void)fputs("usage: floor [OPTION...] run|create|start|kill|delete|exec ...\n", stderr);
	return 125;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cgroups", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, 's' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "mounts", required_argument, NULL, 'm' },
		{ "userns", required_argument, NULL, 'u' },
		{ "with", required_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};

	for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) >= 0;) {
		switch (option) {
		case 'c':
			split_cgroups(optarg);
			break;
		case 's':
			job.state = optarg;
			break;
		case 'p':
			job.pid_file = optarg;
			break;
		case 'm':
			job.mounts = strtol(optarg, NULL, 10);
			break;
		case 'u':
			job.first_id = strtol(optarg, NULL, 10);
			break;
		case 'w':
			if (!add_steps(optarg))
				return usage();
			break;
		default:
			return usage();
		}
	}
	char **rest = argv + optind;
	int n = argc - optind;
	const char *verb = n > 0 ? rest[0] : "";
	bool runs = strcmp(verb, "run") == 0, creates = strcmp(verb, "create") == 0;

	if (n >= 4 && (runs || creates)) {
		job.rootfs = rest[1];
		job.id = rest[2];
		job.command = rest + 3;
		return runs ? run() : create();
	}
	if (n >= 4 && strcmp(verb, "exec") == 0) {
		job.id = rest[2];
		job.command = rest + 3;
		return enter(rest[1]);
	}
	if (n == 3 && strcmp(verb, "kill") == 0)
		return kill_container(rest[1]);
	if (n == 2 && (strcmp(verb, "start") == 0 || strcmp(verb, "delete") == 0)) {
		job.id = rest[1];
		return verb[0] == 's' ? start() : delete_container();
	}
	return usage();
}
