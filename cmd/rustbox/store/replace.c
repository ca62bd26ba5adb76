/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/store/replace.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

/*
 * On a full disk: in the blocks that the present file has. By one write(2), so
 * that who is killed leaves the old or the new one. White space ends what has
 * become shorter.
 */
static bool overwrite(int dirfd, const char *name, const char *text)
{
	cleanup_fd int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t size = strlen(text), total;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    size > (uint64_t)st.st_blocks * 512)
		return false;
	total = size > (size_t)st.st_size ? size : (size_t)st.st_size;
	cleanup_free char *bytes = malloc(total);
	if (!bytes)
		return false;
	memcpy(bytes, text, size);
	memset(bytes + size, '\n', total - size);
	return pwrite(fd, bytes, total, 0) == (ssize_t)total && fsync(fd) == 0;
}

int replace_file(int dirfd, const char *name, const char *text, bool durable, struct error *err)
{
	int rc = (durable ? fd_replace_file_durably : fd_replace_file)(dirfd, name, text,
								       strlen(text), 0600, err);

	return rc < 0 && err->code == ENOSPC && overwrite(dirfd, name, text) ? 0 : rc;
}
