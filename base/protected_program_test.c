/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it does not know open_tree
#include "base/protected_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

static char folder[64], program[96];

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/rustbox-program-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(program, sizeof(program), "%s/program", folder);
	cleanup_fd int fd = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, ELFMAG "…", SELFMAG + 1), SELFMAG + 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(program);
	return rmdir(folder);
}

static bool may_clone(void)
{
	struct error err;
	cleanup_fd int fd = protected_program_open(program, &err);

	if (fd >= 0)
		return true;
	print_message("skipped: %s\n", err.text);
	return false;
}

/* SECURITY.md S1: not even by who looks at it through /proc, and not after a change of the mount */
static void s1_nobody_can_write_to_it(void **state)
{
	struct mount_attr writable = { .attr_clr = MOUNT_ATTR_RDONLY };
	struct stat original, opened;
	struct error err;
	char path[32];

	(void)state;
	if (!may_clone())
		skip();
	cleanup_fd int fd = protected_program_open(program, &err);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &opened), 0);
	assert_int_equal(stat(program, &original), 0);
	assert_int_equal(opened.st_ino, original.st_ino);
	assert_int_equal(
		syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &writable, sizeof(writable)), -1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(open(path, O_WRONLY | O_CLOEXEC), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

static void links_and_scripts_are_refused(void **state)
{
	struct error err;
	char link[128];

	(void)state;
	if (!may_clone())
		skip();
	(void)snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink("program", link), 0);
	assert_int_equal(protected_program_open(link, &err), -1);
	assert_int_equal(err.code, ELOOP);
	assert_int_equal(unlink(link), 0);
	cleanup_fd int script = open(program, O_WRONLY | O_TRUNC | O_CLOEXEC);
	dprintf(script, "#!/bin/sh\n");
	assert_int_equal(protected_program_open(program, &err), -1);
	assert_int_equal(err.code, ENOEXEC);
}

static void what_is_not_there_is_named(void **state)
{
	struct error err;

	(void)state;
	if (!may_clone())
		skip();
	assert_int_equal(unlink(program), 0);
	assert_int_equal(protected_program_open(program, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, folder));
	assert_int_equal(protected_program_open("program", &err), -1);
	assert_int_equal(err.code, EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(s1_nobody_can_write_to_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(links_and_scripts_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_named, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
