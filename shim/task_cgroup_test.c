/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows no openat2
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shim/task_verbs.h"

enum { REFUSED = 77 };

/* Whether a container whose init is such a child would have a cgroup. */
static bool has_cgroup(struct task *task)
{
	task_find_cgroup(task);
	if (task->oom)
		oom_watch_free(task->oom);
	return task->has_cgroup;
}

/* By what cannot be read at its beginning. */
static int cover_our_cgroups(void)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)getpid());
	return unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			       mount("/proc/self/mem", path, NULL, MS_BIND, NULL) < 0
		       ? -1
		       : 0;
}

/* The body of a child: it alone sees the mount. */
static int with_init_in_our_cgroup(bool is_covered)
{
	char name[] = "box";
	struct task_service service = { 0 };
	struct task task = { .service = &service, .id = name };
	struct loop loop;
	struct error err;
	bool found;

	if (is_covered && cover_our_cgroups() < 0)
		return REFUSED;
	if (loop_init(&loop, &err) < 0)
		return 1;
	service.loop = &loop;
	task.init.pid = fork();
	if (task.init.pid < 0)
		return 1;
	if (task.init.pid == 0) {
		for (;;)
			(void)pause();
	}
	found = has_cgroup(&task);
	(void)kill(task.init.pid, SIGKILL);
	(void)waitpid(task.init.pid, NULL, 0);
	arena_free(&task.arena);
	loop_done(&loop);
	return found;
}

static int in_child(bool is_covered)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(with_init_in_our_cgroup(is_covered));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_cgroup_shared_with_us_is_not_the_containers(void **state)
{
	assert_int_equal(in_child(false), 0);
}

/* Statistics and OOM events must not be about ourselves. */
static void nothing_is_the_containers_as_long_as_we_do_not_know_ours(void **state)
{
	int found = in_child(true);

	if (found == REFUSED)
		skip();
	assert_int_equal(found, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cgroup_shared_with_us_is_not_the_containers),
		cmocka_unit_test(nothing_is_the_containers_as_long_as_we_do_not_know_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
