/* SPDX-License-Identifier: Apache-2.0 */
/* The container from inside: its mounts, devices and privileges. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "integration/floor/floor.h"
#include "integration/floor/steps.h"

static void attach(const char *source, const char *target, const char *type, unsigned long flags,
		   const char *data)
{
	if (job.with & WITH_MOUNTS && type) {
		attach_checked(source, target, type, flags, data);
		return;
	}
	if (mount(source, target, type, flags, data) < 0)
		fail(target);
}

static void make_device(const char *name, unsigned int major, unsigned int minor)
{
	const char *path = path_of("dev", name, NULL);

	if (job.first_id == 0) {
		if (mknod(path, S_IFCHR | 0666, makedev(major, minor)) < 0)
			fail(path);
		return;
	}
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
	if (fd < 0)
		fail(path);
	(void)close(fd);
	attach(path_of("/dev", name, NULL), path, NULL, MS_BIND, NULL);
}

static void mount_cgroups(void)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	attach("tmpfs", "sys/fs/cgroup", "tmpfs", flags, "mode=755");
	for (size_t i = 0; i < job.n_cgroups; i++) {
		const char *slash = strrchr(job.cgroups[i], '/');
		const char *target = path_of("sys/fs", "cgroup", slash + 1);

		if (mkdir(target, 0755) < 0)
			fail(target);
		if (job.with & WITH_MOUNTS) {
			bind_checked(path_of(job.cgroups[i], job.id, NULL), target, flags);
			continue;
		}
		attach(path_of(job.cgroups[i], job.id, NULL), target, NULL, MS_BIND, NULL);
		attach(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | flags, NULL);
	}
	attach(NULL, "sys/fs/cgroup", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | flags, NULL);
}

static void mount_all(void)
{
	const unsigned long strict = MS_NOSUID | MS_NOEXEC | MS_NODEV;

	attach("proc", "proc", "proc", 0, NULL);
	attach("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
	(void)mkdir("dev/pts", 0755);
	attach("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
	       "newinstance,ptmxmode=0666,mode=0620,gid=5");
	(void)mkdir("dev/shm", 0755);
	attach("shm", "dev/shm", "tmpfs", strict, "mode=1777,size=65536k");
	(void)mkdir("dev/mqueue", 0755);
	attach("mqueue", "dev/mqueue", "mqueue", strict, NULL);
	attach("sysfs", "sys", "sysfs", strict | MS_RDONLY, NULL);
	mount_cgroups();
	for (long i = 0; i < job.mounts; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "%ld", i);
		attach("source", path_of("m", name, NULL), NULL, MS_BIND, NULL);
	}
}

static void fill_dev(void)
{
	(void)umask(0);
	make_device("null", 1, 3);
	make_device("zero", 1, 5);
	make_device("full", 1, 7);
	make_device("random", 1, 8);
	make_device("urandom", 1, 9);
	make_device("tty", 5, 0);
	if (symlink("/proc/self/fd", "dev/fd") < 0 || symlink("/proc/self/fd/0", "dev/stdin") < 0 ||
	    symlink("/proc/self/fd/1", "dev/stdout") < 0 ||
	    symlink("/proc/self/fd/2", "dev/stderr") < 0 || symlink("pts/ptmx", "dev/ptmx") < 0)
		fail("symlink");
	(void)umask(022);
}

static void make_read_only(const char *path)
{
	if (job.with & WITH_MASKS)
		read_only_checked(path);
	else if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) == 0)
		(void)mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
}

/* What some kernels do not have is left out. */
static void protect(void)
{
	static const char *const read_only[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
						 "/proc/sysrq-trigger" };
	static const char *const files[] = { "/proc/kcore",	    "/proc/keys",
					     "/proc/latency_stats", "/proc/timer_list",
					     "/proc/timer_stats",   "/proc/sched_debug" };
	static const char *const folders[] = { "/proc/acpi", "/proc/asound", "/sys/firmware",
					       "/proc/scsi" };

	for (size_t i = 0; i < sizeof(read_only) / sizeof(read_only[0]); i++)
		make_read_only(read_only[i]);
	if (job.with & WITH_MASKS) {
		mask_checked(files, sizeof(files) / sizeof(files[0]), folders,
			     sizeof(folders) / sizeof(folders[0]));
		return;
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)mount("/dev/null", files[i], NULL, MS_BIND, NULL);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		(void)mount("tmpfs", folders[i], "tmpfs", MS_RDONLY, "nr_inodes=2,size=4k");
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_LOOPBACK };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		fail("lo");
	(void)close(fd);
}

void drop_privileges(void)
{
	const uint32_t kept = 1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE | 1U << CAP_AUDIT_WRITE;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { kept, kept, 0 } };
	const struct rlimit limit = { 1024, 1024 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("no_new_privs");
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		if (i >= 32 || !(kept & 1U << i))
			(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, data) < 0 || setrlimit(RLIMIT_NOFILE, &limit) < 0)
		fail("privileges");
}

_Noreturn void be_init(int tree, int wait, int start)
{
	char byte;

	if (read(wait, &byte, 1) != 1)
		_exit(125);
	if (job.first_id && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		fail("ids");
	(void)setsid();
	attach(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(tree) < 0)
		fail(job.rootfs);
	mount_all();
	fill_dev();
	loopback_up();
	if (sethostname("floor", 5) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail("pivot_root");
	protect();
	attach(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
	look_before_exec();
	drop_privileges();
	wait_for_start(wait);
	(void)close(wait); /* create's parent returns on this */
	if (start >= 0 && read(start, &byte, 1) != 1)
		fail("start");
	(void)execve(job.command[0], job.command, (char *[]){ NULL });
	fail(job.command[0]);
}
