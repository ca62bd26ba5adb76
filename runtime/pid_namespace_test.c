/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "runtime/pid_namespace.h"

/* Init of a namespace, and a process in one below that; both wait for their end. */
static pid_t start_init(int *ret_pidfd)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = process_clone(CLONE_NEWPID, -1, ret_pidfd);
	if (pid == 0) {
		if (process_clone(CLONE_NEWPID, -1, NULL) == 0) {
			(void)signal(SIGUSR1, SIG_IGN);
			(void)!write(ready[1], "x", 1);
		}
		(void)signal(SIGUSR1, SIG_IGN);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	if (pid > 0)
		assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void those_of_a_namespace_and_below(void **state)
{
	cleanup_free pid_t *pids = NULL;
	cleanup_fd int pidfd = -1;
	size_t count = 0;
	int status;
	struct error err;
	cleanup_fd int procfs = path_open_procfs(&err);

	(void)state;
	if (geteuid() != 0) {
		print_message("needs root\n");
		skip();
	}
	pid_t pid = start_init(&pidfd);
	assert_true(pid > 0);
	assert_int_equal(pid_namespace_list(procfs, pid, &pids, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_true(pids[0] == pid || pids[1] == pid);
	assert_true(pids[0] < pids[1]);
	assert_int_equal(pid_namespace_signal(procfs, pid, pidfd, SIGUSR1, &err), 0);
	assert_false(process_pidfd_ended(pidfd));
	assert_int_equal(pid_namespace_signal(procfs, pid, pidfd, SIGKILL, &err), 0);
	assert_int_equal(process_wait(pid, &status), 0);
	assert_int_equal(status, SIGKILL);
	/* What has ended is no error. */
	assert_int_equal(pid_namespace_signal(procfs, pid, pidfd, SIGKILL, &err), 0);
}

static void in_our_own_it_is_init_alone(void **state)
{
	cleanup_free pid_t *pids = NULL;
	cleanup_fd int pidfd = -1;
	size_t count = 0;
	int status;
	struct error err;
	cleanup_fd int procfs = path_open_procfs(&err);
	pid_t pid = process_clone(0, -1, &pidfd);

	(void)state;
	if (pid == 0)
		for (;;)
			(void)pause();
	assert_int_equal(pid_namespace_list(procfs, pid, &pids, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pids[0], pid);
	assert_int_equal(pid_namespace_signal(procfs, pid, pidfd, SIGTERM, &err), 0);
	assert_int_equal(process_wait(pid, &status), 0);
	assert_int_equal(status, SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_of_a_namespace_and_below),
		cmocka_unit_test(in_our_own_it_is_init_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
