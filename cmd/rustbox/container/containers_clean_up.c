/* SPDX-License-Identifier: Apache-2.0 */
/* What a supervisor that was killed, or a reboot, has left of a container. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/container/container_ask.h"
#include "cmd/rustbox/container/containers.h"
#include "cmd/rustbox/network/network.h"
#include "shim/engine.h"
#include "shim/rootfs_mount.h"

/* The namespace of the task API, which is a folder below the runtime's root. */
#define TASK_NAMESPACE "rustbox"

enum { DELETE_MS = 20000, CHILD_MS = 30000 };

/* ---- the runtime's state ---- */

static int delete_task(const struct store *store, const struct record *record, struct error *err)
{
	const char *const args[] = { "delete", "--force", record->id, NULL };
	cleanup_free char *root = store_run_path(store, record->id, NULL, err);
	cleanup_free char *state =
		root ? str_format(err, "%s/" TASK_NAMESPACE "/%s", root, record->id) : NULL;
	struct runtime_options options = { .root = root };
	const struct engine_verb verb = { .options = &options, .args = args, .directory = -1 };

	if (!state)
		return -1;
	if (access(state, F_OK) < 0 && errno == ENOENT)
		return 0;
	return engine_run_and_wait(TASK_NAMESPACE, &verb, DELETE_MS, NULL, err);
}

/* ---- mounts and network: in a child, because umount(2) and plugins may hang ---- */

struct remains {
	const struct store *store;
	const struct record *record;
	const char *rootfs; /* NULL: nothing is mounted there */
	bool network;
};

static int remove_remains(const struct remains *r, struct error *err)
{
	if (r->rootfs && rootfs_unmount(r->rootfs, err) < 0)
		return error_wrap(err, "unmount its root file system");
	if (r->network && (network_down(r->store, r->record, err) < 0 ||
			   bundle_write_names(r->store, r->record, err) < 0))
		return error_wrap(err, "take its network down");
	return 0;
}

/*
 * It may stay for ever: it has neither our locks nor our standard streams, for
 * whose ends others may be waiting.
 */
static int let_go(const struct remains *r, int report, struct error *err)
{
	const int keep[] = { report, r->store->root_fd, r->store->run_fd };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return error_set(err, errno, "open /dev/null");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return error_set(err, errno, "dup2");
	return fd_close_others(STDERR_FILENO + 1, keep, sizeof(keep) / sizeof(keep[0]), err);
}

static _Noreturn void run_child(const struct remains *r, int report)
{
	struct error err;

	if (let_go(r, report, &err) == 0 && remove_remains(r, &err) == 0)
		_exit(EXIT_SUCCESS);
	(void)!write(report, err.text, strlen(err.text));
	_exit(EXIT_FAILURE);
}

static bool ends_in_time(int pidfd)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int ended;

	do
		ended = poll(&end, 1, CHILD_MS);
	while (ended < 0 && errno == EINTR);
	return ended != 0;
}

static int remove_in_child(const struct remains *r, struct error *err)
{
	char text[ERROR_TEXT_SIZE];
	int report[2], status;

	if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set(err, errno, "pipe");
	cleanup_fd int ours = report[0], theirs = report[1], pidfd = -1;
	pid_t pid = process_clone(0, -1, &pidfd);
	if (pid == 0)
		run_child(r, theirs);
	if (pid < 0)
		return error_set(err, errno, "clone");
	if (!ends_in_time(pidfd)) {
		/* Stuck in the kernel it stays, and is nobody's child when we end. */
		(void)process_pidfd_signal(pidfd, SIGKILL);
		return error_set(err, ETIMEDOUT, "unmount %s and take the network down",
				 r->rootfs ? r->rootfs : "nothing");
	}
	if (process_wait(pid, &status) < 0)
		return error_set(err, errno, "wait for a child");
	if (process_exit_code(status) == 0)
		return 0;
	ssize_t n = read(ours, text, sizeof(text) - 1);
	return error_set(err, 0, "%.*s", n > 0 ? (int)n : 0, text);
}

static bool has_network(const struct store *store, const struct record *record)
{
	struct error ignored;
	cleanup_free char *namespace = store_run_path(store, record->id, "netns", &ignored);

	return !namespace || access(namespace, F_OK) == 0;
}

/* everything: also what only the network's plugins remember, as after a reboot */
static int clean_up(struct store *store, const struct record *record, bool everything,
		    struct error *err)
{
	cleanup_free char *rootfs = store_path(store, "bundles", record->id, "rootfs", err);
	struct remains remains = { .store = store, .record = record };

	if (!rootfs || delete_task(store, record, err) < 0)
		return -1;
	remains.rootfs = rootfs_is_mounted(rootfs) ? rootfs : NULL;
	remains.network = network_is_needed(record) && (everything || has_network(store, record));
	return remains.rootfs || remains.network ? remove_in_child(&remains, err) : 0;
}

int containers_clean_up(struct store *store, const struct record *record, struct error *err)
{
	if (clean_up(store, record, true, err) < 0)
		return error_wrap(err, "clean up after container %s", record->name);
	return 0;
}

int container_sweep(struct store *store, const struct record *record, struct error *err)
{
	if (clean_up(store, record, false, err) < 0)
		return error_wrap(err, "clean up after container %s", record->name);
	return 0;
}
