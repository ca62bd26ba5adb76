/* SPDX-License-Identifier: Apache-2.0 */
/* File systems, control groups among them. */
#include "runtime/mount_test.h"

static void make_mode_710(void)
{
	CHECK(mkdir("rootfs/old", 0710) == 0 && chmod("rootfs/old", 0710) == 0);
}

static void look_at_modes(void)
{
	struct stat st;

	CHECK(stat("/old", &st) == 0 && (st.st_mode & 07777) == 0710);
	CHECK(stat("/old/said", &st) == 0 && (st.st_mode & 07777) == 01500);
	CHECK(stat("/new/folder", &st) == 0 && (st.st_mode & 07777) == 01777);
}

static void tmpfs_has_the_mode_of_what_it_covers(void **state)
{
	run(&(struct container){ .mounts = PROC
				 ",{\"destination\":\"/old\",\"type\":\"tmpfs\"}"
				 ",{\"destination\":\"/old/said\",\"type\":\"tmpfs\","
				 "\"options\":[\"mode=1500\"]}"
				 ",{\"destination\":\"/new/folder\",\"type\":\"tmpfs\"}",
				 .before = make_mode_710,
				 .inside = look_at_modes });
}

static void look_at_read_only(void)
{
	CHECK(has_option("/tmp/a", "ro") && has_option("/tmp/a", "nodev"));
	CHECK(has_option("/tmp/a/b", "rw") && has_option("/tmp/a/b", "noatime"));
	CHECK(has_option("/dev", "ro") && cannot_write("/dev/new"));
	CHECK(is_device("/dev/null", 1, 3));
}

static void read_only_tmpfs_takes_mounts_and_devices(void **state)
{
	run(&(struct container){ .mounts = PROC
				 ",{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"options\":"
				 "[\"ro\",\"mode=755\"]},{\"destination\":\"/tmp/a\",\"type\":"
				 "\"tmpfs\",\"options\":[\"ro\",\"nodev\"]}"
				 ",{\"destination\":\"/tmp/a/b\",\"type\":\"tmpfs\","
				 "\"options\":[\"noatime\"]}",
				 .inside = look_at_read_only });
}

static void fill_for_copy(void)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };

	CHECK(mkdir("rootfs/full", 0755) == 0 && mkdir("rootfs/full/sub", 0777) == 0);
	CHECK(chmod("rootfs/full/sub", 01777) == 0);
	write_file("rootfs/full/sub/file", "text");
	CHECK(chown("rootfs/full/sub/file", 12, 34) == 0);
	CHECK(chmod("rootfs/full/sub/file", 04711) == 0);
	CHECK(setxattr("rootfs/full/sub/file", "trusted.x", "value", 5, 0) == 0);
	CHECK(utimensat(AT_FDCWD, "rootfs/full/sub/file", times, 0) == 0);
	CHECK(symlink("/etc/missing", "rootfs/full/link") == 0);
	CHECK(mkfifo("rootfs/full/fifo", 0600) == 0);
	CHECK(mknod("rootfs/full/node", S_IFCHR | 0640, makedev(1, 3)) == 0);
}

static void look_at_copy(void)
{
	struct stat st;
	char text[64] = "";

	CHECK(strstr(mount_line("/full"), " tmpfs "));
	CHECK(stat("/full/sub", &st) == 0 && (st.st_mode & 07777) == 01777);
	CHECK(stat("/full/sub/file", &st) == 0 && st.st_uid == 12 && st.st_gid == 34);
	CHECK((st.st_mode & 07777) == 04711 && st.st_mtim.tv_sec == 2000);
	CHECK(getxattr("/full/sub/file", "trusted.x", text, sizeof(text)) == 5);
	CHECK(reads("/full/sub/file", "text"));
	memset(text, 0, sizeof(text));
	CHECK(readlink("/full/link", text, sizeof(text)) > 0 && str_equal(text, "/etc/missing"));
	CHECK(lstat("/full/fifo", &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK(lstat("/full/node", &st) == 0 && st.st_rdev == makedev(1, 3));
	CHECK((st.st_mode & 0777) == 0640);
}

static void tmpcopyup_copies(void **state)
{
	run(&(struct container){ .mounts = PROC ",{\"destination\":\"/full\",\"type\":\"tmpfs\","
						"\"options\":[\"tmpcopyup\"]}",
				 .before = fill_for_copy,
				 .inside = look_at_copy });
}

static void fill_a_lot(void)
{
	char text[1 << 16];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK(mkdir("rootfs/full", 0755) == 0);
	write_file("rootfs/full/file", text);
}

static void tmpcopyup_says_when_it_is_full(void **state)
{
	run(&(struct container){
		.mounts = "{\"destination\":\"/full\",\"type\":\"tmpfs\","
			  "\"options\":[\"tmpcopyup\",\"size=16k\"]}",
		.before = fill_a_lot,
		.fails = "tmpcopyup of /full: file: copy: No space left on device" });
}

/* A kernel without SELinux knows no such option, and names it. */
static void labels_have_the_type_that_is_asked_for(void **state)
{
	static const char mounts[] = "{\"destination\":\"/a\",\"type\":\"tmpfs\"}";

	if (access("/sys/fs/selinux/enforce", F_OK) == 0)
		skip();
	run(&(struct container){
		.mounts = mounts, .label = "a:b:c", .fails = "option context=a:b:c" });
	run(&(struct container){
		.mounts = mounts,
		.label = "a:b:c",
		.top = ",\"annotations\":{\"run.oci.mount_context_type\":\"fscontext\"}",
		.fails = "option fscontext=a:b:c" });
}

static void the_kernel_says_what_is_wrong(void **state)
{
	run(&(struct container){ .mounts = "{\"destination\":\"/a\",\"type\":\"nonsense\"}",
				 .fails = "the kernel knows no file system type \"nonsense\"" });
	run(&(struct container){
		.mounts = "{\"destination\":\"/a\",\"type\":\"tmpfs\",\"options\":[\"huh=1\"]}",
		.fails =
			"tmpfs: option huh=1: Invalid argument (tmpfs: Unknown parameter 'huh')" });
	run(&(struct container){ .mounts = "{\"destination\":\"/a\",\"source\":\"x\"}",
				 .fails = "mounts[0]" });
}

static void unmapped_group_is_explained(void **state)
{
	run(&(struct container){ .mounts = DEV ",{\"destination\":\"/dev/pts\",\"type\":\"devpts\","
					       "\"options\":[\"gid=70000\"]}",
				 .user_namespace = true,
				 .fails = "not mapped in the container's user namespace" });
}

/* Longer than the 256 bytes that fsconfig(2) takes. */
static void make_long_layers(void)
{
	char path[300] = "rootfs/layers/";

	CHECK(mkdir("rootfs/layers", 0755) == 0);
	memset(path + strlen(path), 'x', 200);
	CHECK(mkdir(path, 0755) == 0);
	for (int c = 'a'; c <= 'b'; c++) {
		(void)snprintf(path + 214, sizeof(path) - 214, "/%c", c);
		CHECK(mkdir(path, 0755) == 0);
		(void)snprintf(path + 216, sizeof(path) - 216, "/%c", c);
		write_file(path, "layer");
	}
	CHECK(rename("rootfs/layers", "layers") == 0);
	CHECK(mount(".", "/mnt", NULL, MS_BIND, NULL) == 0);
}

static void look_at_layers(void)
{
	CHECK(reads("/merged/a", "layer") && reads("/merged/b", "layer"));
	CHECK(has_option("/merged", "nosuid"));
}

static void long_options_work(void **state)
{
	char mounts[2048], name[201];

	memset(name, 'x', 200);
	name[200] = '\0';
	(void)snprintf(mounts, sizeof(mounts),
		       PROC ",{\"destination\":\"/merged\",\"type\":\"overlay\",\"options\":"
			    "[\"nosuid\",\"lowerdir=/mnt/layers/%s/a:/mnt/layers/%s/b\"]}",
		       name, name);
	run(&(struct container){
		.mounts = mounts, .before = make_long_layers, .inside = look_at_layers });
}

static void look_at_remount(void)
{
	CHECK(has_option("/tmp/a", "ro") && has_option("/tmp/a", "nosuid"));
	CHECK(strstr(mount_line("/tmp/a"), "size=8k"));
}

static void remount_changes_what_is_there(void **state)
{
	run(&(struct container){ .mounts = PROC
				 ",{\"destination\":\"/tmp/a\",\"type\":\"tmpfs\",\"options\":"
				 "[\"nosuid\"]},{\"destination\":\"/tmp/a\",\"type\":\"tmpfs\","
				 "\"options\":[\"remount\",\"ro\",\"size=8k\"]}",
				 .inside = look_at_remount });
	run(&(struct container){ .mounts = "{\"destination\":\"/tmp\",\"type\":\"tmpfs\","
					   "\"options\":[\"remount\",\"ro\"]}",
				 .fails = "/tmp is no mount to be remounted" });
}

static void look_at_host_sysfs(void)
{
	CHECK(has_option("/sys", "ro") && access("/sys/kernel", F_OK) == 0);
	CHECK(cannot_write("/sys/kernel/x"));
}

static void sysfs_of_the_host_is_shown_without_a_network_namespace(void **state)
{
	run(&(struct container){ .mounts = PROC ",{\"destination\":\"/sys\",\"type\":\"sysfs\"}",
				 .user_namespace = true,
				 .left_out = CLONE_NEWNET,
				 .inside = look_at_host_sysfs });
	run(&(struct container){ .mounts = PROC ",{\"destination\":\"/sys\",\"type\":\"sysfs\"}",
				 .unprivileged_runtime = true,
				 .left_out = CLONE_NEWNET,
				 .inside = look_at_host_sysfs });
}

#define CGROUP                                                                                     \
	PROC ",{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\","     \
	     "\"options\":[\"ro\",\"nosuid\",\"noexec\",\"nodev\"]}"

/* Every mount there, on v2 one, else a tmpfs and its hierarchies, is read-only. */
static void look_at_cgroups(void)
{
	char line[4096], at[4096], options[1024];
	FILE *f = fopen("/proc/self/mountinfo", "re");
	int count = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		CHECK(sscanf(line, "%*s %*s %*s %*s %4095s %1023s", at, options) == 2);
		if (!str_starts_with(at, "/sys/fs/cgroup"))
			continue;
		count++;
		CHECK(str_starts_with(options, "ro,"));
		if (strstr(line, " - cgroup2 "))
			CHECK(faccessat(AT_FDCWD, at, F_OK, 0) == 0);
	}
	fclose(f);
	CHECK(count > 0);
}

static void cgroups_with_a_namespace(void **state)
{
	run(&(struct container){ .mounts = CGROUP, .inside = look_at_cgroups });
	run(&(struct container){
		.mounts = CGROUP, .user_namespace = true, .inside = look_at_cgroups });
}

/* S16: the directories are read-only without being asked for; the tmpfs is ours. */
static void look_at_cgroups_in_user_namespace(void)
{
	CHECK(access("/sys/fs/cgroup", F_OK) == 0);
	CHECK(cannot_write("/sys/fs/cgroup/cgroup.procs") ||
	      access("/sys/fs/cgroup/pids", F_OK) == 0);
	CHECK(access("/sys/fs/cgroup/pids", F_OK) != 0 || has_option("/sys/fs/cgroup/pids", "ro"));
}

static void s16_cgroups_without_a_namespace(void **state)
{
	run(&(struct container){
		.mounts = CGROUP, .left_out = CLONE_NEWCGROUP, .inside = look_at_cgroups });
	run(&(struct container){ .mounts = PROC
				 ",{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\"}",
				 .left_out = CLONE_NEWCGROUP,
				 .user_namespace = true,
				 .inside = look_at_cgroups_in_user_namespace });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tmpfs_has_the_mode_of_what_it_covers),
		cmocka_unit_test(read_only_tmpfs_takes_mounts_and_devices),
		cmocka_unit_test(tmpcopyup_copies),
		cmocka_unit_test(tmpcopyup_says_when_it_is_full),
		cmocka_unit_test(the_kernel_says_what_is_wrong),
		cmocka_unit_test(labels_have_the_type_that_is_asked_for),
		cmocka_unit_test(unmapped_group_is_explained),
		cmocka_unit_test(long_options_work),
		cmocka_unit_test(remount_changes_what_is_there),
		cmocka_unit_test(sysfs_of_the_host_is_shown_without_a_network_namespace),
		cmocka_unit_test(cgroups_with_a_namespace),
		cmocka_unit_test(s16_cgroups_without_a_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
