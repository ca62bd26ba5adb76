/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "cmd/rustbox/store/store_parts.h"

static int set_gone(const char *id, struct error *err)
{
	return error_plain(err, ENOENT, "no such container: %s (it was removed)", id);
}

/* Locks the folder of a bundle. The folder may have been removed meanwhile. */
static int lock_bundle(const struct store *store, const char *id, int operation, struct error *err)
{
	struct store_file bundle = store_file("bundles", id, "");
	struct stat mine, named;
	cleanup_fd int fd = openat(store->root_fd, bundle.path,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == EBADF
			       ? set_gone(id, err)
			       : error_set(err, errno, "open %s/%s", store->root, bundle.path);
	while (flock(fd, operation) < 0)
		if (errno != EINTR)
			return error_set(err, errno == EWOULDBLOCK ? EBUSY : errno,
					 "lock container %s", id);
	if (fstat(fd, &mine) < 0 ||
	    fstatat(store->root_fd, bundle.path, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    mine.st_dev != named.st_dev || mine.st_ino != named.st_ino)
		return set_gone(id, err);
	return move_fd(&fd);
}

int store_lock(const struct store *store, const char *id, struct error *err)
{
	return lock_bundle(store, id, LOCK_EX, err);
}

int store_try_lock(const struct store *store, const char *id, struct error *err)
{
	return lock_bundle(store, id, LOCK_EX | LOCK_NB, err);
}

/*
 * Two bytes of the supervisor's file: BYTE_CLAIM only supervisors lock, and
 * never wait for it. BYTE_LIFE is what others wait for, so that they have it
 * themselves for a moment, which a new supervisor waits for in turn.
 */
enum { BYTE_CLAIM, BYTE_LIFE };

static int lock_byte(int fd, int command, short type, int byte)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	int rc;

	do
		rc = fcntl(fd, command, &lock);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -1 : lock.l_type;
}

/* One of them opens it: -1 with errno ENOENT where there has been no supervisor. */
static int open_life(const struct store *store, const char *id, int flags)
{
	struct store_file file = store_file(id, "supervisor", "");

	return openat(store->run_fd, file.path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int store_lock_supervisor(const struct store *store, const char *id, struct error *err)
{
	cleanup_fd int fd = -1;

	if (mkdirat(store->run_fd, id, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "mkdir %s/%s", store->run, id);
	fd = open_life(store, id, O_RDWR | O_CREAT);
	if (fd < 0)
		return error_set(err, errno, "open %s/%s/supervisor", store->run, id);
	if (lock_byte(fd, F_OFD_SETLK, F_WRLCK, BYTE_CLAIM) < 0)
		return error_set(err, errno == EAGAIN || errno == EACCES ? EBUSY : errno,
				 "container %s has a supervisor already", id);
	if (lock_byte(fd, F_OFD_SETLKW, F_WRLCK, BYTE_LIFE) < 0)
		return error_set(err, errno, "lock %s/%s/supervisor", store->run, id);
	return move_fd(&fd);
}

bool store_is_supervised(const struct store *store, const char *id)
{
	cleanup_fd int fd = open_life(store, id, O_RDONLY);

	return fd >= 0 && lock_byte(fd, F_OFD_GETLK, F_WRLCK, BYTE_CLAIM) == F_WRLCK;
}

/* The child, which may wait as long as it takes: it can be killed. */
static void wait_for_life(int fd)
{
	_exit(lock_byte(fd, F_OFD_SETLKW, F_RDLCK, BYTE_LIFE) < 0 ? errno : 0);
}

static int wait_in_child(int fd, int timeout_ms, struct error *err)
{
	cleanup_fd int pidfd = -1;
	int status = 0, rc;
	pid_t child = process_clone(0, -1, &pidfd);

	if (child < 0)
		return error_set(err, errno, "start a child to wait for a supervisor");
	if (child == 0)
		wait_for_life(fd);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	do
		rc = poll(&p, 1, timeout_ms);
	while (rc < 0 && errno == EINTR);
	if (rc <= 0) {
		process_kill_and_reap(child);
		return error_set(err, rc < 0 ? errno : ETIMEDOUT, "wait for the supervisor's end");
	}
	if (process_wait(child, &status) < 0 || status != 0)
		return error_set(err, WIFEXITED(status) ? WEXITSTATUS(status) : 0,
				 "wait for the supervisor's end");
	return 0;
}

/* fcntl(2) knows no time-out, and there is nobody else to ask: its files outlive a supervisor. */
int store_wait_unsupervised(const struct store *store, const char *id, int timeout_ms,
			    struct error *err)
{
	cleanup_fd int fd = open_life(store, id, O_RDONLY);

	if (fd < 0 && (errno == ENOENT || errno == EBADF))
		return 0;
	if (fd < 0)
		return error_set(err, errno, "open %s/%s/supervisor", store->run, id);
	if (lock_byte(fd, F_OFD_GETLK, F_WRLCK, BYTE_CLAIM) == F_UNLCK)
		return 0;
	if (wait_in_child(fd, timeout_ms, err) < 0)
		return error_wrap(err, "container %s", id);
	return 0;
}
