/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows neither open_tree nor execveat
/*
 * This program seals itself, in children: started with "sealed" as argument it
 * calls self_exec_seal() and then tells on standard output and waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "runtime/self_exec.h"

#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 1
#endif

/* A copy of this program on a tmpfs of our own, which nothing else protects. */
static char program[256];

static int sealed_life(char **argv)
{
	struct error err;
	char byte, name[16] = "";

	if (self_exec_seal(argv, &err) < 0) {
		dprintf(1, "error: %s", err.text);
		return 1;
	}
	(void)prctl(PR_GET_NAME, name);
	dprintf(1, "%s %s %s %s", argv[1], name, getenv("_RUSTBOX_SEALED") ? "marked" : "clean",
		getenv("TELLS_FOLDER") ? self_exec_folder()
		: getenv("KEPT")       ? getenv("KEPT")
				       : "");
	return read(0, &byte, 1) < 0;
}

struct life {
	pid_t pid;
	int input; /* closing it ends the life */
	char said[512];
};

static struct life start_with(const char *path, const char *extra_env, const char *more_env)
{
	struct life life;
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	life.pid = fork();
	assert_true(life.pid >= 0);
	if (life.pid == 0) {
		const char *const args[] = { path, "sealed", NULL };
		const char *const env[] = { "KEPT=yes", "ASAN_OPTIONS=detect_leaks=0", extra_env,
					    more_env, NULL };
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0)
			_exit(98);
		(void)execve(path, (char **)(uintptr_t)args, (char **)(uintptr_t)env);
		_exit(99);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	life.input = in[1];
	ssize_t n = read(out[0], life.said, sizeof(life.said) - 1);
	life.said[n > 0 ? n : 0] = '\0';
	(void)close(out[0]);
	return life;
}

static struct life start(const char *path, const char *extra_env)
{
	return start_with(path, extra_env, NULL);
}

static int end(struct life *life)
{
	int status;

	(void)close(life->input);
	assert_int_equal(process_wait(life->pid, &status), 0);
	return process_exit_code(status);
}

static int open_for_writing(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int set_up(void **state)
{
	char folder[] = "/tmp/self_exec_test.XXXXXX";
	struct error err;

	(void)state;
	*program = '\0';
	if (getuid() != 0)
		return 0;
	assert_non_null(mkdtemp(folder));
	if (mount("none", folder, "tmpfs", 0, NULL) < 0)
		return 0;
	(void)snprintf(program, sizeof(program), "%s/program", folder);
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *text;
	size_t size;
	assert_int_equal(fd_read_all(from, "exe", 1 << 28, &text, &size, &err), 0);
	int to = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_int_equal(fd_write_all(to, program, text, size, &err), 0);
	free(text);
	fd_close(&from);
	fd_close(&to);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (!*program)
		return 0;
	*strrchr(program, '/') = '\0';
	assert_int_equal(umount2(program, MNT_DETACH), 0);
	return rmdir(program);
}

static void needs_program(void)
{
	if (*program)
		return;
	print_message("needs root, and a mount\n");
	skip();
}

static void test_s1_second_life(void **state)
{
	(void)state;
	needs_program();
	struct life life = start(program, NULL);
	assert_string_equal(life.said, "sealed program clean yes");
	assert_int_equal(end(&life), 0);
}

static void test_s1_not_writable_while_running_nor_after(void **state)
{
	char path[64];

	(void)state;
	needs_program();
	struct life life = start(program, NULL);
	int running = open_for_writing(life.pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)life.pid);
	int held = open(path, O_PATH | O_CLOEXEC);
	assert_true(held >= 0);
	assert_int_equal(end(&life), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
	int after = open(path, O_WRONLY | O_CLOEXEC);
	int after_errno = errno;
	assert_true(running == -EROFS || running == -ETXTBSY);
	assert_int_equal(after, -1);
	assert_int_equal(after_errno, EROFS);
	fd_close(&held);
}

/* What root of another mount namespace could try through /proc. */
static int try_to_unlock(pid_t pid)
{
	struct mount_attr attributes = { .attr_clr = MOUNT_ATTR_RDONLY };
	char path[64];

	if (unshare(CLONE_NEWNS) < 0)
		return 90;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return 91;
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) == 0)
		return 1;
	if (mount("none", path, NULL, MS_REMOUNT | MS_BIND, NULL) == 0)
		return 2;
	int writable = open_for_writing(pid);
	return writable >= 0 ? 3 : 0;
}

static void test_s1_nobody_clears_the_flag(void **state)
{
	int status;

	(void)state;
	needs_program();
	struct life life = start(program, NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(try_to_unlock(life.pid));
	assert_int_equal(process_wait(pid, &status), 0);
	assert_int_equal(end(&life), 0);
	assert_int_equal(process_exit_code(status), 0);
}

static void test_without_open_tree_a_copy_in_memory(void **state)
{
	char path[64], target[256];

	(void)state;
	needs_program();
	/* what is unlinked cannot be found in its folder, so it is copied */
	char *copy = strdup(program);
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(copy, O_RDONLY);
		char by_fd[64];
		(void)snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
		(void)unlink(copy);
		struct life life = start(by_fd, NULL);
		(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)life.pid);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		int writable = open_for_writing(life.pid);
		bool right = strncmp(life.said, "sealed ", 7) == 0 && strstr(target, "memfd:") &&
			     (writable == -ETXTBSY || writable == -EPERM);
		if (!right)
			(void)fprintf(stderr, "said %s, exe %s, open %d\n", life.said, target,
				      writable);
		_exit(end(&life) == 0 && right ? 0 : 1);
	}
	free(copy);
	assert_int_equal(process_wait(pid, &status), 0);
	assert_int_equal(process_exit_code(status), 0);
}

static void test_no_endless_going_round(void **state)
{
	(void)state;
	needs_program();
	struct life life = start(program, "_RUSTBOX_SEALED=1");
	assert_non_null(strstr(life.said, "error: "));
	assert_int_equal(end(&life), 1);
}

/* The life must say that the folder is the program's. */
static void expect_folder(const char *extra_env)
{
	struct life life = start(program, extra_env);
	size_t n = (size_t)(strrchr(program, '/') - program);
	const char *said = strstr(life.said, " /");

	assert_non_null(said);
	assert_int_equal(strlen(said + 1), n);
	assert_memory_equal(said + 1, program, n);
	assert_int_equal(end(&life), 0);
}

static void test_the_folder_is_known_in_the_second_life(void **state)
{
	(void)state;
	needs_program();
	expect_folder("TELLS_FOLDER=1");
}

static void test_s1_nobody_else_names_the_folder(void **state)
{
	char *folder;

	(void)state;
	needs_program();
	folder = strdup(program);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(mount("none", folder, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	free(folder);
	struct life life = start_with(program, "TELLS_FOLDER=1", "_RUSTBOX_SEALED=/tmp");
	folder = strrchr(life.said, ' ') + 1;
	assert_int_equal(strncmp(folder, program, strlen(folder)), 0);
	assert_true(strlen(folder) > strlen("/tmp"));
	assert_int_equal(end(&life), 0);
}

static void test_already_on_a_read_only_mount(void **state)
{
	(void)state;
	needs_program();
	char *folder = strdup(program);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(mount("none", folder, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	free(folder);
	struct life life = start(program, NULL);
	assert_non_null(strstr(life.said, "sealed"));
	char path[64], target[256];
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)life.pid);
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	assert_int_equal(end(&life), 0);
	assert_string_equal(target, program); /* the first life still */
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_s1_second_life),
		TEST(test_s1_not_writable_while_running_nor_after),
		TEST(test_s1_nobody_clears_the_flag),
		TEST(test_without_open_tree_a_copy_in_memory),
		TEST(test_no_endless_going_round),
		TEST(test_already_on_a_read_only_mount),
		TEST(test_the_folder_is_known_in_the_second_life),
		TEST(test_s1_nobody_else_names_the_folder),
	};

	if (argc > 1)
		return sealed_life(argv);
	/* The mounts are for nobody else to see, and to miss again. */
	if (getuid() == 0 &&
	    (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
