/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/pid_namespace.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"

enum { DEPTH_MAX = 32 }; /* of pid namespaces: the kernel's own limit */

static int open_namespace(int procfs, const char *process)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/ns/pid", process);
	return openat(procfs, path, O_RDONLY | O_CLOEXEC);
}

/* True when the process is in the namespace or in one below it. */
static bool is_inside(int procfs, pid_t pid, const struct stat *namespace)
{
	char process[16];
	struct stat st;

	(void)snprintf(process, sizeof(process), "%d", (int)pid);
	cleanup_fd int fd = open_namespace(procfs, process);
	for (int depth = 0; fd >= 0 && depth < DEPTH_MAX; depth++) {
		if (fstat(fd, &st) < 0)
			return false;
		if (st.st_ino == namespace->st_ino && st.st_dev == namespace->st_dev)
			return true;
		int parent = ioctl(fd, NS_GET_PARENT);
		(void)close(fd);
		fd = parent;
	}
	return false;
}

/* 1 the namespace of init, 0 it is our own, -1 err. */
static int look_at_init(int procfs, pid_t init, struct stat *ret, struct error *err)
{
	char process[16];
	struct stat ours;

	(void)snprintf(process, sizeof(process), "%d", (int)init);
	cleanup_fd int theirs = open_namespace(procfs, process);
	if (theirs < 0 || fstat(theirs, ret) < 0 || fstatat(procfs, "self/ns/pid", &ours, 0) < 0)
		return error_set(err, errno, "look at the pid namespace of process %d", (int)init);
	return ret->st_ino != ours.st_ino || ret->st_dev != ours.st_dev;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t first = *(const pid_t *)a, second = *(const pid_t *)b;

	return (first > second) - (first < second);
}

static void close_stream(DIR **stream)
{
	if (*stream)
		(void)closedir(*stream);
}

static int collect(int procfs, const struct stat *namespace, pid_t **pids, size_t *count,
		   struct error *err)
{
	cleanup_fd int again = openat(procfs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream __attribute__((cleanup(close_stream))) = again < 0 ? NULL : fdopendir(again);
	size_t room = 0;

	if (!stream)
		return error_set(err, errno, "read /proc");
	(void)move_fd(&again);
	int rc;
	for (const struct dirent *entry; (rc = directory_next(stream, "/proc", &entry, err)) > 0;) {
		uint64_t pid;

		if (!str_to_uint(entry->d_name, 10, INT32_MAX, &pid) ||
		    !is_inside(procfs, (pid_t)pid, namespace))
			continue;
		if (mem_grow((void **)pids, *count, &room, sizeof(**pids), err) < 0)
			return -1;
		(*pids)[(*count)++] = (pid_t)pid;
	}
	return rc;
}

int pid_namespace_list(int procfs, pid_t init, pid_t **ret_pids, size_t *ret_count,
		       struct error *err)
{
	cleanup_free pid_t *pids = NULL;
	size_t count = 0;
	struct stat namespace;
	int own = look_at_init(procfs, init, &namespace, err);

	if (own < 0 || (own && collect(procfs, &namespace, &pids, &count, err) < 0))
		return -1;
	if (!own) {
		pids = malloc(sizeof(*pids));
		if (!pids)
			return error_memory(err);
		pids[count++] = init;
	}
	if (count)
		qsort(pids, count, sizeof(*pids), compare_pids);
	*ret_pids = move_ptr(&pids);
	*ret_count = count;
	return 0;
}

/* A pidfd first, then a second look, so that a number that is somebody else's now hits nobody. */
static int signal_one(int procfs, const struct stat *namespace, pid_t pid, int signal,
		      struct error *err)
{
	cleanup_fd int pidfd = process_pidfd_open(pid);

	if (pidfd < 0 || !is_inside(procfs, pid, namespace))
		return 0;
	if (process_pidfd_signal(pidfd, signal) < 0 && errno != ESRCH)
		return error_set(err, errno, "send signal %d to process %d", signal, (int)pid);
	return 0;
}

int pid_namespace_signal(int procfs, pid_t init, int init_pidfd, int signal, struct error *err)
{
	cleanup_free pid_t *pids = NULL;
	size_t count = 0;
	struct stat namespace;
	int own = look_at_init(procfs, init, &namespace, err);

	if (own < 0)
		return process_pidfd_ended(init_pidfd) ? 0 : -1;
	if (!own || signal == SIGKILL) {
		if (process_pidfd_signal(init_pidfd, signal) < 0 && errno != ESRCH)
			return error_set(err, errno, "send signal %d to process %d", signal,
					 (int)init);
		return 0;
	}
	if (collect(procfs, &namespace, &pids, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (signal_one(procfs, &namespace, pids[i], signal, err) < 0)
			return -1;
	return 0;
}
