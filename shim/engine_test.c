/* SPDX-License-Identifier: Apache-2.0 */
/* The runtimes are shell scripts; runc is tried where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

static int set_up(void **state)
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

static int tear_down(void **state)
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
static void write_program(const char *path, const char *script)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	assert_true(fd >= 0);
	assert_true(dprintf(fd,
			    "#!/bin/sh\n"
			    "log() { echo \"{\\\"level\\\":\\\"$1\\\",\\\"msg\\\":\\\"$2\\\"}\" "
			    ">>/proc/self/fd/3; }\n%s\n",
			    script) > 0);
}

static void done(void *data, const char *failure, const char *output)
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

static struct engine_verb verb_of(struct fixture *f)
{
	return (struct engine_verb){
		.options = &f->options, .args = create, .directory = -1, .done = done, .data = f
	};
}

static void run_until(struct fixture *f, const int *counter, int wanted)
{
	struct error err;

	while (*counter < wanted)
		assert_int_equal(loop_run_once(&f->loop, SAFETY_MS, &err), 0);
	assert_int_equal(*counter, wanted);
}

static const char *run(struct fixture *f, const struct engine_verb *verb)
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
static const char *failure_of(struct fixture *f, const char *script)
{
	struct engine_verb verb = verb_of(f);

	write_program(f->runtime, script);
	return run(f, &verb);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void arguments_are_as_runtimes_know_them(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	char expected[512], path[128];
	mode_t mask = umask(022);

	write_program(f->runtime, "printf '%s;' \"$@\"");
	verb.wants_output = true;
	assert_null(run(f, &verb));
	(void)snprintf(expected, sizeof(expected),
		       "--root;%s/ns;--log;/proc/self/fd/3;--log-format;json;"
		       "create;--bundle;a b;id;",
		       f->root);
	assert_string_equal(f->output, expected);
	f->options.systemd_cgroup = true;
	assert_null(run(f, &verb));
	assert_non_null(strstr(f->output, ";json;--systemd-cgroup;create;"));
	(void)umask(mask);
	(void)snprintf(path, sizeof(path), "%s/ns", f->root);
	assert_int_equal(mode_of(f->root), 0711);
	assert_int_equal(mode_of(path), 0700);
}

static void descriptors_are_where_they_are_looked_for(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	cleanup_fd int in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	const int stdio[] = { in, out, -1 };
	char text[128] = "";

	assert_int_equal(write(in, "stdin ", 6), 6);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	write_program(f->runtime, "cat; cat " ENGINE_PATH_INPUT "; cat " ENGINE_PATH_INPUT
				  "; ls " ENGINE_PATH_DIRECTORY "/; ls /proc/self/fd; echo no >&2");
	verb.input = "input ";
	verb.input_size = 6;
	verb.directory = f->directory;
	verb.stdio = stdio;
	assert_null(run(f, &verb));
	assert_null(f->output);
	assert_true(pread(out, text, sizeof(text) - 1, 0) > 0);
	/* 6 is the one with which ls reads the folder. */
	assert_string_equal(text, "stdin input input deep\nfake\n0\n1\n2\n3\n4\n5\n6\n");
}

static void nothing_is_given_where_nothing_is_wanted(void **state)
{
	struct fixture *f = *state;

	assert_null(failure_of(f,
			       "for i in 0 1 4 5; do [ /proc/$$/fd/$i -ef /dev/null ] || exit 1; "
			       "done"));
}

static void the_environment_is_ours_but_for_what_is_meant_for_us(void **state)
{
	struct fixture *f = *state;
	const char *const names[] = { "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
				      "LISTEN_FDS_TEST" };

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(setenv(names[i], "3", 1), 0);
	const char *failure =
		failure_of(f, "[ -z \"$NOTIFY_SOCKET$LISTEN_FDS$LISTEN_PID$LISTEN_FDNAMES\" ] && "
			      "[ \"$LISTEN_FDS_TEST\" = 3 ] && [ \"$PATH\" ]");
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(unsetenv(names[i]), 0);
	assert_null(failure);
}

static void failures_are_the_runtimes_own_words(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(failure_of(f,
				       "log error first; log error 'the disk is full'; log info x; "
				       "echo usage >&2; exit 1"),
			    "the disk is full");
	assert_string_equal(failure_of(f, "log warning w; echo one >&2; echo two >&2; exit 3"),
			    "two");
	assert_string_equal(failure_of(f, "echo; exit 3"), "fake create: exited with status 3");
	assert_string_equal(failure_of(f, "kill -9 $$"),
			    "fake create: killed by signal 9 (Killed)");
	assert_string_equal(failure_of(f, "log error oops; kill -9 $$"),
			    "fake create: killed by signal 9 (Killed): oops");
	assert_null(failure_of(f, "log error oops; exit 0"));
}

static void output_comes_with_failures_too_and_has_a_limit(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);

	verb.wants_output = true;
	write_program(f->runtime, "echo out; echo err >&2; exit 1");
	assert_string_equal(run(f, &verb), "err");
	assert_string_equal(f->output, "out\n");
	write_program(f->runtime, "");
	assert_null(run(f, &verb));
	assert_string_equal(f->output, "");
	write_program(f->runtime, "head -c 16777217 /dev/zero");
	assert_non_null(strstr(run(f, &verb), "File too large"));
	assert_null(f->output);
}

static void made_ended(struct reaper_child *child, int status, const struct timespec *when)
{
	struct fixture *f = loop_owner(child, struct fixture, made);

	(void)when;
	f->made_ends++;
	f->made_status = status;
}

/* It has ended, and was reaped, before the runtime tells its pid. */
static void processes_that_end_early_are_not_lost(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);

	write_program(f->runtime, "(sh -c 'echo $$ >" ENGINE_PATH_DIRECTORY "/pid; exit 21' &)\n"
				  "until [ -s " ENGINE_PATH_DIRECTORY "/pid ]; do :; done\n"
				  "while kill -0 $(cat " ENGINE_PATH_DIRECTORY "/pid); do :; done");
	f->made.ended = made_ended;
	verb.makes_process = true;
	verb.directory = f->directory;
	assert_null(run(f, &verb));
	assert_int_equal(f->made_ends, 1);
	assert_int_equal(process_exit_code(f->made_status), 21);
}

static void many_verbs_run_at_once(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	cleanup_fd int gate = -1;
	int ends[2];
	struct error err;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	gate = ends[0];
	const int stdio[] = { gate, -1, -1 };
	write_program(f->runtime, "read -r _; exit 0");
	verb.stdio = stdio;
	verb.makes_process = true;
	for (int i = 0; i < 10; i++)
		assert_int_equal(engine_run(f->engine, "ns", &verb, &err), 0);
	assert_int_equal(f->calls, 0);
	(void)close(ends[1]);
	run_until(f, &f->calls, 10);
}

static void engines_may_go_before_their_verbs(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	int in[2], out[2];
	char byte;
	struct error err;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	const int stdio[] = { in[0], out[1], -1 };
	/* With a child, which goes too. */
	write_program(f->runtime, "cat; :");
	verb.stdio = stdio;
	verb.makes_process = true;
	assert_int_equal(engine_run(f->engine, "ns", &verb, &err), 0);
	assert_int_equal(engine_run(f->engine, "ns", &verb, &err), 0);
	(void)close(in[0]);
	(void)close(out[1]);
	engine_free(f->engine);
	f->engine = NULL;
	assert_int_equal(read(out[0], &byte, 1), 0);
	assert_int_equal(f->calls, 0);
	(void)close(out[0]);
	(void)close(in[1]);
}

static void engines_may_go_with_a_verbs_end(void **state)
{
	struct fixture *f = *state;

	f->free_engine = true;
	assert_null(failure_of(f, "exit 0"));
	assert_null(f->engine);
}

static void what_cannot_be_run_is_named(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	struct error err;

	verb.makes_process = true;
	assert_int_equal(engine_run(f->engine, "ns", &verb, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, f->runtime));
	f->options.binary_name = (char *)(uintptr_t) "no-such-runtime";
	assert_int_equal(engine_run(f->engine, "ns", &verb, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "no-such-runtime on PATH"));
	assert_int_equal(f->calls, 0);
}

static void namespaces_are_names(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "../x" };
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	struct error err;

	write_program(f->runtime, "exit 0");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(engine_run(f->engine, bad[i], &verb, &err), -1);
		assert_int_equal(err.code, EINVAL);
	}
	/* A file where the folder should be. */
	f->options.root = f->runtime;
	assert_int_equal(engine_run(f->engine, "ns", &verb, &err), -1);
	assert_non_null(strstr(err.text, f->runtime));
}

static char *copy_path(void)
{
	const char *path = getenv("PATH");

	return strdup(path ? path : "");
}

/* With PATH as given; NULL keeps it unset. */
static int run_with_path(const char *path, struct fixture *f, const struct engine_verb *verb,
			 struct error *err)
{
	cleanup_free char *before = copy_path();
	struct engine *engine;
	int result;

	assert_int_equal(path ? setenv("PATH", path, 1) : unsetenv("PATH"), 0);
	engine = engine_new(f->reaper, err);
	assert_non_null(engine);
	result = engine_run(engine, "ns", verb, err);
	if (result == 0)
		run_until(f, &f->calls, f->calls + 1);
	engine_free(engine);
	assert_int_equal(setenv("PATH", before, 1), 0);
	return result;
}

static void our_own_runtime_is_found(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	char path[128], own[128];
	struct error err;

	f->options.binary_name = NULL;
	(void)snprintf(path, sizeof(path), "relative:/no/such/folder::%s", f->folder);
	assert_int_equal(run_with_path(path, f, &verb, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "rustbox-runtime on PATH (relative:/no/such"));
	assert_non_null(strstr(err.text, "beside the shim"));
	(void)snprintf(own, sizeof(own), "%s/rustbox-runtime", f->folder);
	assert_int_equal(mkdir(own, 0755), 0); /* not what is meant */
	assert_int_equal(run_with_path(path, f, &verb, &err), -1);
	assert_int_equal(rmdir(own), 0);
	write_program(own, "echo \"$0\"");
	verb.wants_output = true;
	assert_int_equal(run_with_path(path, f, &verb, &err), 0);
	assert_null(f->failure);
	assert_memory_equal(f->output, own, strlen(own));
	/* One that is named goes before. */
	write_program(f->runtime, "echo named");
	f->options.binary_name = (char *)(uintptr_t) "fake";
	assert_int_equal(run_with_path(path, f, &verb, &err), 0);
	assert_string_equal(f->output, "named\n");
}

static void installing_the_runtime_later_is_enough(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	cleanup_free char *before = copy_path();
	struct engine *engine;
	char own[128];
	struct error err;
	int without, with;

	f->options.binary_name = NULL;
	(void)snprintf(own, sizeof(own), "%s/rustbox-runtime", f->folder);
	assert_int_equal(setenv("PATH", f->folder, 1), 0);
	engine = engine_new(f->reaper, &err);
	without = engine_run(engine, "ns", &verb, &err);
	write_program(own, "exit 0");
	with = engine_run(engine, "ns", &verb, &err);
	assert_int_equal(setenv("PATH", before, 1), 0);
	assert_int_equal(without, -1);
	assert_int_equal(with, 0);
	run_until(f, &f->calls, 1);
	assert_null(f->failure);
	engine_free(engine);
}

static void waiting_gives_the_same(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	cleanup_free char *output = NULL;
	struct error err;

	write_program(f->runtime, "echo \"$2\"");
	verb.wants_output = true;
	assert_int_equal(engine_run_and_wait("ns", &verb, -1, &output, &err), 0);
	assert_true(str_ends_with(output, "/deep/root/ns\n"));
	free(move_ptr(&output));
	assert_int_equal(engine_run_and_wait(NULL, &verb, SAFETY_MS, &output, &err), 0);
	assert_true(str_ends_with(output, "/deep/root\n"));
	assert_int_equal(engine_run_and_wait("ns", &verb, SAFETY_MS, NULL, &err), 0);
	free(move_ptr(&output));
	write_program(f->runtime, "log error 'no such container'; exit 1");
	assert_int_equal(engine_run_and_wait("ns", &verb, SAFETY_MS, &output, &err), -1);
	assert_string_equal(err.text, "no such container");
	assert_null(output);
	f->options.binary_name = f->folder;
	assert_int_equal(engine_run_and_wait("ns", &verb, SAFETY_MS, NULL, &err), -1);
	assert_int_equal(err.code, EACCES);
}

static void waiting_has_an_end(void **state)
{
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);
	cleanup_fd int pidfd = process_pidfd_open(getpid());
	struct error err;
	int in[2], status;

	if (pidfd < 0) {
		print_message("there is no pidfd_open here, and without it no time-out\n");
		skip();
	}
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	const int stdio[] = { in[0], -1, -1 };
	verb.stdio = stdio;
	write_program(f->runtime, "cat; :");
	assert_int_equal(engine_run_and_wait("ns", &verb, 50, NULL, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_string_equal(err.text, "fake create: still running after 50 ms, killed");
	while (waitpid(-1, &status, 0) > 0) /* the orphan is ours, and killed as well */
		;
	(void)close(in[0]);
	(void)close(in[1]);
}

static void pids_are_read(void **state)
{
	static const struct {
		const char *text;
		int pid; /* 0: none */
	} rows[] = { { "1234", 1234 },
		     { "7\n", 7 },
		     { "2147483647", 2147483647 },
		     { "", 0 },
		     { "0", 0 },
		     { "-5", 0 },
		     { "12x", 0 },
		     { "1 2", 0 },
		     { "2147483648", 0 },
		     { "99999999999999999999999999999999999999999999", 0 } };
	struct fixture *f = *state;
	struct error err;
	pid_t pid = -1;

	assert_int_equal(engine_read_pid(f->directory, "missing", &pid, &err), -1);
	assert_int_equal(err.code, ENOENT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid = -1;
		assert_int_equal(fd_replace_file(f->directory, "p", rows[i].text,
						 strlen(rows[i].text), 0600, &err),
				 0);
		assert_int_equal(engine_read_pid(f->directory, "p", &pid, &err),
				 rows[i].pid ? 0 : -1);
		assert_int_equal(pid, rows[i].pid ? rows[i].pid : -1);
	}
}

static void runc_can_stand_in(void **state)
{
	static const char *const features[] = { "features", NULL };
	static const char *const unknown[] = { "state", "nobody", NULL };
	struct fixture *f = *state;
	struct engine_verb verb = verb_of(f);

	if (access("/usr/sbin/runc", X_OK) < 0 && access("/usr/bin/runc", X_OK) < 0) {
		print_message("runc is not installed\n");
		skip();
	}
	f->options.binary_name = (char *)(uintptr_t) "runc";
	verb.wants_output = true;
	verb.args = features;
	assert_null(run(f, &verb));
	assert_non_null(strstr(f->output, "\"ociVersionMin\""));
	verb.args = unknown;
	assert_string_equal(run(f, &verb), "container does not exist");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(arguments_are_as_runtimes_know_them),
		CASE(descriptors_are_where_they_are_looked_for),
		CASE(nothing_is_given_where_nothing_is_wanted),
		CASE(the_environment_is_ours_but_for_what_is_meant_for_us),
		CASE(failures_are_the_runtimes_own_words),
		CASE(output_comes_with_failures_too_and_has_a_limit),
		CASE(processes_that_end_early_are_not_lost),
		CASE(many_verbs_run_at_once),
		CASE(engines_may_go_before_their_verbs),
		CASE(engines_may_go_with_a_verbs_end),
		CASE(what_cannot_be_run_is_named),
		CASE(namespaces_are_names),
		CASE(our_own_runtime_is_found),
		CASE(installing_the_runtime_later_is_enough),
		CASE(waiting_gives_the_same),
		CASE(waiting_has_an_end),
		CASE(pids_are_read),
		CASE(runc_can_stand_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
