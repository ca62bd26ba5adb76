/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows neither fsopen nor open_tree
#include "shim/rootfs_test.h"

#include <sys/vfs.h>

/* volume/, a tmpfs with a file, and another mount below it. */
static void make_volume(void)
{
	make_folders("volume");
	CHECK(mount("tmpfs", "volume", "tmpfs", MS_NOSUID, "mode=755") == 0);
	make_folders("volume/below");
	write_file("volume/file", "volume\n");
	CHECK(mount("tmpfs", "volume/below", "tmpfs", 0, "mode=755") == 0);
	write_file("volume/below/file", "below\n");
}

/* ---- Binds ---- */

static void read_only_bind(void)
{
	make_volume();
	Containerd__Types__Mount m = a_mount("bind", in_folder("volume"), "", WORDS("rbind", "ro"));

	mount_well(&m, NULL);
	CHECK(reads("rootfs/file", "volume\n") && reads("rootfs/below/file", "below\n"));
	CHECK(cannot_write("rootfs/file") == EROFS && cannot_write("volume/file") == 0);
	CHECK(has_flag(in_folder("rootfs"), "nosuid"));
	/* As with mount(8): ro is for the one mount, rro for all. */
	CHECK(cannot_write("rootfs/below/file") == 0);
	unmount_well();
	CHECK(reads("volume/below/file", "below\n"));
}

static void writable_bind_keeps_flags_of_its_source(void)
{
	make_volume();
	CHECK(mount(NULL, "volume", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
	Containerd__Types__Mount m =
		a_mount("bind", in_folder("volume"), "", WORDS("rbind", "rw", "suid"));

	mount_well(&m, NULL);
	CHECK(cannot_write("rootfs/file") == EROFS);
	unmount_well();
}

static void bind_is_one_mount(void)
{
	make_volume();
	Containerd__Types__Mount m = a_mount("", in_folder("volume"), "", WORDS("bind", "noexec"));

	mount_well(&m, NULL);
	CHECK(count_mounts(in_folder("rootfs")) == 1 && has_flag(in_folder("rootfs"), "noexec"));
	CHECK(access("rootfs/below/file", F_OK) != 0);
	unmount_well();
}

static void recursive_words(void)
{
	make_volume();
	Containerd__Types__Mount m =
		a_mount("bind", in_folder("volume"), "", WORDS("rbind", "rro"));

	mount_well(&m, NULL);
	CHECK(cannot_write("rootfs/below/file") == EROFS);
	unmount_well();
}

static void bad_binds(void)
{
	Containerd__Types__Mount missing =
		a_mount("bind", in_folder("missing"), "", WORDS("rbind"));
	Containerd__Types__Mount none = a_mount("bind", "", "", WORDS("rbind"));
	Containerd__Types__Mount file = a_mount("bind", in_folder("file"), "", WORDS("rbind"));

	write_file("file", "");
	fails_with(&missing, NULL, "missing: No such file or directory");
	fails_with(&none, NULL, "a bind mount needs a source");
	fails_with(&file, NULL, "a file cannot be mounted on a directory");
}

/* ---- Propagation ---- */

static void propagation(void)
{
	make_volume();
	CHECK(mount(NULL, folder, NULL, MS_SHARED, NULL) == 0);
	CHECK(mount(NULL, "volume", NULL, MS_SHARED, NULL) == 0);
	Containerd__Types__Mount usual = a_mount("bind", in_folder("volume"), "", WORDS("rbind"));
	Containerd__Types__Mount slave =
		a_mount("bind", in_folder("volume"), "", WORDS("rbind", "rslave"));
	Containerd__Types__Mount private = a_mount("tmpfs", "tmpfs", "", WORDS("rprivate"));

	mount_well(&usual, NULL);
	CHECK(has_flag(in_folder("rootfs"), "shared:"));
	unmount_well();
	mount_well(&slave, NULL);
	CHECK(has_flag(in_folder("rootfs"), "master:") &&
	      !has_flag(in_folder("rootfs"), "shared:"));
	unmount_well();
	mount_well(&private, NULL);
	CHECK(!has_flag(in_folder("rootfs"), "shared:"));
	unmount_well();
}

/* ---- File systems ---- */

static void tmpfs_with_options(void)
{
	Containerd__Types__Mount m = a_mount(
		"tmpfs", "tmpfs", "", WORDS("nosuid", "nodev", "noatime", "size=1m,mode=700"));
	struct statfs fs;
	struct stat st;

	mount_well(&m, NULL);
	CHECK(has_flag(in_folder("rootfs"), "nosuid") && has_flag(in_folder("rootfs"), "nodev") &&
	      has_flag(in_folder("rootfs"), "noatime"));
	CHECK(stat("rootfs", &st) == 0 && (st.st_mode & 07777) == 0700);
	CHECK(statfs("rootfs", &fs) == 0 && fs.f_blocks * (uint64_t)fs.f_bsize == 1 << 20);
	unmount_well();
}

static void the_kernel_says_why(void)
{
	Containerd__Types__Mount option =
		a_mount("tmpfs", "tmpfs", "", WORDS("size=1m", "nonsense"));
	Containerd__Types__Mount type = a_mount("nosuchfs", "x", "", WORDS(NULL));
	Containerd__Types__Mount none = a_mount("", "x", "", WORDS("ro"));
	Containerd__Types__Mount internal = a_mount("mkfs/ext4", "x", "", WORDS(NULL));
	Containerd__Types__Mount word = a_mount("tmpfs", "x", "", WORDS("X-containerd.a=b"));

	fails_with(&option, NULL, "option nonsense: Invalid argument");
	fails_with(&option, NULL, "tmpfs: Unknown parameter 'nonsense'");
	fails_with(&option, NULL, "mount 1 (tmpfs tmpfs) on ");
	fails_with(&type, NULL, "the kernel knows no file system type \"nosuchfs\"");
	fails_with(&none, NULL, "neither a type nor the option bind");
	fails_with(&internal, NULL, "internal mount option");
	fails_with(&word, NULL, "internal mount option");
}

/* ---- Targets ---- */

static void targets_are_made_below(void)
{
	make_volume();
	Containerd__Types__Mount first = a_mount("tmpfs", "tmpfs", "", WORDS("mode=755"));
	Containerd__Types__Mount second =
		a_mount("bind", in_folder("volume"), "/../b//c/.", WORDS("rbind"));
	Containerd__Types__Mount file =
		a_mount("bind", in_folder("volume/file"), "etc/file", WORDS("bind", "ro"));

	mount_well(&first, &second);
	CHECK(reads("rootfs/b/c/below/file", "below\n") && count_mounts(in_folder("rootfs")) == 3);
	unmount_well();
	mount_well(&first, &file);
	CHECK(reads("rootfs/etc/file", "volume\n") && cannot_write("rootfs/etc/file") == EROFS);
	unmount_well();
}

static void s4_links_stay_inside(void)
{
	static const char *const links[] = { "up", "absolute", "dangling" };

	make_volume();
	make_folders("layer");
	CHECK(mkdir("outside", 0755) == 0);
	CHECK(symlink("../../../../../../outside", "layer/up") == 0);
	CHECK(symlink(in_folder("outside"), "layer/absolute") == 0);
	CHECK(symlink(in_folder("outside/missing"), "layer/dangling") == 0);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		Containerd__Types__Mount first =
			a_mount("bind", in_folder("layer"), "", WORDS("bind"));
		Containerd__Types__Mount second =
			a_mount("bind", in_folder("volume"), links[i], WORDS("rbind"));

		mount_well(&first, &second);
		CHECK(count_mounts(in_folder("outside")) == 0);
		CHECK(count_mounts(in_folder("rootfs")) == 3);
		CHECK(access("outside/missing", F_OK) != 0);
		unmount_well();
	}
}

static void s4_the_root_itself_is_no_link(void)
{
	CHECK(rmdir("rootfs") == 0 && mkdir("outside", 0755) == 0);
	CHECK(symlink("outside", "rootfs") == 0);
	Containerd__Types__Mount m = a_mount("tmpfs", "tmpfs", "", WORDS(NULL));

	fails_with(&m, NULL, "Not a directory");
}

/* ---- Undo ---- */

static void the_second_fails(void)
{
	make_volume();
	Containerd__Types__Mount bind = a_mount("bind", in_folder("volume"), "", WORDS("rbind"));
	Containerd__Types__Mount bad = a_mount("tmpfs", "tmpfs", "below", WORDS("nonsense"));
	Containerd__Types__Mount missing =
		a_mount("bind", in_folder("missing"), "below", WORDS("bind"));

	fails_with(&bind, &bad, "mount 2 (tmpfs tmpfs) on ");
	fails_with(&bind, &missing, "mount 2 (bind ");
	CHECK(reads("volume/below/file", "below\n"));
}

static void what_was_there_before_stays(void)
{
	Containerd__Types__Mount good = a_mount("tmpfs", "tmpfs", "", WORDS(NULL));
	Containerd__Types__Mount bad = a_mount("tmpfs", "tmpfs", "", WORDS("nonsense"));

	mount_well(&good, NULL);
	fails_with(&good, &bad, "nonsense");
	CHECK(count_mounts(in_folder("rootfs")) == 1);
}

/* ---- Idmapped ---- */

static bool is_owned(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_uid == uid && st.st_gid == gid;
}

static void idmapped_bind(void)
{
	make_volume();
	CHECK(chown("volume/file", 10, 20) == 0 && chown("volume/below/file", 10, 20) == 0);
	Containerd__Types__Mount m =
		a_mount("bind", in_folder("volume"), "",
			WORDS("rbind", "uidmap=0:100000:1000,2000:1:1", "gidmap=0:200000:1000"));

	if (mount_them(&m, NULL) < 0 && strstr(err.text, "does not support idmapped"))
		leave_out("no idmapped tmpfs (Linux 6.3)");
	CHECK(is_owned("rootfs/file", 100010, 200020));
	CHECK(is_owned("rootfs/below/file", 100010, 200020));
	unmount_well();
}

static void idmapped_file_system(void)
{
	Containerd__Types__Mount m = a_mount("tmpfs", "tmpfs", "",
					     WORDS("uidmap=0:100000:1000", "gidmap=0:200000:1000"));
	Containerd__Types__Mount bad =
		a_mount("proc", "proc", "", WORDS("uidmap=0:100000:1000", "gidmap=0:1:1000"));

	if (mount_them(&m, NULL) < 0 && strstr(err.text, "does not support idmapped"))
		leave_out("no idmapped tmpfs (Linux 6.3)");
	CHECK(is_owned("rootfs", 100000, 200000));
	unmount_well();
	fails_with(&bad, NULL, "does not support idmapped mounts");
}

/* ---- Loop devices ---- */

static int make_image(void)
{
	char *const args[] = { (char[]){ "mkfs.ext4" }, (char[]){ "-q" }, (char[]){ "image" },
			       NULL };
	const struct process_run mkfs = { .path = "/usr/sbin/mkfs.ext4",
					  .args = args,
					  .timeout_ms = 60000 };
	int status;

	write_file("image", "");
	CHECK(truncate("image", 4 << 20) == 0);
	if (access("/dev/loop-control", R_OK | W_OK) < 0)
		leave_out("no loop devices");
	if (process_run(&mkfs, &status, &err) < 0)
		leave_out("no mkfs.ext4");
	return status;
}

static void file_on_a_loop_device(void)
{
	CHECK(make_image() == 0);
	Containerd__Types__Mount m = a_mount("ext4", in_folder("image"), "", WORDS("loop"));
	Containerd__Types__Mount read_only =
		a_mount("ext4", in_folder("image"), "", WORDS("loop", "ro"));
	Containerd__Types__Mount missing = a_mount("ext4", in_folder("missing"), "", WORDS("loop"));
	Containerd__Types__Mount bad =
		a_mount("ext4", in_folder("image"), "", WORDS("loop", "nonsense"));
	struct stat st;

	mount_well(&m, NULL);
	CHECK(stat("rootfs/lost+found", &st) == 0 && cannot_write("rootfs/file") == 0);
	unmount_well();
	CHECK(chmod("image", 0400) == 0);
	mount_well(&read_only, NULL);
	CHECK(cannot_write("rootfs/file") == EROFS && has_flag(in_folder("rootfs"), "ro,"));
	unmount_well();
	fails_with(&missing, NULL, "for a loop device: No such file or directory");
	fails_with(&bad, NULL, "nonsense");
}

/* ---- Helpers ---- */

static void make_helper(const char *script)
{
	make_folders("bin");
	write_file("bin/mount.fuse", script);
	CHECK(chmod("bin/mount.fuse", 0755) == 0);
	CHECK(setenv("PATH", in_folder("bin"), 1) == 0);
}

static void helper_of_fuse(void)
{
	Containerd__Types__Mount m =
		a_mount("fuse.some-fs", "a source", "b", WORDS("ro", "lowerdir=/a:/b"));

	make_helper("#!/bin/sh\necho \"$@\" >\"$2/../../args\"\n"
		    "/bin/mount -n -t tmpfs tmpfs \"$2\"\n");
	mount_well(&m, NULL);
	char expected[512];
	(void)snprintf(expected, sizeof(expected), "a source %s -t some-fs -o ro,lowerdir=/a:/b\n",
		       in_folder("rootfs/b"));
	CHECK(reads("args", expected) && count_mounts(in_folder("rootfs/b")) == 1);
	unmount_well();
}

static void bad_helpers(void)
{
	Containerd__Types__Mount m = a_mount("fuse.some-fs", "x", "", WORDS(NULL));
	Containerd__Types__Mount other = a_mount("fuse3.some-fs", "x", "", WORDS(NULL));

	make_helper("#!/bin/sh\necho the reason >&2\nexit 3\n");
	fails_with(&m, NULL, "mount.fuse ended with 3: the reason");
	fails_with(&other, NULL, "program mount.fuse3: No such file or directory");
	make_helper("#!/bin/sh\n");
	fails_with(&m, NULL, "nothing was mounted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(read_only_bind),
		TEST(writable_bind_keeps_flags_of_its_source),
		TEST(bind_is_one_mount),
		TEST(recursive_words),
		TEST(bad_binds),
		TEST(propagation),
		TEST(tmpfs_with_options),
		TEST(the_kernel_says_why),
		TEST(targets_are_made_below),
		TEST(s4_links_stay_inside),
		TEST(s4_the_root_itself_is_no_link),
		TEST(the_second_fails),
		TEST(what_was_there_before_stays),
		TEST(idmapped_bind),
		TEST(idmapped_file_system),
		TEST(file_on_a_loop_device),
		TEST(helper_of_fuse),
		TEST(bad_helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
