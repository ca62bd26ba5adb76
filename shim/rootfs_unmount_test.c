/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows no openat2
#include "shim/rootfs_test.h"

static void mount_tmpfs(const char *at)
{
	CHECK(mount("tmpfs", at, "tmpfs", 0, "mode=755") == 0);
}

static void fails(const char *path, const char *text)
{
	CHECK(rootfs_unmount(path, &err) == -1);
	if (!strstr(err.text, text)) {
		fprintf(stderr, "expected: %s\nfound: %s\n", text, err.text);
		_exit(1);
	}
}

static void nothing_mounted(void)
{
	unmount_well();
	CHECK(rootfs_unmount(in_folder("missing"), &err) == 0);
	CHECK(rootfs_unmount(in_folder("missing/folder"), &err) == 0);
	CHECK(rootfs_unmount(in_folder("missing/../missing/"), &err) == 0);
	write_file("file", "");
	CHECK(rootfs_unmount(in_folder("file/rootfs"), &err) == 0);
}

static void not_a_root(void)
{
	fails("/", "not the path of a root file system");
	fails("//..//", "not the path of a root file system");
	fails("", "not the path of a root file system");
	fails("rootfs", "not the path of a root file system");
}

static void is_mounted_itself(void)
{
	make_folders("rootfs/a");
	CHECK(!rootfs_is_mounted(in_folder("rootfs")));
	CHECK(!rootfs_is_mounted(in_folder("missing/rootfs")));
	mount_tmpfs("rootfs/a");
	CHECK(!rootfs_is_mounted(in_folder("rootfs")));
	mount_tmpfs("rootfs");
	CHECK(rootfs_is_mounted(in_folder("rootfs")));
	CHECK(symlink("rootfs", in_folder("link")) == 0);
	CHECK(!rootfs_is_mounted(in_folder("link")));
	CHECK(unlink(in_folder("link")) == 0);
	unmount_well();
	CHECK(!rootfs_is_mounted(in_folder("rootfs")));
}

static void at_once(void)
{
	CHECK(rootfs_unmount_at_once(in_folder("rootfs")));
	mount_tmpfs("rootfs");
	mount_tmpfs("rootfs");
	CHECK(rootfs_unmount_at_once(in_folder("rootfs")));
	CHECK(!rootfs_is_mounted(in_folder("rootfs")));
	mount_tmpfs("rootfs");
	make_folders("rootfs/a");
	mount_tmpfs("rootfs/a");
	CHECK(!rootfs_unmount_at_once(in_folder("rootfs")));
	CHECK(count_mounts(in_folder("rootfs")) == 2);
	unmount_well();
	CHECK(symlink("rootfs", in_folder("link")) == 0);
	mount_tmpfs("rootfs");
	(void)rootfs_unmount_at_once(in_folder("link"));
	CHECK(rootfs_is_mounted(in_folder("rootfs")));
	CHECK(unlink(in_folder("link")) == 0);
	unmount_well();
}

static void stacked_and_nested(void)
{
	for (int i = 0; i < 3; i++)
		mount_tmpfs("rootfs");
	make_folders("rootfs/a/b");
	mount_tmpfs("rootfs/a");
	mount_tmpfs("rootfs/a");
	make_folders("rootfs/a/b c\\040");
	mount_tmpfs("rootfs/a/b c\\040");
	make_folders("rootfs/a/b c\\040/new\nline");
	mount_tmpfs("rootfs/a/b c\\040/new\nline");
	CHECK(count_mounts(in_folder("rootfs")) == 7);
	unmount_well();
}

static void mounts_without_one_at_the_root(void)
{
	make_folders("rootfs/a");
	mount_tmpfs("rootfs/a");
	unmount_well();
}

/* A mount under a later one cannot be reached before that is gone. */
static void hidden_mounts(void)
{
	make_folders("rootfs/a/b");
	mount_tmpfs("rootfs/a/b");
	mount_tmpfs("rootfs/a");
	mount_tmpfs("rootfs");
	CHECK(count_mounts(in_folder("rootfs")) == 3);
	unmount_well();
	CHECK(access("rootfs/a/b", F_OK) == 0);
}

static void whole_components_are_compared(void)
{
	make_folders("rootfs-2");
	mount_tmpfs("rootfs-2");
	mount_tmpfs("rootfs");
	unmount_well();
	CHECK(count_mounts(in_folder("rootfs-2")) == 1);
}

static void path_is_made_canonical(void)
{
	mount_tmpfs("rootfs");
	CHECK(symlink(folder, "link") == 0);
	CHECK(rootfs_unmount(in_folder("link/./link//rootfs/"), &err) == 0);
	CHECK(count_mounts(in_folder("rootfs")) == 0);
}

static void s4_a_link_is_not_followed(void)
{
	make_folders("elsewhere");
	mount_tmpfs("elsewhere");
	CHECK(rmdir("rootfs") == 0 && symlink("elsewhere", "rootfs") == 0);
	unmount_well();
	CHECK(count_mounts(in_folder("elsewhere")) == 1);
}

/*
 * A container renames a folder that has a mount below, and puts a link to the
 * host in its place. Here that comes before mountinfo is read, so the names
 * there are the new ones: both ways the host's mount has to stay.
 */
static void s4_a_link_in_the_container_leads_nowhere(void)
{
	make_folders("elsewhere/mount");
	mount_tmpfs("elsewhere/mount");
	mount_tmpfs("rootfs");
	make_folders("rootfs/a/mount");
	mount_tmpfs("rootfs/a/mount");
	CHECK(rename("rootfs/a", "rootfs/b") == 0);
	CHECK(symlink(in_folder("elsewhere"), "rootfs/a") == 0);
	unmount_well();
	CHECK(count_mounts(in_folder("elsewhere")) == 1);
}

/* A process that has its current directory there, until it is told to leave. */
static pid_t sit_in(const char *path, int *ret_leave)
{
	int ready[2], leave[2];
	char byte;

	CHECK(pipe2(ready, O_CLOEXEC) == 0 && pipe2(leave, O_CLOEXEC) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(chdir(path) == 0);
		close(leave[1]);
		CHECK(write(ready[1], "", 1) == 1);
		(void)!read(leave[0], &byte, 1);
		_exit(0);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	close(ready[1]);
	close(leave[0]);
	*ret_leave = leave[1];
	return pid;
}

static void busy(void)
{
	int leave, status;

	mount_tmpfs("rootfs");
	make_folders("rootfs/a");
	mount_tmpfs("rootfs/a");
	pid_t pid = sit_in("rootfs", &leave);
	fails(in_folder("rootfs"), "rootfs: Device or resource busy (a process has it");
	CHECK(count_mounts(in_folder("rootfs")) == 1); /* what is below is gone */
	close(leave);
	CHECK(process_wait(pid, &status) == 0);
	unmount_well();
}

/* Whoever is there leaves while we try. */
static void busy_for_a_while(void)
{
	int leave, status;

	mount_tmpfs("rootfs");
	pid_t pid = sit_in("rootfs", &leave), unmounter = fork();

	CHECK(unmounter >= 0);
	if (unmounter == 0) {
		close(leave);
		_exit(rootfs_unmount(in_folder("rootfs"), &err) == 0 ? 0 : 1);
	}
	close(leave);
	CHECK(process_wait(pid, &status) == 0);
	CHECK(process_wait(unmounter, &status) == 0 && status == 0);
	CHECK(count_mounts(in_folder("rootfs")) == 0);
}

static void shared_mounts(void)
{
	CHECK(mount(NULL, folder, NULL, MS_SHARED, NULL) == 0);
	make_folders("peer");
	make_folders("rootfs/a");
	CHECK(mount(folder, "peer", NULL, MS_BIND, NULL) == 0);
	mount_tmpfs("rootfs/a");
	mount_tmpfs("rootfs");
	CHECK(count_mounts(in_folder("peer/rootfs")) == 2);
	unmount_well();
	CHECK(count_mounts(in_folder("peer/rootfs")) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_mounted),
		TEST(not_a_root),
		TEST(is_mounted_itself),
		TEST(at_once),
		TEST(stacked_and_nested),
		TEST(mounts_without_one_at_the_root),
		TEST(hidden_mounts),
		TEST(whole_components_are_compared),
		TEST(path_is_made_canonical),
		TEST(s4_a_link_is_not_followed),
		TEST(s4_a_link_in_the_container_leads_nowhere),
		TEST(busy),
		TEST(busy_for_a_while),
		TEST(shared_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
