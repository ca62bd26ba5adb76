/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it does not know clone3, and what is tested is the child
#include "shim/engine_local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"

static char root[64];

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(root, sizeof(root), "/tmp/rustbox-local-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(root);
}

/* The exit status; its log is in `text`. */
static int run(const struct engine_verb *verb, char *text, size_t size)
{
	cleanup_fd int log = memfd_create("log", MFD_CLOEXEC);
	struct error err;
	int status = 0;

	assert_true(engine_local_knows(verb));
	pid_t pid = engine_local_start(verb, root, log, &err);
	assert_true(pid > 0);
	assert_int_equal(process_wait(pid, &status), 0);
	ssize_t n = pread(log, text, size - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return status;
}

static void failures_are_in_the_log(void **state)
{
	const char *const args[] = { "start", "nobody", NULL };
	const struct engine_verb verb = { .args = args, .directory = -1 };
	char text[1024];

	(void)state;
	assert_int_equal(process_exit_code(run(&verb, text, sizeof(text))), 1);
	assert_non_null(strstr(text, "\"level\":\"error\""));
	assert_non_null(strstr(text, "start"));
	assert_non_null(strstr(text, "nobody"));
}

static void what_is_not_there_is_deleted(void **state)
{
	const char *const args[] = { "delete", "--force", "nobody", NULL };
	const struct engine_verb verb = { .args = args, .directory = -1 };
	char text[1024];

	(void)state;
	assert_int_equal(run(&verb, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

/* A group of its own, which ends with a signal to it: that of a delete that waits for a lock. */
static void it_can_be_killed_and_holds_the_folder(void **state)
{
	const char *const args[] = { "delete", "--force", "one", NULL };
	struct engine_verb verb = { .args = args };
	cleanup_fd int log = memfd_create("log", MFD_CLOEXEC), state_lock = -1, again = -1;
	char path[128];
	struct error err;
	int status;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/one", root);
	assert_int_equal(mkdir(path, 0700), 0);
	state_lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(state_lock, LOCK_EX), 0);
	verb.directory = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(verb.directory, LOCK_EX), 0);

	pid_t pid = engine_local_start(&verb, root, log, &err);
	assert_true(pid > 0);
	assert_int_equal(getpgid(pid), pid);
	(void)close(verb.directory);
	again = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(again, LOCK_EX | LOCK_NB), -1);
	assert_int_equal(kill(-pid, SIGKILL), 0);
	assert_int_equal(process_wait(pid, &status), 0);
	assert_int_equal(process_exit_code(status), 128 + SIGKILL);
	assert_int_equal(flock(again, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(rmdir(path), 0);
}

/* Nor is anything of it gone then, whose owner is to be asked. */
static void what_is_held_or_unclear_is_not_deleted_at_once(void **state)
{
	static char other[] = "crun";
	char space[96], path[128];
	struct runtime_options options = { .root = root };
	cleanup_fd int held = -1;

	(void)state;
	(void)snprintf(space, sizeof(space), "%s/space", root);
	(void)snprintf(path, sizeof(path), "%s/one", space);
	assert_false(engine_delete_at_once(&options, "space", "nobody"));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(engine_delete_at_once(&options, "space", "one")); /* without a state */
	held = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(held, LOCK_EX), 0);
	assert_false(engine_delete_at_once(&options, "space", "one"));
	options.systemd_cgroup = true;
	assert_false(engine_delete_at_once(&options, "space", "one"));
	options = (struct runtime_options){ .root = root, .binary_name = other };
	assert_false(engine_delete_at_once(&options, "space", "one"));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(space), 0);
}

static void other_verbs_are_the_programs(void **state)
{
	static const char *const others[][5] = {
		{ "create", "--bundle", "/b", "x" },
		{ "exec", "x" },
		{ "delete", "x" },
		{ "kill", "--all", "x", "KILL" },
		{ "start" },
		{ "start", "x", "y" },
		{ "delete", "--force" },
		{ "start-all", "x" },
	};
	const struct runtime_options systemd = { .systemd_cgroup = true };
	const char *const args[] = { "start", "x", NULL };
	struct engine_verb verb = { .directory = -1 };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		verb.args = others[i];
		assert_false(engine_local_knows(&verb));
	}
	verb.args = args;
	assert_true(engine_local_knows(&verb));
	verb.options = &systemd;
	assert_false(engine_local_knows(&verb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(failures_are_in_the_log),
		TEST(what_is_not_there_is_deleted),
		TEST(it_can_be_killed_and_holds_the_folder),
		TEST(what_is_held_or_unclear_is_not_deleted_at_once),
		TEST(other_verbs_are_the_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
