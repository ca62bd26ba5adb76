/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/engine_test.h"

#include <signal.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(failures_are_the_runtimes_own_words),
		CASE(output_comes_with_failures_too_and_has_a_limit),
		CASE(processes_that_end_early_are_not_lost),
		CASE(many_verbs_run_at_once),
		CASE(engines_may_go_before_their_verbs),
		CASE(engines_may_go_with_a_verbs_end),
		CASE(waiting_gives_the_same),
		CASE(waiting_has_an_end),
		CASE(pids_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
