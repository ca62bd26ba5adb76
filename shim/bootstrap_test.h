/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of actions: a bundle to stand in, and standard streams to look at. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "shim/bootstrap.h"

/* What an action has got and given. */
struct stage {
	char top[40], bundle[64], path[128]; /* path: see stage_path() */
	int old_folder;
	char out[65536], err[4096];
	size_t n_out;
	int out_fd; /* instead of the one that fills `out`; -1: none */
};

/* Of a file in the top folder; until the next call. */
static inline const char *stage_path(struct stage *s, const char *name)
{
	(void)snprintf(s->path, sizeof(s->path), "%s/%s", s->top, name);
	return s->path;
}

/* TOP/box is the bundle, and the current folder. */
static inline int stage_begin(struct stage *s)
{
	*s = (struct stage){ .old_folder = open(".", O_PATH | O_CLOEXEC), .out_fd = -1 };
	(void)snprintf(s->top, sizeof(s->top), "/tmp/bootstrap_test.XXXXXX");
	if (s->old_folder < 0 || !mkdtemp(s->top))
		return -1;
	(void)snprintf(s->bundle, sizeof(s->bundle), "%s/box", s->top);
	(void)signal(SIGPIPE, SIG_IGN);
	return mkdir(s->bundle, 0700) < 0 || chdir(s->bundle) < 0 ? -1 : 0;
}

/* Names of files, and of folders behind them, as "box/config.json"; those missing are no matter. */
static inline int stage_end(struct stage *s, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		if (unlink(stage_path(s, names[i])) < 0)
			(void)rmdir(stage_path(s, names[i]));
	(void)rmdir(s->bundle);
	if (fchdir(s->old_folder) < 0)
		return -1;
	fd_close(&s->old_folder);
	return rmdir(s->top); /* fails when something else was left */
}

static inline void stage_write(struct stage *s, const char *name, const char *text, mode_t mode)
{
	int fd = open(stage_path(s, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static inline size_t stage_take(int fd, char *buffer, size_t size)
{
	ssize_t n = pread(fd, buffer, size - 1, 0);

	buffer[n > 0 ? n : 0] = '\0';
	(void)close(fd);
	return n > 0 ? (size_t)n : 0;
}

/* Runs the action with this input; out, n_out and err are what it has printed. */
static inline int stage_run(struct stage *s,
			    int (*action)(const struct shim_flags *flags, struct error *err),
			    const struct shim_flags *flags, const void *input, size_t size,
			    struct error *err)
{
	int saved[3], fds[3];
	int result;

	(void)fflush(stdout);
	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		fds[i] = i == 1 && s->out_fd >= 0 ? fcntl(s->out_fd, F_DUPFD_CLOEXEC, 10)
						  : memfd_create("stream", MFD_CLOEXEC);
		assert_true(saved[i] >= 0 && fds[i] >= 0);
	}
	if (size)
		assert_int_equal(pwrite(fds[0], input, size, 0), size);
	for (int i = 0; i < 3; i++)
		(void)dup2(fds[i], i);
	result = action(flags, err);
	(void)fflush(stdout);
	for (int i = 0; i < 3; i++) {
		(void)dup2(saved[i], i);
		(void)close(saved[i]);
	}
	(void)close(fds[0]);
	s->n_out = stage_take(fds[1], s->out, sizeof(s->out));
	(void)stage_take(fds[2], s->err, sizeof(s->err));
	return result;
}
