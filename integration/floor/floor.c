/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's own work for a container costs: the clone, cgroups, mounts,
 * pivot_root, exec and wait that the benchmark's configuration asks for, with
 * nothing around them: no JSON, no state, no checks, no protection from the
 * container. The benchmark's other columns are measured against this one.
 *
 *   floor [OPTION...] run|create ROOTFS ID COMMAND [ARG...]
 *   floor [OPTION...] start|delete ID
 *   floor [OPTION...] exec PID ID COMMAND [ARG...]
 *
 *   --cgroups A:B:…   make (or join, remove) the directory ID below each
 *   --state DIR       where create's FIFO is
 *   --pid-file FILE   create writes init's pid there
 *   --mounts N        N bind mounts of ROOTFS/source to ROOTFS/m/0 …
 *   --userns FIRST    a user namespace: 65536 ids from FIRST
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CGROUPS_MAX = 32, USER_IDS = 65536 };

static struct floor {
	char *cgroups[CGROUPS_MAX];
	size_t n_cgroups;
	const char *state, *pid_file, *rootfs, *id;
	long mounts, first_id; /* first_id 0: no user namespace */
	char **command;
} self;

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

/* A path in one of a few buffers. */
static const char *path_of(const char *folder, const char *name, const char *file)
{
	static char buffers[4][512];
	static size_t next;
	char *text = buffers[next++ % 4];

	(void)snprintf(text, sizeof(buffers[0]), "%s/%s%s%s", folder, name, file ? "/" : "",
		       file ? file : "");
	return text;
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

/* ---- cgroups ------------------------------------------------------------------------------- */

static bool is_named(const char *cgroup, const char *name)
{
	return strstr(cgroup, name) != NULL;
}

static void copy_up(const char *cgroup, const char *file)
{
	char text[256];
	int fd = open(path_of(cgroup, file, NULL), O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0 || (n = read(fd, text, sizeof(text) - 1)) <= 0) {
		fail(file);
		return;
	}
	(void)close(fd);
	text[n] = '\0';
	if (!put(path_of(cgroup, self.id, file), text))
		fail(file);
}

static void make_cgroups(void)
{
	for (size_t i = 0; i < self.n_cgroups; i++) {
		const char *cgroup = self.cgroups[i];

		if (mkdir(path_of(cgroup, self.id, NULL), 0755) < 0)
			fail(cgroup);
		if (!is_named(cgroup, "/cpuset"))
			continue;
		copy_up(cgroup, "cpuset.cpus");
		copy_up(cgroup, "cpuset.mems");
	}
}

static void join_cgroups(void)
{
	for (size_t i = 0; i < self.n_cgroups; i++) {
		const char *cgroup = self.cgroups[i];

		if (!put(path_of(cgroup, self.id, "tasks"), "0") &&
		    !put(path_of(cgroup, self.id, "cgroup.procs"), "0"))
			fail(cgroup);
	}
}

/* The default devices and no others, on v1. */
static void limit_devices(void)
{
	static const char *const allowed[] = { "c *:* m",   "b *:* m",	 "c 136:* rwm", "c 5:2 rwm",
					       "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",	"c 1:8 rwm",
					       "c 1:9 rwm", "c 5:0 rwm" };
	int fd = -1;

	for (size_t i = 0; i < self.n_cgroups && fd < 0; i++)
		if (is_named(self.cgroups[i], "/devices")) {
			if (!put(path_of(self.cgroups[i], self.id, "devices.deny"), "a"))
				fail("devices.deny");
			fd = open(path_of(self.cgroups[i], self.id, "devices.allow"),
				  O_WRONLY | O_CLOEXEC);
		}
	for (size_t i = 0; fd >= 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (write(fd, allowed[i], strlen(allowed[i])) < 0)
			fail("devices.allow");
	if (fd >= 0)
		(void)close(fd);
}

static void remove_cgroups(void)
{
	for (size_t i = 0; i < self.n_cgroups; i++) {
		const char *path = path_of(self.cgroups[i], self.id, NULL);

		/* v1's memory controller says EBUSY for a moment. */
		for (int tries = 0; rmdir(path) < 0 && errno == EBUSY && tries < 2000; tries++)
			(void)usleep(100);
	}
}

/* ---- the container ------------------------------------------------------------------------- */

static void attach(const char *source, const char *target, const char *type, unsigned long flags,
		   const char *data)
{
	if (mount(source, target, type, flags, data) < 0)
		fail(target);
}

static void make_device(const char *name, unsigned int major, unsigned int minor)
{
	const char *path = path_of("dev", name, NULL);

	if (self.first_id == 0) {
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
	for (size_t i = 0; i < self.n_cgroups; i++) {
		const char *slash = strrchr(self.cgroups[i], '/');
		const char *target = path_of("sys/fs", "cgroup", slash + 1);

		if (mkdir(target, 0755) < 0)
			fail(target);
		attach(path_of(self.cgroups[i], self.id, NULL), target, NULL, MS_BIND, NULL);
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
	for (long i = 0; i < self.mounts; i++) {
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
		if (mount(read_only[i], read_only[i], NULL, MS_BIND | MS_REC, NULL) == 0)
			(void)mount(NULL, read_only[i], NULL, MS_BIND | MS_REMOUNT | MS_RDONLY,
				    NULL);
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

/* kill, net_bind_service and audit_write, as in the configuration. */
static void drop_privileges(void)
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

/*
 * `tree` is a clone of the root file system, which is the current directory, too.
 * `wait` is readable once the id maps are there; with create, `start` (or -1)
 * holds init until start.
 */
static _Noreturn void be_init(int tree, int wait, int start)
{
	char byte;

	if (read(wait, &byte, 1) != 1)
		_exit(125);
	if (self.first_id && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		fail("ids");
	(void)setsid();
	attach(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
	if (syscall(SYS_move_mount, tree, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(tree) < 0)
		fail(self.rootfs);
	mount_all();
	fill_dev();
	loopback_up();
	if (sethostname("floor", 5) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail("pivot_root");
	protect();
	attach(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL);
	drop_privileges();
	(void)close(wait); /* create's parent returns on this */
	if (start >= 0 && read(start, &byte, 1) != 1)
		fail("start");
	(void)execve(self.command[0], self.command, (char *[]){ NULL });
	fail(self.command[0]);
}

static void write_maps(pid_t pid)
{
	static const char *const files[] = { "uid_map", "gid_map" };
	char folder[32], text[64];

	(void)snprintf(folder, sizeof(folder), "/proc/%d", (int)pid);
	(void)snprintf(text, sizeof(text), "0 %ld %d", self.first_id, USER_IDS);
	for (size_t i = 0; i < 2; i++)
		if (!put(path_of(folder, files[i], NULL), text))
			fail(files[i]);
}

static pid_t clone_process(uint64_t flags)
{
	struct clone_args args = {
		.flags = flags,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* A process moves itself into its cgroups (fast, on v1), and then clones init as our child. */
static pid_t bear(int start, int *ret_end)
{
	int pair[2], tree = -1;
	pid_t pid;

	if (chdir(self.rootfs) == 0)
		tree = (int)syscall(SYS_open_tree, AT_FDCWD, ".",
				    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		fail(self.rootfs);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		fail("socketpair");
	pid = clone_process(0);
	if (pid < 0)
		fail("clone");
	if (pid == 0) {
		(void)close(pair[0]);
		join_cgroups();
		limit_devices();
		pid = clone_process(CLONE_PARENT | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
				    CLONE_NEWPID | CLONE_NEWNET |
				    (self.first_id ? CLONE_NEWUSER : 0));
		if (pid < 0)
			fail("clone");
		if (pid == 0)
			be_init(tree, pair[1], start);
		if (write(pair[1], &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
			fail("write");
		_exit(0);
	}
	(void)close(pair[1]);
	pid_t init = 0;
	if (read(pair[0], &init, sizeof(init)) != (ssize_t)sizeof(init))
		_exit(125);
	if (waitpid(pid, NULL, 0) < 0)
		fail("waitpid");
	if (self.first_id)
		write_maps(init);
	if (write(pair[0], "", 1) != 1)
		fail("write");
	*ret_end = pair[0];
	return init;
}

static int run(void)
{
	int status, end;

	make_cgroups();
	pid_t pid = bear(-1, &end);
	if (waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	remove_cgroups();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

static int create(void)
{
	char fifo[512], text[16], byte;
	int end;

	(void)snprintf(fifo, sizeof(fifo), "%s/%s", self.state, self.id);
	int held = mkfifo(fifo, 0600) < 0 ? -1 : open(fifo, O_RDWR | O_CLOEXEC);
	if (held < 0)
		fail(fifo);
	make_cgroups();
	pid_t pid = bear(held, &end);
	if (read(end, &byte, 1) != 0) /* init closes its end when it is ready, or dies */
		return 125;
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	int fd = open(self.pid_file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(self.pid_file);
	return 0;
}

static int start(void)
{
	return put(path_of(self.state, self.id, NULL), "s") ? 0 : 125;
}

static int delete_container(void)
{
	remove_cgroups();
	return unlink(path_of(self.state, self.id, NULL)) < 0 ? 125 : 0;
}

static int enter(const char *target)
{
	int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)strtol(target, NULL, 10), 0);
	int status;

	join_cgroups();
	if (pidfd < 0 || setns(pidfd, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID |
					      CLONE_NEWNET) < 0)
		fail("setns");
	pid_t pid = clone_process(0);
	if (pid == 0) {
		(void)setsid();
		drop_privileges();
		(void)execve(self.command[0], self.command, (char *[]){ NULL });
		fail(self.command[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

/* ---- arguments ----------------------------------------------------------------------------- */

static void split_cgroups(char *list)
{
	for (char *at; self.n_cgroups < CGROUPS_MAX && (at = strsep(&list, ":"));)
		self.cgroups[self.n_cgroups++] = at;
}

static int usage(void)
{
	(void)fputs("usage: floor [OPTION...] run|create|start|delete|exec ...\n", stderr);
	return 125;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cgroups", required_argument, NULL, 'c' },
		{ "state", required_argument, NULL, 's' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "mounts", required_argument, NULL, 'm' },
		{ "userns", required_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};

	for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) >= 0;) {
		switch (option) {
		case 'c':
			split_cgroups(optarg);
			break;
		case 's':
			self.state = optarg;
			break;
		case 'p':
			self.pid_file = optarg;
			break;
		case 'm':
			self.mounts = strtol(optarg, NULL, 10);
			break;
		case 'u':
			self.first_id = strtol(optarg, NULL, 10);
			break;
		default:
			return usage();
		}
	}
	char **rest = argv + optind;
	int n = argc - optind;
	const char *verb = n > 0 ? rest[0] : "";
	bool runs = strcmp(verb, "run") == 0, creates = strcmp(verb, "create") == 0;

	if (n >= 4 && (runs || creates)) {
		self.rootfs = rest[1];
		self.id = rest[2];
		self.command = rest + 3;
		return runs ? run() : create();
	}
	if (n >= 4 && strcmp(verb, "exec") == 0) {
		self.id = rest[2];
		self.command = rest + 3;
		return enter(rest[1]);
	}
	if (n == 2 && (strcmp(verb, "start") == 0 || strcmp(verb, "delete") == 0)) {
		self.id = rest[1];
		return verb[0] == 's' ? start() : delete_container();
	}
	return usage();
}
