/* SPDX-License-Identifier: Apache-2.0 */
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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "shim/reaper.h"

enum { SAFETY_MS = 60000 };

struct fixture {
	struct loop loop;
	struct reaper *reaper;
	int gate[2]; /* children read from it: they end when our side is closed */
	int out[2];  /* and write here */
};

struct watched {
	struct reaper_child child;
	struct fixture *fixture;
	int ends, status;
	struct timespec when;
	struct watched *forgets, *watches;
	pid_t next_pid;
};

static void ended(struct reaper_child *child, int status, const struct timespec *when)
{
	struct watched *w = loop_owner(child, struct watched, child);

	assert_int_equal(child->pid, 0);
	w->ends++;
	w->status = status;
	w->when = *when;
	if (w->forgets)
		reaper_forget(w->fixture->reaper, &w->forgets->child);
	if (w->watches)
		reaper_watch(w->fixture->reaper, &w->watches->child, w->next_pid);
}

static struct watched watched_in(struct fixture *f)
{
	return (struct watched){ .child.ended = ended, .fixture = f };
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err;

	assert_non_null(f);
	assert_int_equal(loop_init(&f->loop, &err), 0);
	f->reaper = reaper_new(&f->loop, &err);
	assert_non_null(f->reaper);
	assert_int_equal(pipe2(f->gate, O_CLOEXEC), 0);
	assert_int_equal(pipe2(f->out, O_CLOEXEC), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	int status;

	fd_close(&f->gate[1]);
	while (waitpid(-1, &status, 0) > 0) /* also what a failed case has left: the gate is open */
		;
	reaper_free(f->reaper);
	loop_done(&f->loop);
	fd_close(&f->gate[0]);
	fd_close(&f->out[0]);
	fd_close(&f->out[1]);
	free(f);
	return prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static pid_t start(struct fixture *f, const char *script)
{
	const int fds[] = { f->gate[0], f->out[1], -1 };
	char *args[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
			 (char *)(uintptr_t)script, NULL };
	struct process_spawn spawn = { .path = "/bin/sh", .args = args, .fds = fds, .n_fds = 3 };
	struct error err;
	pid_t pid = process_spawn(&spawn, &err);

	assert_true(pid > 0);
	return pid;
}

static void open_gate(struct fixture *f)
{
	fd_close(&f->gate[1]);
}

static void run_until(struct fixture *f, const int *counter, int wanted)
{
	struct error err;

	while (*counter < wanted) {
		int before = *counter;
		assert_int_equal(loop_run_once(&f->loop, SAFETY_MS, &err), 0);
		assert_true(*counter >= before);
	}
	assert_int_equal(*counter, wanted);
}

/* Until a process is reaped: then its number is nobody's. */
static void run_until_gone(struct fixture *f, pid_t pid)
{
	struct error err;

	while (kill(pid, 0) == 0)
		assert_int_equal(loop_run_once(&f->loop, SAFETY_MS, &err), 0);
}

static pid_t read_pid(struct fixture *f)
{
	char text[32];
	ssize_t n = read(f->out[0], text, sizeof(text) - 1);
	uint64_t pid;

	assert_true(n > 1);
	text[n - 1] = '\0';
	assert_true(str_to_uint(text, 10, INT32_MAX, &pid));
	return (pid_t)pid;
}

static void ends_are_told_once(void **state)
{
	struct fixture *f = *state;
	struct watched a = watched_in(f), b = watched_in(f);
	struct timespec before, after;

	(void)clock_gettime(CLOCK_REALTIME, &before);
	pid_t pid = start(f, "exit 7");
	reaper_watch(f->reaper, &a.child, pid);
	assert_int_equal(a.child.pid, pid);
	reaper_watch(f->reaper, &b.child, start(f, "kill -TERM $$"));
	run_until(f, &a.ends, 1);
	run_until(f, &b.ends, 1);
	(void)clock_gettime(CLOCK_REALTIME, &after);
	assert_int_equal(process_exit_code(a.status), 7);
	assert_int_equal(process_exit_code(b.status), 128 + SIGTERM);
	assert_in_range(a.when.tv_sec, before.tv_sec, after.tv_sec);
	assert_int_equal(kill(pid, 0), -1);
}

static void forgotten_and_unknown_ends_are_discarded(void **state)
{
	struct fixture *f = *state;
	struct watched forgotten = watched_in(f), last = watched_in(f);
	pid_t unknown = start(f, "exit 1"), pid = start(f, "read -r _");

	reaper_watch(f->reaper, &forgotten.child, pid);
	reaper_forget(f->reaper, &forgotten.child);
	reaper_forget(f->reaper, &forgotten.child);
	assert_int_equal(forgotten.child.pid, 0);
	open_gate(f);
	run_until_gone(f, unknown);
	run_until_gone(f, pid);
	assert_int_equal(forgotten.ends, 0);
	/* No hold, nothing kept: nobody knows how it ended. */
	reaper_watch(f->reaper, &last.child, unknown);
	assert_int_equal(last.ends, 1);
	assert_int_equal(process_exit_code(last.status), 128 + SIGKILL);
}

static void what_ends_while_held_is_found(void **state)
{
	struct fixture *f = *state;
	struct watched a = watched_in(f), b = watched_in(f), late = watched_in(f);

	reaper_hold(f->reaper);
	reaper_hold(f->reaper);
	pid_t first = start(f, "exit 3"), second = start(f, "exit 4"), third = start(f, "exit 5");
	run_until_gone(f, first);
	run_until_gone(f, second);
	run_until_gone(f, third);
	reaper_watch(f->reaper, &a.child, first);
	assert_int_equal(a.ends, 1);
	assert_int_equal(process_exit_code(a.status), 3);
	reaper_release(f->reaper);
	reaper_watch(f->reaper, &b.child, second);
	assert_int_equal(process_exit_code(b.status), 4);
	reaper_release(f->reaper);
	reaper_watch(f->reaper, &late.child, third);
	assert_int_equal(process_exit_code(late.status), 128 + SIGKILL);
}

static void more_is_held_than_is_ever_asked_for(void **state)
{
	struct fixture *f = *state;
	struct watched w = watched_in(f);

	reaper_hold(f->reaper);
	/* As many orphans as one round takes, and some. */
	pid_t pid = start(f, "i=0; while [ $i -lt 300 ]; do (exit 9) & i=$((i+1)); done; exit 6");
	run_until_gone(f, pid);
	reaper_watch(f->reaper, &w.child, pid);
	assert_int_equal(process_exit_code(w.status), 6);
	reaper_release(f->reaper);
}

static void orphans_come_to_us(void **state)
{
	struct fixture *f = *state;
	struct watched verb = watched_in(f), orphan = watched_in(f);

	reaper_hold(f->reaper);
	reaper_watch(f->reaper, &verb.child,
		     start(f, "exec 3<&0; sh -c 'echo $$; read -r _ <&3; exit 11' & exit 0"));
	run_until(f, &verb.ends, 1);
	reaper_watch(f->reaper, &orphan.child, read_pid(f));
	reaper_release(f->reaper);
	assert_int_equal(orphan.ends, 0);
	open_gate(f);
	run_until(f, &orphan.ends, 1);
	assert_int_equal(process_exit_code(orphan.status), 11);
}

static void ends_may_change_what_is_watched(void **state)
{
	struct fixture *f = *state;
	struct watched a = watched_in(f), b = watched_in(f), next = watched_in(f);
	pid_t first = start(f, "exit 0"), second = start(f, "read -r _");

	next.next_pid = start(f, "read -r _; exit 2");
	a.forgets = &b;
	a.watches = &next;
	a.next_pid = next.next_pid;
	reaper_watch(f->reaper, &a.child, first);
	reaper_watch(f->reaper, &b.child, second);
	run_until(f, &a.ends, 1);
	open_gate(f);
	run_until(f, &next.ends, 1);
	run_until_gone(f, second);
	assert_int_equal(b.ends, 0);
	assert_int_equal(process_exit_code(next.status), 2);
}

static void free_owner(struct reaper_child *child, int status, const struct timespec *when)
{
	struct watched *w = loop_owner(child, struct watched, child);
	struct watched *counter = w->watches;

	(void)status;
	(void)when;
	counter->ends++;
	free(w);
}

static void owners_may_go_with_the_end(void **state)
{
	struct fixture *f = *state;
	struct watched counter = watched_in(f);

	for (int i = 0; i < 100; i++) {
		struct watched *w = calloc(1, sizeof(*w));
		assert_non_null(w);
		*w = (struct watched){ .child.ended = free_owner, .watches = &counter };
		reaper_watch(f->reaper, &w->child, start(f, "read -r _"));
	}
	open_gate(f);
	run_until(f, &counter.ends, 100);
}

/* A parent that ignores SIGCHLD has its children reaped without being told. */
static void ignored_signals_are_put_right(void **state)
{
	struct fixture *f = *state;
	struct watched w = watched_in(f);
	struct error err;

	reaper_free(f->reaper);
	(void)signal(SIGCHLD, SIG_IGN);
	f->reaper = reaper_new(&f->loop, &err);
	assert_non_null(f->reaper);
	reaper_watch(f->reaper, &w.child, start(f, "exit 12"));
	run_until(f, &w.ends, 1);
	assert_int_equal(process_exit_code(w.status), 12);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(ends_are_told_once),
		CASE(forgotten_and_unknown_ends_are_discarded),
		CASE(what_ends_while_held_is_found),
		CASE(more_is_held_than_is_ever_asked_for),
		CASE(orphans_come_to_us),
		CASE(ends_may_change_what_is_watched),
		CASE(owners_may_go_with_the_end),
		CASE(ignored_signals_are_put_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
