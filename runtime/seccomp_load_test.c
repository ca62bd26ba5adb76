/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it has no seccomp(2)
/* Filters loaded in children. */
#include "runtime/seccomp_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Forks, loads, and returns the child's wait status. */
static int in_child(const struct seccomp_filter *filter, int (*body)(int listener))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct error err;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			_exit(90);
		int listener = seccomp_load_filter(filter, &err);
		/* the plain call: a sanitizer's own wishes at the end are not in the profile */
		syscall(SYS_exit_group, listener < 0 ? 91 : body(listener));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int expects_eperm(int listener)
{
	if (listener != 0 || syscall(SYS_getcwd, NULL, 0) != -1 || errno != EPERM)
		return 1;
	return syscall(1000) == -1 && errno == ENOSYS ? 0 : 2;
}

static void test_loaded_filter_denies(void **state)
{
	struct profile p = { .config = { deny, .n_syscalls = 1 },
			     .entries = {
				     { NAMES("exit_group", "exit", "write"), .action = allow } } };

	(void)state;
	compile_ok(&p);
	assert_int_equal(in_child(&p.filter, expects_eperm), 0);
	arena_free(&p.arena);
}

static int calls_getppid(int listener)
{
	(void)listener;
	return syscall(SYS_getppid) < 0;
}

static void test_loaded_filter_kills(void **state)
{
	struct profile p = { .config = { allow, .n_syscalls = 1 },
			     .entries = { { NAMES("getppid"),
					    .action = TEXT("SCMP_ACT_KILL_PROCESS") } } };

	(void)state;
	compile_ok(&p);
	int status = in_child(&p.filter, calls_getppid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	arena_free(&p.arena);
}

static int has_listener(int listener)
{
	return listener > 0 && (fcntl(listener, F_GETFD) & FD_CLOEXEC) ? 0 : 1;
}

static void test_notify_filter_gives_a_listener(void **state)
{
	struct profile p = { .config = { allow, .flags = TEXTS("SECCOMP_FILTER_FLAG_TSYNC"),
					 .n_flags = 1, .n_syscalls = 1 },
			     .entries = { { NAMES("mkdirat"), .action = notify } } };

	(void)state;
	compile_ok(&p);
	assert_true(p.filter.notifies);
	assert_int_equal(in_child(&p.filter, has_listener), 0);
	arena_free(&p.arena);
}

static void test_loading_without_privilege_says_what_is_missing(void **state)
{
	struct profile p = { .config = { allow } };
	int status;

	(void)state;
	if (getuid() != 0) {
		print_message("needs root, to give up privileges\n");
		skip();
	}
	compile_ok(&p);
	pid_t pid = fork();
	if (pid == 0) {
		struct error err;
		if (setuid(65534) < 0)
			_exit(90);
		_exit(seccomp_load_filter(&p.filter, &err) == -1 && err.code == EACCES &&
				      strstr(err.text, "noNewPrivileges")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	arena_free(&p.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef __x86_64__
#endif
		cmocka_unit_test(test_loaded_filter_denies),
		cmocka_unit_test(test_loaded_filter_kills),
		cmocka_unit_test(test_notify_filter_gives_a_listener),
		cmocka_unit_test(test_loading_without_privilege_says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
