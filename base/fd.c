/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/mem.h"

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

/*
 * How much to make room for at first: all that a regular file says it has, and
 * one byte more. *ret_told: what it says, 0 where that is nothing.
 */
static size_t first_room(int fd, size_t limit, size_t *ret_told)
{
	struct stat st;

	*ret_told = 0;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return 4096;
	*ret_told = (size_t)st.st_size;
	return (*ret_told < limit ? *ret_told : limit) + 1;
}

static ssize_t read_again(int fd, void *data, size_t size)
{
	ssize_t n;

	do
		n = read(fd, data, size);
	while (n < 0 && errno == EINTR);
	return n;
}

int fd_read_all(int fd, const char *name, size_t limit, char **ret_text, size_t *ret_size,
		struct error *err)
{
	size_t told, used = 0, room = first_room(fd, limit, &told);
	cleanup_free char *text = malloc(room + 1);
	ssize_t n = 0;

	while (text && (n = read_again(fd, text + used, room - used)) > 0) {
		used += (size_t)n;
		if (used > limit)
			return error_set(err, EFBIG, "read %s: more than %zu bytes", name, limit);
		if (used == told && used < room)
			break; /* one byte more was asked for, and is not there */
		if (used < room)
			continue;
		room *= 2;
		char *grown = realloc(text, room + 1);
		if (!grown)
			free(text);
		text = grown;
	}
	if (!text)
		return error_memory(err);
	if (n < 0)
		return error_set(err, errno, "read %s", name);
	text[used] = '\0';
	*ret_text = move_ptr(&text);
	if (ret_size)
		*ret_size = used;
	return 0;
}

int fd_read_file(int dirfd, const char *path, size_t limit, char **ret_text, size_t *ret_size,
		 struct error *err)
{
	cleanup_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return error_set(err, errno, "open %s", path);
	return fd_read_all(fd, path, limit, ret_text, ret_size, err);
}

ssize_t fd_read_short(int dirfd, const char *path, char *buffer, size_t size)
{
	cleanup_fd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read_again(fd, buffer, size - 1);

	if (n < 0)
		return -1;
	while (n > 0 && buffer[n - 1] == '\n')
		n--;
	buffer[n] = '\0';
	return n;
}

int fd_write_all(int fd, const char *name, const void *data, size_t size, struct error *err)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, errno, "write %s", name);
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int fd_write_file(int dirfd, const char *path, const char *text, struct error *err)
{
	cleanup_fd int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return error_set(err, errno, "open %s for writing", path);
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_set(err, errno, "write \"%s\" to %s", text, path);
	return 0;
}

/*
 * What is there goes first: the rest of a writer that was killed (there is one at
 * a time) or, in a folder where others may write, what one of them has put there,
 * such as a FIFO to wait at or a link to another file.
 */
static int create_anew(int dirfd, const char *name, mode_t mode)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dirfd, name, flags, mode);

	if (fd < 0 && errno == EEXIST && unlinkat(dirfd, name, 0) == 0)
		fd = openat(dirfd, name, flags, mode);
	return fd;
}

/* For who finds one of the two there is no moment without. */
static int exchange(int dirfd, const char *temporary, const char *name)
{
	int code;

	/* There is none yet; or the file system cannot. */
	if (renameat2(dirfd, temporary, dirfd, name, RENAME_EXCHANGE) < 0)
		return renameat(dirfd, temporary, dirfd, name);
	if (unlinkat(dirfd, temporary, 0) == 0)
		return 0;
	code = errno; /* a folder */
	(void)renameat2(dirfd, temporary, dirfd, name, RENAME_EXCHANGE);
	errno = code;
	return -1;
}

enum lifetime { PLAIN, PASSING, DURABLE };

static int put_in_place(int dirfd, int fd, const char *temporary, const char *name,
			enum lifetime lifetime, struct error *err)
{
	if (lifetime == DURABLE && fsync(fd) < 0)
		return error_set(err, errno, "fsync %s", temporary);
	if ((lifetime == PASSING ? exchange(dirfd, temporary, name)
				 : renameat(dirfd, temporary, dirfd, name)) < 0)
		return error_set(err, errno, "rename %s to %s", temporary, name);
	return 0;
}

static int replace(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		   enum lifetime lifetime, struct error *err)
{
	char temporary[256];

	if (snprintf(temporary, sizeof(temporary), ".%s.new", name) >= (int)sizeof(temporary))
		return error_set(err, ENAMETOOLONG, "replace %s", name);
	cleanup_fd int fd = create_anew(dirfd, temporary, mode);
	if (fd < 0)
		return error_set(err, errno, "create %s", temporary);
	if (fd_write_all(fd, name, data, size, err) < 0 ||
	    put_in_place(dirfd, fd, temporary, name, lifetime, err) < 0) {
		(void)unlinkat(dirfd, temporary, 0);
		return -1;
	}
	return 0;
}

int fd_replace_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		    struct error *err)
{
	return replace(dirfd, name, data, size, mode, PLAIN, err);
}

int fd_check_replaceable(int dirfd, const char *name, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode))
		return 0;
	return error_plain(err, EEXIST, "%s is no regular file, and is not replaced by one", name);
}

int fd_replace_passing_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
			    struct error *err)
{
	return replace(dirfd, name, data, size, mode, PASSING, err);
}

int fd_replace_file_durably(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
			    struct error *err)
{
	if (replace(dirfd, name, data, size, mode, DURABLE, err) < 0)
		return -1;
	return fsync(dirfd) < 0 ? error_set(err, errno, "fsync the folder of %s", name) : 0;
}

int fd_send_packet(int socket, const void *data, size_t size, const int *fds, size_t n_fds)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, size };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (n_fds > FD_PASS_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (n_fds) {
		message.msg_control = control.buffer;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * n_fds);
	}
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if ((size_t)n != size) {
		errno = EMSGSIZE;
		return -1;
	}
	return 0;
}

/* Stores what the packet brought, up to *n_fds, and closes the rest. */
static void take_descriptors(struct msghdr *message, int *fds, size_t *n_fds)
{
	size_t room = n_fds ? *n_fds : 0, stored = 0;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (stored < room)
				fds[stored++] = fd;
			else
				(void)close(fd);
		}
	}
	if (n_fds)
		*n_fds = stored;
}

ssize_t fd_receive_message(int socket, struct msghdr *message)
{
	bool was_reset = false;
	ssize_t n;

	for (;;) {
		n = recvmsg(socket, message, MSG_CMSG_CLOEXEC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ECONNRESET && !was_reset) {
			was_reset = true;
			continue;
		}
		if (n == 0 && was_reset) {
			errno = ECONNRESET;
			return -1;
		}
		return n;
	}
}

ssize_t fd_receive_packet(int socket, void *data, size_t size, int *fds, size_t *n_fds)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { data, size };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buffer,
		.msg_controllen = sizeof(control.buffer),
	};
	ssize_t n = fd_receive_message(socket, &message);

	if (n < 0)
		return -1;
	take_descriptors(&message, fds, n_fds);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; n_fds && i < *n_fds; i++)
			fd_close(&fds[i]);
		if (n_fds)
			*n_fds = 0;
		errno = EMSGSIZE;
		return -1;
	}
	return n;
}

int fd_set_cloexec(int fd, int on, struct error *err)
{
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0)
		return error_set(err, errno, "fcntl F_SETFD on descriptor %d", fd);
	return 0;
}

int fd_cloexec_from(unsigned int first, struct error *err)
{
	if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return error_set(err, errno, "close_range from descriptor %u", first);
	return 0;
}

int fd_close_others(unsigned int first, const int *keep, size_t n_keep, struct error *err)
{
	for (;;) { /* up to the nearest one to keep, and on behind it */
		unsigned int last = ~0U;

		for (size_t i = 0; i < n_keep; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= first &&
			    (unsigned int)keep[i] < last)
				last = (unsigned int)keep[i];
		if (last == ~0U)
			break;
		if (last > first && syscall(SYS_close_range, first, last - 1, 0) < 0)
			return error_set(err, errno, "close_range from descriptor %u", first);
		first = last + 1;
	}
	if (syscall(SYS_close_range, first, ~0U, 0) < 0)
		return error_set(err, errno, "close_range from descriptor %u", first);
	return 0;
}

int fd_dup_above(int fd, int least, struct error *err)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, least);

	if (copy < 0)
		return error_set(err, errno, "duplicate descriptor %d", fd);
	return copy;
}

int fd_open_standard_streams(struct error *err)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return error_set(err, errno, "open /dev/null");
		if (fd <= STDERR_FILENO && fd_set_cloexec(fd, 0, err) < 0)
			return -1;
	} while (fd <= STDERR_FILENO);
	fd_close(&fd);
	return 0;
}
