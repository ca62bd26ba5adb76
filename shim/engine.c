/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/engine.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/lifecycle.h"
#include "shim/engine_command.h"
#include "shim/engine_local.h"
#include "shim/engine_log.h"

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { OUTPUT_MAX = 16 * 1024 * 1024 };

/* A runtime that runs, and the files in memory that it writes to. */
struct run {
	pid_t pid;
	int log, error_output, output; /* -1: not collected */
	char name[80];		       /* "rustbox-runtime create" */
};
#define RUN_EMPTY                                                                                  \
	{                                                                                          \
		0, -1, -1, -1, ""                                                                  \
	}

static void run_done(struct run *run)
{
	fd_close(&run->log);
	fd_close(&run->error_output);
	fd_close(&run->output);
}
#define cleanup_run __attribute__((cleanup(run_done)))

static int make_file(const char *name, struct error *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "memfd_create for the runtime's %s", name);
	return fd;
}

static int make_files(const struct engine_verb *verb, bool is_local, struct run *run,
		      struct error *err)
{
	run->log = make_file("log", err);
	if (run->log < 0)
		return -1;
	if (is_local) /* its log says all */
		return 0;
	if (!verb->stdio && (run->error_output = make_file("stderr", err)) < 0)
		return -1;
	if (!verb->stdio && verb->wants_output && (run->output = make_file("stdout", err)) < 0)
		return -1;
	return 0;
}

static int spawn(const struct engine_command *command, const struct engine_verb *verb,
		 struct run *run, struct error *err)
{
	cleanup_fd int input = -1;
	int fds[] = {
		-1, run->output, run->error_output, run->log, /* input */ -1, verb->directory
	};
	struct process_spawn child = {
		.path = command->path,
		.args = command->args,
		.env = command->env,
		.fds = fds,
		.n_fds = sizeof(fds) / sizeof(fds[0]),
		.new_group = true,
		.dies_with_parent = true,
		.program = &command->program,
	};

	if (verb->stdio)
		memcpy(fds, verb->stdio, 3 * sizeof(*fds));
	if (verb->input) {
		input = make_file("input", err);
		if (input < 0 ||
		    fd_write_all(input, "input", verb->input, verb->input_size, err) < 0)
			return -1;
		fds[ENGINE_FD_INPUT] = input;
	}
	run->pid = process_spawn(&child, err);
	return run->pid < 0 ? -1 : 0;
}

static int start_command(const struct engine_command *command, const struct engine_verb *verb,
			 struct run *run, struct error *err)
{
	bool is_local = command->is_own && engine_local_knows(verb);

	if (make_files(verb, is_local, run, err) < 0)
		return -1;
	(void)snprintf(run->name, sizeof(run->name), "%s %s", basename(command->path),
		       verb->args[0]);
	if (!is_local)
		return spawn(command, verb, run, err);
	run->pid = engine_local_start(verb, command->root, run->log, err);
	return run->pid < 0 ? -1 : 0;
}

static int start(const char *own, int *opened, const char *namespace,
		 const struct engine_verb *verb, struct run *run, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct engine_command command;

	if (engine_command_make(own, opened, namespace, verb, &arena, &command, err) < 0)
		return -1;
	int rc = start_command(&command, verb, run, err);
	fd_close(&command.program);
	return rc;
}

/* Why the runtime has failed, if it has not said so itself; -1. */
static int tell_failure(const struct run *run, int status, bool said, struct error *err)
{
	size_t size = 0;
	cleanup_free char *text = NULL;
	struct error killed;

	if (WIFSIGNALED(status)) {
		error_set(&killed, 0, "%s: killed by signal %d (%s)", run->name, WTERMSIG(status),
			  sigdescr_np(WTERMSIG(status)));
		if (said) /* which need not be the reason */
			return error_wrap(err, "%s", killed.text);
		return error_set(err, 0, "%s", killed.text);
	}
	if (said)
		return -1;
	if (run->error_output >= 0)
		text = engine_log_read_end(run->error_output, &size);
	if (text && engine_log_find_last_line(text, size, err))
		return -1;
	return error_set(err, 0, "%s: exited with status %d", run->name, WEXITSTATUS(status));
}

/* What came of it: 0, or -1 with the failure. Output, where collected, in either case. */
static int finish(struct run *run, int status, char **ret_output, struct error *err)
{
	size_t size = 0;
	cleanup_free char *log = engine_log_read_end(run->log, &size);
	bool said = log && engine_log_find_error(log, size, run->name, err);

	if (run->output >= 0) {
		(void)lseek(run->output, 0, SEEK_SET);
		if (fd_read_all(run->output, run->name, OUTPUT_MAX, ret_output, NULL, err) < 0)
			return error_wrap(err, "output of the runtime");
	}
	if (status == 0 && said)
		log_warning("%s: %s", run->name, err->text);
	return status == 0 ? 0 : tell_failure(run, status, said, err);
}

/* A verb in flight. */
struct job {
	struct engine *engine;
	struct reaper *reaper;
	struct job *next;
	struct reaper_child child;
	struct run run;
	bool holds;
	void (*done)(void *data, const char *failure, const char *output);
	void *data;
};

struct engine {
	struct reaper *reaper;
	char *own_runtime; /* NULL: not found yet */
	int opened;	   /* the same, by engine_prepare(); or -1 */
	struct job *jobs;
};

struct engine *engine_new(struct reaper *reaper, struct error *err)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	struct error missing; /* a verb that needs it looks again, and tells */

	if (!engine) {
		error_memory(err);
		return NULL;
	}
	engine->reaper = reaper;
	engine->opened = -1;
	engine->own_runtime = engine_command_find_own(&missing);
	return engine;
}

static void job_free(struct job *job)
{
	reaper_forget(job->reaper, &job->child);
	if (job->holds)
		reaper_release(job->reaper);
	run_done(&job->run);
	free(job);
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	while (engine->jobs) {
		struct job *job = engine->jobs;
		engine->jobs = job->next;
		(void)kill(-job->run.pid, SIGKILL);
		job_free(job);
	}
	fd_close(&engine->opened);
	free(engine->own_runtime);
	free(engine);
}

void engine_prepare(struct engine *engine)
{
	if (engine->own_runtime && engine->opened < 0)
		engine->opened = engine_command_open(engine->own_runtime);
}

static void job_ended(struct reaper_child *child, int status, const struct timespec *when)
{
	struct job *job = loop_owner(child, struct job, child);
	cleanup_free char *output = NULL;
	struct error err;

	(void)when;
	/* Before `done`, which may free the engine. */
	for (struct job **at = &job->engine->jobs; *at; at = &(*at)->next)
		if (*at == job) {
			*at = job->next;
			break;
		}
	int result = finish(&job->run, status, &output, &err);
	job->done(job->data, result < 0 ? err.text : NULL, output);
	job_free(job);
}

/* Ours is looked for again as long as it is missing: it may have been installed since. */
static int need_runtime(const struct engine_verb *verb, char **own, struct error *err)
{
	if (*own || (verb->options && verb->options->binary_name && *verb->options->binary_name))
		return 0;
	*own = engine_command_find_own(err);
	return *own ? 0 : -1;
}

int engine_run(struct engine *engine, const char *namespace, const struct engine_verb *verb,
	       struct error *err)
{
	if (need_runtime(verb, &engine->own_runtime, err) < 0)
		return -1;
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		return error_memory(err);
	*job = (struct job){
		.engine = engine,
		.reaper = engine->reaper,
		.child.ended = job_ended,
		.run = RUN_EMPTY,
		.holds = verb->makes_process,
		.done = verb->done,
		.data = verb->data,
	};
	if (job->holds)
		reaper_hold(job->reaper);
	if (start(engine->own_runtime, &engine->opened, namespace, verb, &job->run, err) < 0) {
		job_free(job);
		return -1;
	}
	job->next = engine->jobs;
	engine->jobs = job;
	reaper_watch(job->reaper, &job->child, job->run.pid);
	return 0;
}

bool engine_delete_at_once(const struct runtime_options *options, const char *namespace,
			   const char *id)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error ignored;

	if (options->systemd_cgroup || (options->binary_name && *options->binary_name))
		return false;
	const char *root = engine_command_root(options, namespace, &arena, &ignored);
	const struct container_engine engine = { .root = root, .root_is_given = true };
	return root && lifecycle_delete_at_once(&engine, id);
}

/* True when the process has ended in time. */
static bool wait_for_end(int pidfd, int timeout_ms)
{
	int64_t deadline = clock_now_ms() + timeout_ms;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		int n = poll(&p, 1, clock_left_ms(deadline));
		if (n >= 0 || errno != EINTR)
			return n > 0;
	}
}

int engine_run_and_wait(const char *namespace, const struct engine_verb *verb, int timeout_ms,
			char **ret_output, struct error *err)
{
	cleanup_run struct run run = RUN_EMPTY;
	cleanup_free char *own = NULL, *output = NULL;
	int status;

	if (need_runtime(verb, &own, err) < 0 || start(own, NULL, namespace, verb, &run, err) < 0)
		return -1;
	cleanup_fd int pidfd = timeout_ms < 0 ? -1 : process_pidfd_open(run.pid);
	/* Without a pidfd (no descriptor is left) better no time-out than no verb. */
	bool in_time = pidfd < 0 || wait_for_end(pidfd, timeout_ms);
	if (!in_time)
		(void)kill(-run.pid, SIGKILL);
	if (process_wait(run.pid, &status) < 0)
		return error_set(err, errno, "wait for %s", run.name);
	if (!in_time && status != 0)
		return error_plain(err, ETIMEDOUT, "%s: still running after %d ms, killed",
				   run.name, timeout_ms);
	if (finish(&run, status, &output, err) < 0)
		return -1;
	if (ret_output)
		*ret_output = move_ptr(&output);
	return 0;
}

int engine_read_pid(int directory, const char *name, pid_t *ret_pid, struct error *err)
{
	char text[32];
	uint64_t pid;

	if (fd_read_short(directory, name, text, sizeof(text)) < 0)
		return error_set(err, errno, "read the pid file %s", name);
	if (!str_to_uint(text, 10, INT_MAX, &pid) || pid == 0)
		return error_set(err, 0, "the pid file %s holds \"%s\", which is no pid", name,
				 text);
	*ret_pid = (pid_t)pid;
	return 0;
}
