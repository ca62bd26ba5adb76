/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What any command like `rustbox run --rm` has to do around a runtime, whoever
 * wrote it, when there is no daemon: the container's folder with what its bundle,
 * its root and its names consist of; a supervisor that outlives the command, holds
 * the ends of the container's streams and writes its log; the root's mount; a
 * record that others can find; output and exit code for the command; and nothing
 * left at the end. Nothing else: no options, no JSON, no locks, no checks, no
 * attach, no events, no watch for OOM kills. The supervisor is a plain fork that
 * gets ready beside the command, and create, start and delete are one call of the
 * runtime, which is executed from where it need not protect its own file.
 *
 *   bare_run FOLDER LOWER RUNTIME [ARG...]
 *
 * RUNTIME is an absolute path. FOLDER/config.json is the configuration, which is copied to the
 * bundle FOLDER/box; its root is FOLDER/box/rootfs, an overlay on LOWER. A failure of anything ends
 * it with 125.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "base/protected_program.h"

enum { FAILED = 125, CONFIG_MAX = 65536, OUTPUT_MAX = 4096 };

/* The first byte of a packet to the command: of which stream the rest is, or the exit code. */
enum packet { PACKET_OUT = 1, PACKET_ERR = 2, PACKET_END = 3 };

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "bare_run: %s: %s\n", what, strerror(errno));
	_exit(FAILED);
}

static void make_folder(const char *path)
{
	if (mkdir(path, 0755) < 0)
		fail(path);
}

static void write_file(const char *path, const char *text, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, size) != (ssize_t)size)
		fail(path);
	(void)close(fd);
}

static void copy_config(void)
{
	static char text[CONFIG_MAX];
	int fd = open("config.json", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0 || n == (ssize_t)sizeof(text))
		fail("config.json");
	(void)close(fd);
	write_file("box/config.json", text, (size_t)n);
}

/* At once or not at all: whoever lists containers reads it meanwhile. */
static void write_record(const char *text)
{
	write_file("box/record.new", text, strlen(text));
	if (rename("box/record.new", "box/record") < 0)
		fail("box/record");
}

static void make_container(void)
{
	static const char *const folders[] = { "box", "box/rootfs", "box/upper", "box/work" };
	static const char *const files[] = { "box/hosts", "box/hostname", "box/resolv.conf" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		make_folder(folders[i]);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		write_file(files[i], "box\n", 4);
	copy_config();
	write_record("created\n");
}

/* ---- the supervisor ---- */

static void mount_root(const char *lower)
{
	char options[8192];

	(void)snprintf(options, sizeof(options),
		       "lowerdir=%s,upperdir=box/upper,workdir=box/work,volatile", lower);
	if (mount("overlay", "box/rootfs", "overlay", 0, options) < 0)
		fail("box/rootfs");
}

static int open_runtime(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct error err;
	char folder[4096];
	int fd = protected_program_open(path, &err);
	size_t length = slash ? (size_t)(slash - path) : sizeof(folder);

	if (fd < 0 || length >= sizeof(folder))
		fail(path);
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)length, path);
	if (setenv(PROTECTED_PROGRAM_FOLDER, folder, 1) < 0)
		fail("setenv");
	return fd;
}

/* The streams' ends that are read: they close with the last process that has the others. */
static pid_t start_runtime(int program, char **args, struct pollfd streams[2])
{
	int out[2], error[2];

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0)
		fail("pipe");
	const int fds[] = { -1, out[1], error[1] };
	const struct process_spawn child = {
		.path = args[0], .args = args, .fds = fds, .n_fds = 3, .program = &program
	};
	struct error err;
	pid_t pid = process_spawn(&child, &err);

	if (pid < 0)
		fail(args[0]);
	(void)close(out[1]);
	(void)close(error[1]);
	streams[0] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	streams[1] = (struct pollfd){ .fd = error[0], .events = POLLIN };
	return pid;
}

/* To the log first, then to the command, if it is still there. False at the end. */
static bool relay(int from, enum packet kind, int log, int command)
{
	char bytes[1 + OUTPUT_MAX] = { (char)kind };
	ssize_t n = read(from, bytes + 1, sizeof(bytes) - 1);

	if (n <= 0)
		return false;
	if (write(log, bytes + 1, (size_t)n) != n)
		fail("box/log");
	(void)send(command, bytes, (size_t)n + 1, MSG_NOSIGNAL);
	return true;
}

static void relay_all(struct pollfd streams[2], int log, int command)
{
	while (streams[0].fd >= 0 || streams[1].fd >= 0) {
		if (poll(streams, 2, -1) < 0)
			fail("poll");
		for (int i = 0; i < 2; i++)
			if (streams[i].revents &&
			    !relay(streams[i].fd, i ? PACKET_ERR : PACKET_OUT, log, command))
				streams[i].fd = -1;
	}
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)where;
	return unlinkat(AT_FDCWD, path, type == FTW_DP ? AT_REMOVEDIR : 0);
}

static void remove_container(void)
{
	if (umount2("box/rootfs", UMOUNT_NOFOLLOW) < 0)
		fail("box/rootfs");
	if (nftw("box", remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
		fail("box");
}

static _Noreturn void supervise(int command, const char *lower, char **args)
{
	struct pollfd streams[2];
	int status;
	char end[2];

	(void)setsid();
	int program = open_runtime(args[0]);
	if (recv(command, end, 1, 0) != 1) /* it was ended, and has made nothing or a half */
		_exit(FAILED);
	mount_root(lower);
	int log = open("box/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		fail("box/log");
	pid_t pid = start_runtime(program, args, streams);
	write_record("running\n");
	relay_all(streams, log, command);
	if (waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	remove_container();
	end[0] = PACKET_END;
	end[1] = (char)(WIFEXITED(status) ? WEXITSTATUS(status) : FAILED);
	(void)send(command, end, sizeof(end), MSG_NOSIGNAL);
	_exit(0);
}

/* ---- the command ---- */

static int show(int supervisor)
{
	char bytes[1 + OUTPUT_MAX];
	ssize_t n;

	while ((n = recv(supervisor, bytes, sizeof(bytes), 0)) > 1) {
		if (*bytes == PACKET_END)
			return (unsigned char)bytes[1];
		if (write(*bytes == PACKET_OUT ? STDOUT_FILENO : STDERR_FILENO, bytes + 1,
			  (size_t)n - 1) != n - 1)
			return FAILED;
	}
	return FAILED;
}

int main(int argc, char **argv)
{
	int ends[2];

	if (argc < 4) {
		(void)fputs("usage: bare_run FOLDER LOWER RUNTIME [ARG...]\n", stderr);
		return FAILED;
	}
	if (chdir(argv[1]) < 0)
		fail(argv[1]);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		fail("socketpair");
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		(void)close(ends[0]);
		supervise(ends[1], argv[2], argv + 3);
	}
	(void)close(ends[1]);
	make_container();
	if (send(ends[0], "", 1, MSG_NOSIGNAL) != 1)
		fail("send");
	return show(ends[0]);
}
