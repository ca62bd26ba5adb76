/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: whole set-ups in children, seen by the payload: /bin/cat, /bin/sh of this machine. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/process_setup.h"

/* Literals for members that are not const; nobody writes to them. */
#define TEXT(literal)  ((char *)(uintptr_t)(literal))
#define TEXTS(...)     ((char **)(uintptr_t)(const char *const[]){ __VA_ARGS__, NULL })
#define COUNT(...)     (sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define LISTED(m, ...) .m = TEXTS(__VA_ARGS__), .n_##m = COUNT(__VA_ARGS__)
#define SHELL(script)  .args = TEXTS("sh", "-c", script), .n_args = 3
#define ENV	       LISTED(env, "PATH=/usr/bin:/bin")

enum { OUTPUT_SIZE = 65536 };

struct result {
	int status;
	char output[OUTPUT_SIZE]; /* the payload's, or "setup: MESSAGE" */
};

/* What a test may do in the child before the set-up. */
struct surroundings {
	void (*before)(void);
	const struct seccomp_filter *filter;
	const struct spec_personality *personality;
	const struct spec_landlock *landlock;
	bool is_exec;
	unsigned int keep_fds;
};

static inline _Noreturn void child(const struct spec_process *process,
				   const struct surroundings *around)
{
	struct error err;
	struct arena arena = ARENA_EMPTY;
	struct process_setup setup = {
		.process = process,
		.seccomp = around->filter,
		.personality = around->personality,
		.procfs = path_open_procfs(&err),
		.host_pid = getpid(),
		.keep_fds = around->keep_fds,
		.is_init = !around->is_exec,
		.landlock = around->landlock,
		.ruleset = -1,
	};

	if (around->before)
		around->before();
	if (process_setup_prepare(&setup, &arena, &err) == 0)
		(void)process_setup_exec(&setup, NULL, NULL, &err);
	dprintf(1, "setup: %s", err.text);
	_exit(99);
}

static inline struct result run_in(const struct spec_process *process, struct surroundings around)
{
	static struct result result;
	size_t used = 0;
	ssize_t n;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0)
			_exit(98);
		child(process, &around);
	}
	(void)close(ends[1]);
	while ((n = read(ends[0], result.output + used, sizeof(result.output) - 1 - used)) > 0)
		used += (size_t)n;
	result.output[used] = '\0';
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &result.status, 0), pid);
	return result;
}

static inline struct result run(const struct spec_process *process)
{
	return run_in(process, (struct surroundings){ 0 });
}

static inline void assert_has(const struct result *result, const char *words)
{
	if (!strstr(result->output, words))
		fail_msg("\"%s\" is not in: %s", words, result->output);
}

static inline void assert_lacks(const struct result *result, const char *words)
{
	if (strstr(result->output, words))
		fail_msg("\"%s\" is in: %s", words, result->output);
}

static inline void needs_root(void)
{
	if (getuid() == 0)
		return;
	print_message("needs root\n");
	skip();
}

static struct spec_user nobody = { .uid = 1234, .gid = 2345 };
#define STATUS LISTED(args, "cat", "/proc/self/status"), .cwd = TEXT("/"), ENV
