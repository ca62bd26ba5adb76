/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/mount_test.h"

#include "runtime/sysctl.h"

static bool is_node(const char *path, mode_t mode, unsigned int major_, unsigned int minor_,
		    uid_t uid, gid_t gid)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_mode == mode && st.st_uid == uid &&
	       st.st_gid == gid && (S_ISFIFO(mode) || st.st_rdev == makedev(major_, minor_));
}

#define DEVICES                                                                                    \
	",\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229,"         \
	"\"fileMode\":438,\"uid\":3,\"gid\":4},{\"path\":\"/dev/deep/er/b\",\"type\":\"b\","       \
	"\"major\":7,\"minor\":99,\"fileMode\":384},{\"path\":\"/srv/fifo\",\"type\":\"p\","       \
	"\"fileMode\":420},{\"path\":\"/dev/tty\",\"type\":\"u\",\"major\":5,\"minor\":0,"         \
	"\"fileMode\":384}]"

static void look_at_devices(void)
{
	CHECK(is_node("/dev/fuse", S_IFCHR | 0666, 10, 229, 3, 4));
	CHECK(is_node("/dev/deep/er/b", S_IFBLK | 0600, 7, 99, 0, 0));
	CHECK(is_node("/srv/fifo", S_IFIFO | 0644, 0, 0, 0, 0));
	CHECK(is_node("/dev/tty", S_IFCHR | 0600, 5, 0, 0, 0));
	CHECK(is_node("/dev/null", S_IFCHR | 0666, 1, 3, 0, 0));
}

static void configured_devices(void **state)
{
	run(&(struct container){
		.mounts = PROC "," DEV, .linux_ = DEVICES, .inside = look_at_devices });
}

/* Without a mount at /dev they are in the root itself, where they may be already. */
static void make_nodes(void)
{
	CHECK(mknod("rootfs/dev/null", S_IFCHR | 0600, makedev(1, 3)) == 0);
	CHECK(mknod("rootfs/dev/ptmx", S_IFCHR | 0600, makedev(5, 2)) == 0);
	CHECK(symlink("elsewhere", "rootfs/dev/fd") == 0);
}

static void look_at_kept(void)
{
	char target[64] = "";

	CHECK(is_node("/dev/null", S_IFCHR | 0600, 1, 3, 0, 0));
	CHECK(is_node("/dev/zero", S_IFCHR | 0666, 1, 5, 0, 0));
	CHECK(readlink("/dev/ptmx", target, 64) > 0 && str_equal(target, "pts/ptmx"));
}

static void existing_devices_are_kept(void **state)
{
	run(&(struct container){ .mounts = PROC, .before = make_nodes, .inside = look_at_kept });
}

static void make_wrong_node(void)
{
	CHECK(mknod("rootfs/dev/null", S_IFCHR | 0600, makedev(1, 5)) == 0);
}

static void make_file_for_device(void)
{
	write_file("rootfs/dev/zero", "");
}

static void something_else_is_an_error(void **state)
{
	run(&(struct container){ .mounts = PROC,
				 .before = make_wrong_node,
				 .fails = "device /dev/null: something else is there already" });
	run(&(struct container){ .mounts = PROC,
				 .before = make_file_for_device,
				 .fails = "device /dev/zero: something else is there already" });
}

static void make_dev_a_link(void)
{
	CHECK(mkdir("outside", 0755) == 0 && rmdir("rootfs/dev") == 0);
	CHECK(symlink("../outside", "rootfs/dev") == 0);
}

static void check_outside(void)
{
	CHECK(rmdir("outside") == 0);
}

static void s11_dev_is_a_link(void **state)
{
	run(&(struct container){ .mounts = PROC,
				 .before = make_dev_a_link,
				 .after = check_outside,
				 .fails = "open /dev in the container's root" });
}

static void remove_dev(void)
{
	CHECK(rmdir("rootfs/dev") == 0);
}

static void look_at_made_dev(void)
{
	struct stat st;

	CHECK(stat("/dev", &st) == 0 && (st.st_mode & 07777) == 0755);
	CHECK(is_node("/dev/null", S_IFCHR | 0666, 1, 3, 0, 0));
}

static void missing_dev_is_made(void **state)
{
	run(&(struct container){
		.mounts = PROC, .before = remove_dev, .inside = look_at_made_dev });
}

static void make_own_dev(void)
{
	CHECK(mkdir("own", 0755) == 0);
	write_file("own/null", "untouched");
}

static void look_at_own_dev(void)
{
	CHECK(reads("/dev/null", "untouched") && access("/dev/zero", F_OK) != 0);
}

static void bound_dev_is_left_alone(void **state)
{
	run(&(struct container){ .mounts = PROC
				 ",{\"source\":\"own\",\"destination\":\"/dev/\",\"options\":"
				 "[\"bind\"]}",
				 .before = make_own_dev,
				 .inside = look_at_own_dev });
}

static void look_at_bound_devices(void)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char byte = 1;

	CHECK(strstr(mount_line("/dev/zero"), "devtmpfs") || mount_line("/dev/zero")[0]);
	CHECK(fd >= 0 && read(fd, &byte, 1) == 1 && byte == 0);
	CHECK(is_node("/srv/fifo", S_IFIFO | 0644, 0, 0, 0, 0));
	close(fd);
}

#define BOUND_DEVICES                                                                              \
	",\"devices\":[{\"path\":\"/srv/fifo\",\"type\":\"p\",\"fileMode\":420},"                  \
	"{\"path\":\"/dev/full\",\"type\":\"c\",\"major\":1,\"minor\":7}]"

static void user_namespaces_get_the_host_nodes(void **state)
{
	/* The root belongs to the container's root only where it has been handed over. */
	run(&(struct container){ .mounts = PROC "," DEV
						",{\"destination\":\"/srv\",\"type\":\"tmpfs\"}",
				 .linux_ = BOUND_DEVICES,
				 .user_namespace = true,
				 .inside = look_at_bound_devices });
	run(&(struct container){
		.mounts = PROC "," DEV,
		.linux_ = ",\"devices\":[{\"path\":\"/dev/none\",\"type\":\"c\",\"major\":1,"
			  "\"minor\":3}]",
		.user_namespace = true,
		.fails = "device /dev/none: mknod, and the host has no such device there" });
}

/* ---- sysctl ---- */

static struct error sysctl_error;

static int apply(const char *key, const char *value)
{
	char *names[2] = { strdup(key), strdup(value) };
	struct json_pair pair = { .key = names[0], .value = names[1] };
	struct spec_linux lx = { .sysctl = &pair, .n_sysctl = 1 };
	struct spec spec = { .linux = &lx };
	int procfs = path_open_procfs(&sysctl_error);
	int result = sysctl_apply(&spec, procfs, &sysctl_error);

	close(procfs);
	free(names[0]);
	free(names[1]);
	return result;
}

static void look_at_sysctl(void)
{
	CHECK(apply("net.ipv4.ip_forward", "1") == 0);
	CHECK(reads("/proc/sys/net/ipv4/ip_forward", "1\n"));
	CHECK(apply("net/ipv4/ip_forward", "0") == 0);
	CHECK(reads("/proc/sys/net/ipv4/ip_forward", "0\n"));
	CHECK(apply("net.ipv4.conf.lo.forwarding", "1") == 0);
	CHECK(reads("/proc/sys/net/ipv4/conf/lo/forwarding", "1\n"));
	CHECK(apply("net.missing", "1") < 0);
	CHECK(strstr(sysctl_error.text, "linux.sysctl net.missing: "));
	CHECK(apply("net/../kernel/core_pattern", "x") < 0 && apply("net", "1") < 0);
	CHECK(apply("net.ipv4.ip_forward", "1\n") < 0);
}

/* S6: covered files are not written to; those of a procfs of our own are. */
static void look_at_covered_sysctl(void)
{
	CHECK(mount("tmpfs", "/proc/sys", "tmpfs", 0, NULL) == 0);
	CHECK(apply("net.ipv4.ip_forward", "1") == 0);
	CHECK(umount("/proc/sys") == 0 && reads("/proc/sys/net/ipv4/ip_forward", "1\n"));
	CHECK(mount("/proc/sys", "/proc/sys", NULL, MS_BIND, NULL) == 0);
	CHECK(mount(NULL, "/proc/sys", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0);
	CHECK(apply("net.ipv4.ip_forward", "0") == 0);
	CHECK(reads("/proc/sys/net/ipv4/ip_forward", "0\n"));
}

static void s6_sysctl(void **state)
{
	run(&(struct container){ .mounts = PROC, .inside = look_at_sysctl });
	run(&(struct container){
		.mounts = PROC, .user_namespace = true, .inside = look_at_sysctl });
	run(&(struct container){ .mounts = PROC, .inside = look_at_covered_sysctl });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configured_devices),
		cmocka_unit_test(existing_devices_are_kept),
		cmocka_unit_test(something_else_is_an_error),
		cmocka_unit_test(s11_dev_is_a_link),
		cmocka_unit_test(missing_dev_is_made),
		cmocka_unit_test(bound_dev_is_left_alone),
		cmocka_unit_test(user_namespaces_get_the_host_nodes),
		cmocka_unit_test(s6_sysctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
