/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "shim/background.h"

enum { SAFETY_MS = 60000 };

struct fixture {
	struct loop loop;
	struct reaper *reaper;
	int calls;
	char *failure; /* a copy */
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err;

	assert_non_null(f);
	assert_int_equal(loop_init(&f->loop, &err), 0);
	f->reaper = reaper_new(&f->loop, &err);
	assert_non_null(f->reaper);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int status;

	while (waitpid(-1, &status, 0) > 0)
		;
	reaper_free(f->reaper);
	loop_done(&f->loop);
	free(f->failure);
	free(f);
	return prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void done(void *data, const char *failure)
{
	struct fixture *f = data;

	f->calls++;
	free(f->failure);
	f->failure = failure ? strdup(failure) : NULL;
}

/* Runs it to its end, and gives the failure. */
static const char *outcome(struct fixture *f, int (*work)(void *, struct error *), void *work_data,
			   const int *keep, size_t n_keep)
{
	struct error err;
	int before = f->calls;

	assert_int_equal(background_run(f->reaper, work, work_data, keep, n_keep, done, f, &err),
			 0);
	assert_int_equal(f->calls, before);
	while (f->calls == before)
		assert_int_equal(loop_run_once(&f->loop, SAFETY_MS, &err), 0);
	assert_int_equal(f->calls, before + 1);
	return f->failure;
}

static int write_to(void *data, struct error *err)
{
	return fd_write_all(*(int *)data, "test", "done", 4, err);
}

static void work_is_done_in_a_child(void **state)
{
	cleanup_fd int file = memfd_create("test", MFD_CLOEXEC);
	const int keep[] = { -1, file };
	char text[8] = "";

	assert_null(outcome(*state, write_to, &file, keep, 2));
	assert_int_equal(pread(file, text, sizeof(text), 0), 4);
	assert_string_equal(text, "done");
}

static void only_what_is_kept_is_open(void **state)
{
	cleanup_fd int file = memfd_create("test", MFD_CLOEXEC);
	cleanup_fd int other = memfd_create("other", MFD_CLOEXEC);

	assert_non_null(strstr(outcome(*state, write_to, &file, NULL, 0), "Bad file descriptor"));
	assert_non_null(strstr(outcome(*state, write_to, &file, &other, 1), "Bad file descriptor"));
}

static int fail_long(void *data, struct error *err)
{
	(void)data;
	memset(err->text, 'x', sizeof(err->text) - 1);
	err->text[sizeof(err->text) - 1] = '\0';
	return -1;
}

static int fail_silently(void *data, struct error *err)
{
	(void)data;
	return error_set(err, 0, "%s", "");
}

static int die(void *data, struct error *err)
{
	(void)err;
	return raise(*(int *)data);
}

static void failures_come_back(void **state)
{
	int signal = SIGKILL;

	assert_int_equal(strlen(outcome(*state, fail_long, NULL, NULL, 0)), ERROR_TEXT_SIZE - 1);
	assert_string_equal(outcome(*state, fail_silently, NULL, NULL, 0),
			    "work in the background: exited with status 1");
	assert_string_equal(outcome(*state, die, &signal, NULL, 0),
			    "work in the background: killed by signal 9 (Killed)");
}

static int expect_defaults(void *data, struct error *err)
{
	struct sigaction pipe, usr1;
	sigset_t mask;

	(void)data;
	(void)sigaction(SIGPIPE, NULL, &pipe);
	(void)sigaction(SIGUSR1, NULL, &usr1);
	(void)sigprocmask(SIG_BLOCK, NULL, &mask);
	if (pipe.sa_handler != SIG_IGN || usr1.sa_handler != SIG_DFL || sigismember(&mask, SIGCHLD))
		return error_set(err, 0, "signals are not as they should be");
	return 0;
}

static void signals_are_handled_by_default(void **state)
{
	(void)signal(SIGUSR1, SIG_IGN);
	assert_null(outcome(*state, expect_defaults, NULL, NULL, 0));
	(void)signal(SIGUSR1, SIG_DFL);
}

/* A process that the work has left behind does not hold up the answer. */
static int leave_a_process(void *data, struct error *err)
{
	char byte;

	if (fork() == 0) {
		(void)!read(*(int *)data, &byte, 1);
		_exit(0);
	}
	return error_set(err, 0, "left");
}

static void nobody_waits_for_what_is_left(void **state)
{
	int gate[2];

	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	assert_string_equal(outcome(*state, leave_a_process, &gate[0], &gate[0], 1), "left");
	(void)close(gate[0]);
	(void)close(gate[1]); /* and the orphan ends, which tear_down() waits for */
}

static pid_t own_pid;

static void not_for_others(void)
{
	if (getpid() != own_pid)
		abort();
}

static void exit_handlers_are_not_run(void **state)
{
	own_pid = getpid();
	assert_int_equal(atexit(not_for_others), 0);
	assert_null(outcome(*state, expect_defaults, NULL, NULL, 0));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(work_is_done_in_a_child),
		CASE(only_what_is_kept_is_open),
		CASE(failures_come_back),
		CASE(signals_are_handled_by_default),
		CASE(nobody_waits_for_what_is_left),
		CASE(exit_handlers_are_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
