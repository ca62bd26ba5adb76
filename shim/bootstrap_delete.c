/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "proto/task.pb-c.h"
#include "shim/bootstrap.h"
#include "shim/bundle_lock.h"
#include "shim/engine.h"
#include "shim/rootfs_mount.h"
#include "shim/socket_address.h"
#include "shim/timestamp.h"

/*
 * containerd kills us after 5 s. The runtime gets most of the time: its poststop
 * hooks take down networks. Who still works on the bundle is mostly gone at once.
 */
enum { LIMIT_MS = 4000, UNMOUNT_LEAST_MS = 600, WORK_MS = 1500 };
enum { KILLED = 128 + SIGKILL, ADDRESS_MAX = 128 };

/* The folder beside ours that has the container's name, unless -bundle says it. */
static char *find_bundle(const struct shim_flags *flags, struct error *err)
{
	cleanup_free char *beside = NULL;

	if (flags->bundle && flags->bundle[0] == '/')
		return path_clean(flags->bundle, err);
	beside = str_format(err, "../%s", flags->id);
	return beside ? path_absolute(beside, err) : NULL;
}

/* What was kept in the bundle; without it a container can still be found by the defaults. */
static int load_options(int bundle, struct arena *arena, struct runtime_options *ret,
			struct error *err)
{
	struct error why;

	if (bundle >= 0 && runtime_options_load(bundle, arena, ret, &why) == 0)
		return 0;
	if (bundle >= 0)
		log_warning("%s; the default runtime options are used", why.text);
	return runtime_options_read(NULL, arena, ret, err);
}

static bool has_state(const struct shim_flags *flags, const struct runtime_options *options)
{
	struct error ignored;
	cleanup_free char *path =
		str_format(&ignored, "%s/%s/%s", options->root, flags->namespace, flags->id);

	/* In doubt (no memory, no permission) the runtime is asked. */
	return !path || access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static int delete_container(const struct shim_flags *flags, const struct runtime_options *options,
			    int64_t deadline, struct error *err)
{
	const char *const args[] = { "delete", "--force", flags->id, NULL };
	const struct engine_verb verb = { .options = options, .args = args, .directory = -1 };

	if (!has_state(flags, options))
		return 0;
	if (engine_run_and_wait(flags->namespace, &verb, clock_left_ms(deadline - UNMOUNT_LEAST_MS),
				NULL, err) < 0)
		return error_wrap(err, "delete container %s", flags->id);
	return 0;
}

/*
 * Without our standard streams: containerd waits until nobody has them open,
 * and this process may stay for ever. What went wrong goes to the pipe.
 */
static void unmount_in_child(const char *rootfs, int report)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct error err;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	if (rootfs_unmount(rootfs, &err) < 0)
		(void)!write(report, err.text, strlen(err.text));
	_exit(0);
}

static bool ends_until(int pidfd, int64_t deadline)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int ended;

	do
		ended = poll(&end, 1, clock_left_ms(deadline));
	while (ended < 0 && errno == EINTR);
	return ended > 0;
}

/* -1 with err; an error that the child has told included. */
static int run_unmount(const char *rootfs, int64_t deadline, struct error *err)
{
	char text[ERROR_TEXT_SIZE];
	int report[2], status;

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_set(err, errno, "pipe");
	cleanup_fd int ours = report[0], theirs = report[1];
	pid_t pid = fork();
	if (pid == 0)
		unmount_in_child(rootfs, theirs);
	if (pid < 0)
		return error_set(err, errno, "fork");
	fd_close(&theirs);
	cleanup_fd int pidfd = process_pidfd_open(pid);
	if (pidfd >= 0 && !ends_until(pidfd, deadline)) {
		(void)process_pidfd_signal(pidfd, SIGKILL);
		return error_set(err, ETIMEDOUT, "%s", rootfs);
	}
	ssize_t n = read(ours, text, sizeof(text) - 1);
	(void)process_wait(pid, &status);
	return n > 0 ? error_set(err, 0, "%.*s", (int)n, text) : 0;
}

/*
 * In a child, because umount(2) may hang for ever. That it fails is no failure
 * of ours: containerd tries it again by itself, and keeps the bundle if need be.
 */
static void unmount(const char *bundle, int64_t deadline)
{
	struct error err;
	cleanup_free char *rootfs = str_format(&err, "%s/rootfs", bundle);
	struct stat st;

	if (!rootfs || (lstat(rootfs, &st) < 0 && errno == ENOENT))
		return;
	if (run_unmount(rootfs, deadline, &err) < 0)
		log_warning("unmount the root file system: %s", err.text);
}

/* A server that was killed has left its socket behind. */
static void remove_socket(int bundle)
{
	char address[ADDRESS_MAX];
	const char *path = address + strlen(SOCKET_ADDRESS_SCHEME);
	struct error err;

	if (fd_read_short(bundle, "address", address, sizeof(address)) > 0 &&
	    str_starts_with(address, SOCKET_ADDRESS_SCHEME "/") &&
	    socket_address_remove_stale(path, &err) < 0)
		log_warning("%s", err.text);
}

/* Of the server that was killed. Whoever does not end in time is not worth a container's end. */
static void wait_for_work(int bundle)
{
	struct error err;

	if (bundle_lock_wait(bundle, WORK_MS, &err) < 0)
		log_warning("%s", err.text);
}

static int print_response(pid_t pid, struct error *err)
{
	Containerd__Task__V2__DeleteResponse response = CONTAINERD__TASK__V2__DELETE_RESPONSE__INIT;
	Google__Protobuf__Timestamp exited_at;
	struct timespec now;
	uint8_t packed[64]; /* two numbers, and a time of two numbers: at most 12 + 2 + 22 */

	(void)clock_gettime(CLOCK_REALTIME, &now);
	timestamp_fill(&exited_at, &now);
	response.pid = (uint32_t)pid;
	response.exit_status = KILLED;
	response.exited_at = &exited_at;
	size_t size = containerd__task__v2__delete_response__pack(&response, packed);
	return fd_write_all(STDOUT_FILENO, "standard output", packed, size, err);
}

int bootstrap_delete(const struct shim_flags *flags, struct error *err)
{
	int64_t deadline = clock_now_ms() + LIMIT_MS;
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct runtime_options options;
	cleanup_free char *path = NULL;
	cleanup_fd int bundle = -1;
	struct error ignored;
	pid_t pid = 0;

	if (shim_flags_check(flags, err) < 0)
		return -1;
	path = find_bundle(flags, err);
	if (!path)
		return -1;
	bundle = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bundle >= 0)
		wait_for_work(bundle);
	if (load_options(bundle, &arena, &options, err) < 0)
		return -1;
	if (bundle >= 0 && engine_read_pid(bundle, "init.pid", &pid, &ignored) < 0)
		pid = 0; /* the container was never created */
	int deleted = delete_container(flags, &options, deadline, err);
	unmount(path, deadline);
	if (bundle >= 0)
		remove_socket(bundle);
	return deleted < 0 ? -1 : print_response(pid, err);
}
