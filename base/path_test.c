/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"

static char folder[64];
static int root = -1; /* folder/root */
static struct error err;

static int set_up(void **state)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/path_test.XXXXXX");
	if (!mkdtemp(folder) || chdir(folder) < 0 || mkdir("root", 0755) < 0 ||
	    mkdir("root/etc", 0755) < 0 || mkdir("outside", 0755) < 0)
		return -1;
	umask(022);
	root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int tear_down(void **state)
{
	fd_close(&root);
	return chdir("/") < 0 ? -1 : nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void link_to(const char *target, const char *path)
{
	assert_int_equal(symlink(target, path), 0);
}

/* Makes it, and says whether that is the file of this name of the host. */
static bool makes(const char *path, enum path_kind kind, const char *expected)
{
	cleanup_fd int fd = path_make_in_root(root, path, kind, &err);
	struct stat made, there;

	if (fd < 0 || fstat(fd, &made) < 0 || lstat(expected, &there) < 0)
		return false;
	return made.st_ino == there.st_ino && made.st_dev == there.st_dev &&
	       (kind == PATH_DIRECTORY ? S_ISDIR(made.st_mode) : S_ISREG(made.st_mode));
}

static void makes_what_is_missing(void **state)
{
	struct stat st;

	assert_true(makes("/a/b/c", PATH_DIRECTORY, "root/a/b/c"));
	assert_true(makes("a/b/c", PATH_DIRECTORY, "root/a/b/c"));
	assert_true(makes("/a//b/./f", PATH_FILE, "root/a/b/f"));
	assert_true(makes("/x/y/", PATH_DIRECTORY, "root/x/y"));
	assert_true(makes("/", PATH_DIRECTORY, "root"));
	assert_true(makes("", PATH_DIRECTORY, "root"));
	assert_int_equal(stat("root/a/b", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat("root/a/b/f", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void s4_links_end_at_the_root(void **state)
{
	char target[128];

	(void)snprintf(target, sizeof(target), "%s/outside", folder);
	link_to(target, "root/absolute");
	link_to("../../outside", "root/etc/up");
	assert_true(makes("/etc/up/x", PATH_DIRECTORY, "root/outside/x"));
	assert_true(makes("/../../q", PATH_DIRECTORY, "root/q"));
	(void)snprintf(target, sizeof(target), "root%s/outside/y", folder);
	assert_true(makes("/absolute/y", PATH_FILE, target));
	assert_int_equal(rmdir("outside"), 0); /* empty still */
}

static void dangling_links_are_followed_when_making(void **state)
{
	link_to("/real/deep", "root/etc/first");
	link_to("first/more", "root/etc/second");
	assert_true(makes("/etc/second/file", PATH_FILE, "root/real/deep/more/file"));
	link_to("/tmp/hosts", "root/etc/hosts");
	assert_true(makes("/etc/hosts", PATH_FILE, "root/tmp/hosts"));
	link_to("folder/", "root/etc/slash");
	assert_true(makes("/etc/slash", PATH_DIRECTORY, "root/etc/folder"));
}

static void endless_links_are_an_error(void **state)
{
	link_to("b", "root/etc/a");
	link_to("a", "root/etc/b");
	link_to("x/../grow", "root/etc/grow");
	assert_int_equal(path_make_in_root(root, "/etc/a/c", PATH_DIRECTORY, &err), -1);
	assert_int_equal(err.code, ELOOP);
	assert_int_equal(path_make_in_root(root, "/etc/grow", PATH_DIRECTORY, &err), -1);
}

static void dots_behind_what_is_missing_are_refused(void **state)
{
	assert_int_equal(path_make_in_root(root, "/no/../etc/x", PATH_FILE, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_true(makes("/etc/../etc/x", PATH_FILE, "root/etc/x"));
}

static void a_file_is_no_folder(void **state)
{
	assert_true(makes("/etc/file", PATH_FILE, "root/etc/file"));
	assert_int_equal(path_make_in_root(root, "/etc/file/x", PATH_FILE, &err), -1);
	assert_int_equal(err.code, ENOTDIR);
	/* what is there is taken as it is */
	cleanup_fd int fd = path_make_in_root(root, "/etc/file", PATH_DIRECTORY, &err);
	assert_true(fd >= 0);
}

static void parents_are_opened(void **state)
{
	const char *name = NULL;
	cleanup_fd int fd = path_open_parent_in_root(root, "/new/place/name", &name, &err);
	struct stat st;

	assert_true(fd >= 0);
	assert_string_equal(name, "name");
	assert_int_equal(stat("root/new/place", &st), 0);
	assert_int_equal(path_open_parent_in_root(root, "/new/..", &name, &err), -1);
	assert_int_equal(path_open_parent_in_root(root, "/new/", &name, &err), -1);
}

static void magic_links_are_refused(void **state)
{
	int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(path_open_in_root(slash, "/proc/self/root/etc", O_PATH, &err), -1);
	assert_int_equal(err.code, ELOOP);
	fd_close(&slash);
}

/* S4: somebody swaps a folder for a link out of the root while we make things below. */
static void s4_nothing_is_made_outside_in_a_race(void **state)
{
	pid_t pid;

	assert_int_equal(mkdir("root/etc/d", 0755), 0);
	link_to("../../outside", "root/etc/l");
	pid = fork();
	if (pid == 0) {
		for (;;)
			(void)renameat2(root, "etc/d", root, "etc/l", RENAME_EXCHANGE);
	}
	for (int i = 0; i < 20000; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/etc/d/%d/x", i);
		int fd = path_make_in_root(root, path, i % 2 ? PATH_FILE : PATH_DIRECTORY, &err);

		fd_close(&fd);
	}
	process_kill_and_reap(pid);
	assert_int_equal(rmdir("outside"), 0); /* empty still */
}

static void paths_are_cleaned(void **state)
{
	static const char *const cases[][2] = {
		{ "/a/./b//../c/", "/a/c" }, { "/..", "/" }, { "/", "/" },
		{ "a/../..", ".." },	     { "", "." },    { ".", "." },
		{ "../a", "../a" },	     { "//", "/" },  { "../../a/..", "../.." },
		{ "/a/b/../../..", "/" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *clean = path_clean(cases[i][0], &err);

		assert_string_equal(clean, cases[i][1]);
		free(clean);
	}
}

static void s6_procfs_files_are_verified(void **state)
{
	cleanup_fd int procfs = path_open_procfs(&err);
	char path[64];

	assert_true(procfs >= 0);
	(void)snprintf(path, sizeof(path), "%d/comm", (int)getpid());
	assert_int_equal(path_write_procfs(procfs, path, "renamed", &err), 0);
	assert_int_equal(path_open_in_procfs(procfs, "self/comm", O_RDONLY, &err), -1);
	assert_int_equal(err.code, ELOOP);
	assert_int_equal(path_open_in_procfs(procfs, "../etc", O_RDONLY, &err), -1);
	(void)snprintf(path, sizeof(path), "%d/exe", (int)getpid());
	assert_int_equal(path_open_in_procfs(procfs, path, O_RDONLY, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_what_is_missing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(s4_links_end_at_the_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dangling_links_are_followed_when_making, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(endless_links_are_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dots_behind_what_is_missing_are_refused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_file_is_no_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(parents_are_opened, set_up, tear_down),
		cmocka_unit_test(magic_links_are_refused),
		cmocka_unit_test_setup_teardown(s4_nothing_is_made_outside_in_a_race, set_up,
						tear_down),
		cmocka_unit_test(paths_are_cleaned),
		cmocka_unit_test(s6_procfs_files_are_verified),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
