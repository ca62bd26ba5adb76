/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File descriptors: ownership, whole reads and writes, passing over sockets.
 *
 * A parameter called `fd` is borrowed, `take_fd` is taken over (closed on
 * failure too). Every descriptor is close-on-exec from birth.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/error.h"

/* Closes *fd if it is open and makes it -1. errno is kept. Never retried: see close(2). */
void fd_close(int *fd);
#define cleanup_fd __attribute__((cleanup(fd_close)))

/* The descriptor; the variable becomes -1. */
static inline int move_fd(int *fd)
{
	int moved = *fd;

	*fd = -1;
	return moved;
}

/*
 * Reads to the end of the file: NUL-terminated, to be freed by the caller;
 * *ret_size (may be NULL) without the NUL. More than `limit` bytes is EFBIG.
 * `name` is what messages call the file. Blocks as read(2) does.
 */
int fd_read_all(int fd, const char *name, size_t limit, char **ret_text, size_t *ret_size,
		struct error *err);

/* Opens relative to dirfd (AT_FDCWD for none) and reads it all. */
int fd_read_file(int dirfd, const char *path, size_t limit, char **ret_text, size_t *ret_size,
		 struct error *err);

/*
 * Reads a short file, such as one of /proc or a cgroup, into the buffer, in
 * one read, NUL-terminated and without its trailing newline. Allocates
 * nothing. Returns the length, or -1 with errno and no message: for files
 * that may well be missing.
 */
ssize_t fd_read_short(int dirfd, const char *path, char *buffer, size_t size);

/* Writes everything, or fails. */
int fd_write_all(int fd, const char *name, const void *data, size_t size, struct error *err);

/*
 * Writes the text to an existing file by one write(2), as kernel interfaces
 * want it. Fails with the path and the text in the message.
 */
int fd_write_file(int dirfd, const char *path, const char *text, struct error *err);

/*
 * Replaces dirfd/name by a file of this content and mode, at once or not at
 * all (a temporary file, rename). Does not fsync.
 */
int fd_replace_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
		    struct error *err);

/*
 * For a path that a user has chosen, before the above: EEXIST where something else
 * than a regular file is there, a device or a link such as /dev/null or /dev/stdout.
 * The file would take its place, for everybody.
 */
int fd_check_replaceable(int dirfd, const char *name, struct error *err);

/*
 * The same for what ends with the machine at the latest, as in /run: without
 * what ext4 (auto_da_alloc) and others do so that a file replaced by rename(2)
 * outlives a power cut, which is to begin writing it to the disk at once. Who is
 * killed may leave .<name>.new.
 */
int fd_replace_passing_file(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
			    struct error *err);

/* The same, and what it says survives a power cut: blocks for fsync(2) of the file and of dirfd. */
int fd_replace_file_durably(int dirfd, const char *name, const void *data, size_t size, mode_t mode,
			    struct error *err);

enum { FD_PASS_MAX = 4 };

/*
 * One packet with up to FD_PASS_MAX descriptors. Returns 0, or -1 with errno
 * set and no message. Never raises SIGPIPE.
 */
int fd_send_packet(int socket, const void *data, size_t size, const int *fds, size_t n_fds);

/*
 * recvmsg(2) of a packet, received descriptors close-on-exec. -1 with errno and
 * no message; 0 at the end. Who closes a socket with something unread in it makes
 * the other end fail once, with ECONNRESET, before it gets what was sent to it:
 * here that comes when there is nothing left to get.
 */
struct msghdr;
ssize_t fd_receive_message(int socket, struct msghdr *message);

/*
 * Receives one packet. The bytes received, 0 at end of file, or -1 with errno
 * and no message; EMSGSIZE if it was cut. Up to *n_fds descriptors are stored
 * (close-on-exec, the caller's), surplus ones are closed; *n_fds is the number
 * stored. n_fds may be NULL.
 */
ssize_t fd_receive_packet(int socket, void *data, size_t size, int *fds, size_t *n_fds);

/* Sets or clears close-on-exec. */
int fd_set_cloexec(int fd, int on, struct error *err);

/* Marks everything from `first` on close-on-exec. */
int fd_cloexec_from(unsigned int first, struct error *err);

/*
 * Closes every descriptor from `first` on but the listed ones; -1 among these
 * stands for none.
 */
int fd_close_others(unsigned int first, const int *keep, size_t n_keep, struct error *err);

/* A duplicate numbered `least` or above, close-on-exec. */
int fd_dup_above(int fd, int least, struct error *err);

/*
 * Opens /dev/null for each of 0, 1 and 2 that is closed: whatever is opened
 * later must not become somebody's standard stream. First thing in main().
 */
int fd_open_standard_streams(struct error *err);
