/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/fd.h"

static int open_again(int fd, int flags)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

int stdio_reader_find(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return -1;
	return open_again(fd, O_PATH);
}

int stdio_reader_open_writer(int fifo)
{
	return open_again(fifo, O_WRONLY | O_NONBLOCK);
}

/* A writer sees how much is in the FIFO; it cannot be opened where nobody reads (ENXIO). */
bool stdio_reader_is_done(int fifo)
{
	cleanup_fd int fd = stdio_reader_open_writer(fifo);
	int n = 0;

	return fd < 0 || ioctl(fd, FIONREAD, &n) < 0 || n == 0;
}
