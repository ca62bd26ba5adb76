/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "integration/payload/payload.h"

void say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void say_errno(void)
{
	const char *name = strerrorname_np(errno);
	say("%s", name ? name : "errno?");
}

void say_result(long result)
{
	if (result < 0)
		say_errno();
	else
		say("ok");
}

bool copy_out(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	char buffer[65536];
	ssize_t n;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		fwrite(buffer, 1, (size_t)n, stdout);
	int saved = errno;
	close(fd);
	fflush(stdout);
	errno = saved;
	return n == 0;
}
