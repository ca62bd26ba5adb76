/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the engine: the runtimes are shell scripts in a temporary folder. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "shim/engine.h"

enum { SAFETY_MS = 60000 };

struct fixture {
	struct loop loop;
	struct reaper *reaper;
	struct engine *engine;
	char folder[64], runtime[96], root[96];
	struct runtime_options options;
	int calls;
	bool free_engine;	/* within `done` */
	char *failure, *output; /* copies */
	struct reaper_child made;
	int made_ends, made_status;
	pid_t made_pid;
	int directory;
};

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err;

	assert_non_null(f);
	assert_int_equal(loop_init(&f->loop, &err), 0);
	f->reaper = reaper_new(&f->loop, &err);
	assert_non_null(f->reaper);
	f->engine = engine_new(f->reaper, &err);
	assert_non_null(f->engine);
	(void)snprintf(f->folder, sizeof(f->folder), "/tmp/engine_test.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->runtime, sizeof(f->runtime), "%s/fake", f->folder);
	(void)snprintf(f->root, sizeof(f->root), "%s/deep/root", f->folder);
	f->options.binary_name = f->runtime;
	f->options.root = f->root;
	f->directory = open(f->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->directory >= 0);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;
	char *args[] = { (char *)(uintptr_t) "rm", (char *)(uintptr_t) "-rf", f->folder, NULL };
	const int fds[] = { -1, -1, -1 };
	struct process_spawn rm = { .path = "/bin/rm", .args = args, .fds = fds, .n_fds = 3 };
	struct error err;
	int status;

	engine_free(f->engine);
	assert_true(process_spawn(&rm, &err) > 0);
	while (waitpid(-1, &status, 0) > 0)
		;
	reaper_free(f->reaper);
	loop_done(&f->loop);
	(void)close(f->directory);
	free(f->failure);
	free(f->output);
	free(f);
	return prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* The runtime is this script from now on; "log MESSAGE" writes a line to the log. */
static inline void write_program(const char *path, const char *script)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	assert_true(fd >= 0);
	assert_true(dprintf(fd,
			    "#!/bin/sh\n"
			    "log() { echo \"{\\\"level\\\":\\\"$1\\\",\\\"msg\\\":\\\"$2\\\"}\" "
			    ">>/proc/self/fd/3; }\n%s\n",
			    script) > 0);
}

static inline void done(void *data, const char *failure, const char *output)
{
	struct fixture *f = data;
	struct error err;

	f->calls++;
	free(f->failure);
	free(f->output);
	f->failure = failure ? strdup(failure) : NULL;
	f->output = output ? strdup(output) : NULL;
	if (f->made.ended) {
		assert_int_equal(engine_read_pid(f->directory, "pid", &f->made_pid, &err), 0);
		reaper_watch(f->reaper, &f->made, f->made_pid);
	}
	if (f->free_engine) {
		engine_free(f->engine);
		f->engine = NULL;
	}
}

static const char *const create[] = { "create", "--bundle", "a b", "id", NULL };

static inline struct engine_verb verb_of(struct fixture *f)
{
	return (struct engine_verb){
		.options = &f->options, .args = create, .directory = -1, .done = done, .data = f
	};
}

static inline void run_until(struct fixture *f, const int *counter, int wanted)
{
	struct error err;

	while (*counter < wanted)
		assert_int_equal(loop_run_once(&f->loop, SAFETY_MS, &err), 0);
	assert_int_equal(*counter, wanted);
}

static inline const char *run(struct fixture *f, const struct engine_verb *verb)
{
	struct error err;
	int before = f->calls;

	if (engine_run(f->engine, "ns", verb, &err) < 0)
		fail_msg("engine_run: %s", err.text);
	assert_int_equal(f->calls, before);
	run_until(f, &f->calls, before + 1);
	return f->failure;
}

/* The failure of a runtime that is this script. */
static inline const char *failure_of(struct fixture *f, const char *script)
{
	struct engine_verb verb = verb_of(f);

	write_program(f->runtime, script);
	return run(f, &verb);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
