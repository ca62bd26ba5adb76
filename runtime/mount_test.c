/* SPDX-License-Identifier: Apache-2.0 */
/* The usual root, and the places of mounts. */
#include "runtime/mount_test.h"

static void look_at_usual(void)
{
	char target[64] = "";
	struct stat st;

	CHECK(has_option("/dev", "nosuid") && strstr(mount_line("/dev"), " tmpfs "));
	CHECK(has_option("/sys", "ro") && has_option("/sys", "noexec"));
	CHECK(has_option("/dev/shm", "noexec") && stat("/dev/shm", &st) == 0);
	CHECK((st.st_mode & 07777) == 01777);
	CHECK(strstr(mount_line("/dev/mqueue"), " mqueue "));
	CHECK(is_device("/dev/null", 1, 3) && is_device("/dev/zero", 1, 5));
	CHECK(is_device("/dev/full", 1, 7) && is_device("/dev/random", 1, 8));
	CHECK(is_device("/dev/urandom", 1, 9) && is_device("/dev/tty", 5, 0));
	CHECK(is_device("/dev/ptmx", 5, 2));
	CHECK(readlink("/dev/fd", target, sizeof(target)) > 0 &&
	      str_equal(target, "/proc/self/fd"));
	CHECK(access("/dev/stdin", F_OK) == 0);
	CHECK((lstat("/dev/core", &st) == 0) == (access("/proc/kcore", F_OK) == 0));
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	/* S9: masks */
	CHECK(reads("/proc/version", ""));
	CHECK(access("/sys/firmware", F_OK) != 0 || cannot_write("/sys/firmware/x"));
	CHECK(has_option("/proc/sys", "ro") && has_option("/proc/uptime", "ro"));
	CHECK(cannot_write("/proc/sys/kernel/core_pattern"));
	/* the old root is gone, and "/" is the only root */
	CHECK(access("/etc/passwd", F_OK) != 0 && access("/tmp/mount_test", F_OK) != 0);
	CHECK(strstr(mount_line("/"), "/rootfs / "));
}

static void usual(void **state)
{
	run(&(struct container){ .mounts = USUAL, .linux_ = PROTECTED, .inside = look_at_usual });
}

static void usual_without_pivot(void **state)
{
	run(&(struct container){
		.mounts = USUAL, .linux_ = PROTECTED, .no_pivot = true, .inside = look_at_usual });
}

static void look_at_usual_in_user_namespace(void)
{
	struct stat st;

	look_at_usual();
	CHECK(lstat("/dev/null", &st) == 0 && st.st_uid == 65534);
}

static void usual_in_user_namespace(void **state)
{
	run(&(struct container){ .mounts = USUAL,
				 .linux_ = PROTECTED,
				 .user_namespace = true,
				 .inside = look_at_usual_in_user_namespace });
}

static void usual_of_unprivileged_runtime(void **state)
{
	run(&(struct container){ .mounts = USUAL,
				 .linux_ = PROTECTED,
				 .unprivileged_runtime = true,
				 .inside = look_at_usual_in_user_namespace });
}

static void proc_becomes_a_link(void)
{
	CHECK(rmdir("rootfs/proc") == 0 && mkdir("rootfs/bad", 0755) == 0);
	CHECK(symlink("/bad", "rootfs/proc") == 0);
}

static void s5_proc_is_a_link(void **state)
{
	run(&(struct container){ .mounts = PROC,
				 .before = proc_becomes_a_link,
				 .fails = "mounts[0] (/proc): /proc must be mounted on ordinary "
					  "directory" });
}

static void sys_becomes_a_link(void)
{
	CHECK(rmdir("rootfs/sys") == 0 && symlink("/etc", "rootfs/sys") == 0);
}

static void s5_sys_is_a_link(void **state)
{
	run(&(struct container){ .mounts = "{\"destination\":\"/sys\",\"type\":\"sysfs\"}",
				 .before = sys_becomes_a_link,
				 .fails = "/sys must be mounted on ordinary directory" });
}

static void s5_inside_proc_is_refused(void **state)
{
	run(&(struct container){ .mounts = PROC
				 ",{\"destination\":\"/proc/self/attr\",\"type\":\"tmpfs\"}",
				 .fails = "is inside a proc file system" });
	run(&(struct container){
		.mounts = PROC ",{\"destination\":\"/proc/sys\",\"type\":\"tmpfs\"}",
		.fails = "mounts[1] (/proc/sys): /proc/sys is inside a proc file system" });
}

static void link_into_proc(void)
{
	CHECK(symlink("/proc/1", "rootfs/etc/one") == 0);
}

static void s5_inside_proc_by_a_link_is_refused(void **state)
{
	run(&(struct container){ .mounts = PROC
				 ",{\"destination\":\"/etc/one/attr\",\"type\":\"tmpfs\"}",
				 .before = link_into_proc,
				 .fails = "is inside a proc file system" });
}

static void make_uptime(void)
{
	write_file("uptime", "for ever\n");
}

static void look_at_uptime(void)
{
	CHECK(reads("/proc/uptime", "for ever\n"));
}

static void single_files_of_proc_may_be_replaced(void **state)
{
	run(&(struct container){ .mounts = PROC
				 ",{\"destination\":\"/proc/uptime\",\"source\":\"uptime\","
				 "\"options\":[\"bind\"]}",
				 .before = make_uptime,
				 .inside = look_at_uptime });
}

static void link_to_the_root(void)
{
	CHECK(symlink("/", "rootfs/etc/all") == 0);
}

static void the_root_is_not_covered(void **state)
{
	run(&(struct container){ .mounts = "{\"destination\":\"/etc/..\",\"type\":\"tmpfs\"}",
				 .fails =
					 "mounts[0]: destination \"/etc/..\" is the root itself" });
	run(&(struct container){ .mounts = "{\"destination\":\"/etc/all\",\"type\":\"tmpfs\"}",
				 .before = link_to_the_root,
				 .fails = "leads to the root itself" });
}

/* An absolute link out of the root, to a folder of the host that exists. */
static void link_outside(void)
{
	CHECK(mkdir("outside", 0755) == 0);
	char *here = getcwd(NULL, 0);
	struct error err;
	char *target = str_format(&err, "%s/outside", here);

	CHECK(symlink(target, "rootfs/etc/out") == 0);
	CHECK(symlink("../../../outside", "rootfs/etc/up") == 0);
	free(here);
	free(target);
}

static void nothing_outside(void)
{
	CHECK(rmdir("outside") == 0);
}

static void look_at_links(void)
{
	CHECK(strstr(mount_line("/outside/b"), " tmpfs "));
}

static void s4_links_stay_in_the_root(void **state)
{
	run(&(struct container){ .mounts =
					 PROC ",{\"destination\":\"/etc/out/a\",\"type\":\"tmpfs\"}"
					      ",{\"destination\":\"/etc/up/b\",\"type\":\"tmpfs\"}",
				 .before = link_outside,
				 .inside = look_at_links,
				 .after = nothing_outside });
}

static void make_dangling_links(void)
{
	CHECK(symlink("/tmp/foo/bar", "rootfs/jump") == 0);
	CHECK(symlink("/jump/baz/hosts", "rootfs/etc/hosts") == 0);
	CHECK(symlink("one/two", "rootfs/etc/relative") == 0);
	write_file("hosts", "hosts\n");
}

static void look_at_dangling_links(void)
{
	CHECK(reads("/tmp/foo/bar/baz/hosts", "hosts\n") && reads("/etc/hosts", "hosts\n"));
	CHECK(strstr(mount_line("/tmp/foo/bar/baz/hosts"), "/hosts "));
	CHECK(strstr(mount_line("/etc/one/two/three"), " tmpfs "));
}

static void targets_behind_dangling_links_are_made(void **state)
{
	run(&(struct container){ .mounts = PROC
				 ",{\"destination\":\"/etc/hosts\",\"source\":\"hosts\","
				 "\"options\":[\"bind\"]},{\"destination\":\"/etc/relative/three\","
				 "\"type\":\"tmpfs\"}",
				 .before = make_dangling_links,
				 .inside = look_at_dangling_links });
}

static void make_endless_link(void)
{
	CHECK(symlink("loop", "rootfs/etc/loop") == 0);
}

static void endless_links_are_an_error(void **state)
{
	run(&(struct container){ .mounts = "{\"destination\":\"/etc/loop/a\",\"type\":\"tmpfs\"}",
				 .before = make_endless_link,
				 .fails = "Too many levels of symbolic links" });
}

static void make_setgid(void)
{
	CHECK(mkdir("rootfs/setgid", 0755) == 0 && chmod("rootfs/setgid", 07755) == 0);
}

static void check_setgid(void)
{
	struct stat st;

	CHECK(stat("rootfs/setgid/a/b/c", &st) == 0 && (st.st_mode & 07777) == 02755);
}

static void made_folders_inherit_setgid(void **state)
{
	run(&(struct container){ .mounts = "{\"destination\":\"/setgid/a/b/c\",\"type\":\"tmpfs\"}",
				 .before = make_setgid,
				 .after = check_setgid });
}

static void look_at_relative(void)
{
	CHECK(strstr(mount_line("/tmp/rel"), " tmpfs "));
}

static void relative_destinations_count_from_the_root(void **state)
{
	run(&(struct container){ .mounts =
					 PROC ",{\"destination\":\"tmp/./rel\",\"type\":\"tmpfs\"}",
				 .inside = look_at_relative });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual),
		cmocka_unit_test(usual_without_pivot),
		cmocka_unit_test(usual_in_user_namespace),
		cmocka_unit_test(usual_of_unprivileged_runtime),
		cmocka_unit_test(s5_proc_is_a_link),
		cmocka_unit_test(s5_sys_is_a_link),
		cmocka_unit_test(s5_inside_proc_is_refused),
		cmocka_unit_test(s5_inside_proc_by_a_link_is_refused),
		cmocka_unit_test(single_files_of_proc_may_be_replaced),
		cmocka_unit_test(the_root_is_not_covered),
		cmocka_unit_test(s4_links_stay_in_the_root),
		cmocka_unit_test(targets_behind_dangling_links_are_made),
		cmocka_unit_test(endless_links_are_an_error),
		cmocka_unit_test(made_folders_inherit_setgid),
		cmocka_unit_test(relative_destinations_count_from_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
