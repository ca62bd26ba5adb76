/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The integration tests' payload: a static program that looks at a container
 * from inside, or does something in it, and prints what it sees, a line a fact.
 *
 *   payload COMMAND [ARGUMENT...] [+ COMMAND [ARGUMENT...]]...
 *
 * Commands are run in turn, in one process. A failed system call prints the
 * errno's name ("EPERM") and goes on; only `exit` and signals end it early.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void say_errno(void)
{
	const char *name = strerrorname_np(errno);
	say("%s", name ? name : "errno?");
}

/* Says "ok" or the errno. */
static void say_result(long result)
{
	if (result < 0)
		say_errno();
	else
		say("ok");
}

static long number(const char *text)
{
	char *end = NULL;
	errno = 0;
	long value = strtol(text, &end, 0);
	if (errno || end == text || *end) {
		fprintf(stderr, "payload: '%s' is not a number\n", text);
		exit(125);
	}
	return value;
}

static void sleep_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Copies a file to stdout; false when it cannot be opened or read. */
static bool copy_out(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	char buffer[65536];
	ssize_t n;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		fwrite(buffer, 1, (size_t)n, stdout);
	int saved = errno;
	close(fd);
	fflush(stdout);
	errno = saved;
	return n == 0;
}

/* ---- what the process is --------------------------------------------------- */

static void do_print(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("%s%s", i > 1 ? " " : "", argv[i]);
	say("%s", "");
}

static void do_args(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		say("[%s]", argv[i]);
}

static void do_env(int argc, char **argv)
{
	if (argc > 1) {
		for (int i = 1; i < argc; i++) {
			const char *value = getenv(argv[i]);
			say("%s%s%s", argv[i], value ? "=" : " unset", value ? value : "");
		}
		return;
	}
	for (char **e = environ; *e; e++)
		say("%s", *e);
}

static void do_cwd(int argc, char **argv)
{
	char path[4096];
	if (getcwd(path, sizeof(path)))
		say("%s", path);
	else
		say_errno();
}

static void do_fds(int argc, char **argv)
{
	DIR *dir = opendir("/proc/self/fd");
	if (!dir) {
		say_errno();
		return;
	}
	struct dirent *entry;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || number(entry->d_name) == dirfd(dir))
			continue;
		char target[4096];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		say("%s %s", entry->d_name, target);
	}
	closedir(dir);
}

/* status [NAME...]: lines of /proc/self/status, blanks squeezed. */
static void do_status(int argc, char **argv)
{
	FILE *file = fopen("/proc/self/status", "re");
	if (!file) {
		say_errno();
		return;
	}
	char line[4096];
	while (fgets(line, sizeof(line), file)) {
		size_t name = strcspn(line, ":");
		bool wanted = argc < 2;
		for (int i = 1; i < argc; i++)
			wanted |= strlen(argv[i]) == name && !memcmp(argv[i], line, name);
		if (!wanted)
			continue;
		printf("%.*s:", (int)name, line);
		for (char *p = line + name + 1; *p;) {
			p += strspn(p, " \t\n");
			size_t word = strcspn(p, " \t\n");
			if (word)
				printf(" %.*s", (int)word, p);
			p += word;
		}
		say("%s", "");
	}
	fclose(file);
}

static void do_ids(int argc, char **argv)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;
	if (getresuid(&r, &e, &s) < 0 || getresgid(&gr, &ge, &gs) < 0) {
		say_errno();
		return;
	}
	say("uid %u %u %u", r, e, s);
	say("gid %u %u %u", gr, ge, gs);
	gid_t groups[1024];
	int n = getgroups(1024, groups);
	printf("groups");
	for (int i = 0; i < n; i++)
		printf(" %u", groups[i]);
	say("%s", "");
}

static void do_umask(int argc, char **argv)
{
	mode_t mask = umask(0);
	umask(mask);
	say("%04o", (unsigned int)mask);
}

static void do_rlimits(int argc, char **argv)
{
	static const struct {
		const char *name;
		__rlimit_resource_t id;
	} limits[] = {
		{ "CPU", RLIMIT_CPU },		 { "FSIZE", RLIMIT_FSIZE },
		{ "DATA", RLIMIT_DATA },	 { "STACK", RLIMIT_STACK },
		{ "CORE", RLIMIT_CORE },	 { "RSS", RLIMIT_RSS },
		{ "NPROC", RLIMIT_NPROC },	 { "NOFILE", RLIMIT_NOFILE },
		{ "MEMLOCK", RLIMIT_MEMLOCK },	 { "AS", RLIMIT_AS },
		{ "LOCKS", RLIMIT_LOCKS },	 { "SIGPENDING", RLIMIT_SIGPENDING },
		{ "MSGQUEUE", RLIMIT_MSGQUEUE }, { "NICE", RLIMIT_NICE },
		{ "RTPRIO", RLIMIT_RTPRIO },	 { "RTTIME", RLIMIT_RTTIME },
	};
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct rlimit limit;
		if (getrlimit(limits[i].id, &limit) < 0) {
			say_errno();
			continue;
		}
		printf("%s", limits[i].name);
		rlim_t both[] = { limit.rlim_cur, limit.rlim_max };
		for (int k = 0; k < 2; k++) {
			if (both[k] == RLIM_INFINITY)
				printf(" unlimited");
			else
				printf(" %llu", (unsigned long long)both[k]);
		}
		say("%s", "");
	}
}

struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static void do_sched(int argc, char **argv)
{
	static const char *const names[] = { "OTHER", "FIFO", "RR",	 "BATCH",
					     "ISO",   "IDLE", "DEADLINE" };
	struct sched_attributes attr = { .size = sizeof(attr) };
	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0) {
		say_errno();
		return;
	}
	say("policy %s", attr.policy < 7 ? names[attr.policy] : "?");
	say("nice %d", attr.nice);
	say("priority %u", attr.priority);
	say("flags %llu", (unsigned long long)attr.flags);
	say("deadline %llu %llu %llu", (unsigned long long)attr.runtime,
	    (unsigned long long)attr.deadline, (unsigned long long)attr.period);
}

static void do_ioprio(int argc, char **argv)
{
	static const char *const names[] = { "NONE", "RT", "BE", "IDLE" };
	long value = syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0);
	if (value < 0)
		say_errno();
	else
		say("%s %ld", names[value >> 13 & 3], value & 0x1fff);
}

static void do_affinity(int argc, char **argv)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) < 0) {
		say_errno();
		return;
	}
	const char *comma = "";
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set)) {
			printf("%s%zu", comma, i);
			comma = ",";
		}
	say("%s", "");
}

static void do_hostname(int argc, char **argv)
{
	struct utsname name;
	uname(&name);
	say("hostname %s", name.nodename);
	say("domainname %s", name.domainname);
	say("machine %s", name.machine);
}

static void do_personality(int argc, char **argv)
{
	say("%#x", (unsigned int)personality(0xffffffff));
}

static void do_ns(int argc, char **argv)
{
	static const char *const names[] = { "cgroup", "ipc",  "mnt",  "net",
					     "pid",    "time", "user", "uts" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[64], target[128];
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		say("%s %s", names[i], target);
	}
}

static void do_ps(int argc, char **argv)
{
	say("pid %d ppid %d pgid %d sid %d", getpid(), getppid(), getpgrp(), getsid(0));
}

static void do_comm(int argc, char **argv)
{
	copy_out("/proc/self/comm");
}

static void do_keyring(int argc, char **argv)
{
	char text[256] = "";
	long n = syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text,
			 sizeof(text) - 1);
	if (n < 0)
		say_errno();
	else
		say("%s", text);
}

static void do_clock(int argc, char **argv)
{
	struct timespec monotonic, boottime;
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	say("monotonic %lld", (long long)monotonic.tv_sec);
	say("boottime %lld", (long long)boottime.tv_sec);
}

/* link NAME: is a network interface up, and what are its addresses? */
static void do_link(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argc > 1 ? argv[1] : "lo");
	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		say_errno();
	else
		say("%s %s", request.ifr_name, request.ifr_flags & IFF_UP ? "up" : "down");
	if (fd >= 0)
		close(fd);
}

/* ---- files ----------------------------------------------------------------- */

static void do_cat(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!copy_out(argv[i]))
			say_errno();
}

/* write FILE TEXT: into a file that exists. */
static void do_write(int argc, char **argv)
{
	if (argc < 3)
		return;
	int fd = open(argv[1], O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		say_errno();
		return;
	}
	say_result(write(fd, argv[2], strlen(argv[2])));
	close(fd);
}

/* create FILE [TEXT] */
static void do_create(int argc, char **argv)
{
	if (argc < 2)
		return;
	int fd = open(argv[1], O_WRONLY | O_CREAT | O_CLOEXEC | O_TRUNC, 0666);
	if (fd < 0) {
		say_errno();
		return;
	}
	say_result(write(fd, argc > 2 ? argv[2] : "", argc > 2 ? strlen(argv[2]) : 0));
	close(fd);
}

/* open r|w|rw FILE... */
static void do_open(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		int flags = O_RDONLY;
		if (!strcmp(argv[1], "w"))
			flags = O_WRONLY;
		else if (!strcmp(argv[1], "rw"))
			flags = O_RDWR;
		int fd = open(argv[i], flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		say_result(fd);
		if (fd >= 0)
			close(fd);
	}
}

static void do_mkdir(int argc, char **argv)
{
	if (argc > 1)
		say_result(mkdir(argv[1], 0777));
}

static void do_rm(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		say_result(remove(argv[i]));
}

static void do_ls(int argc, char **argv)
{
	DIR *dir = opendir(argc > 1 ? argv[1] : ".");
	if (!dir) {
		say_errno();
		return;
	}
	struct dirent *entry;
	errno = 0;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			say("%s", entry->d_name);
	if (errno)
		say_errno();
	closedir(dir);
}

static void do_readlink(int argc, char **argv)
{
	char target[4096];
	ssize_t n = argc > 1 ? readlink(argv[1], target, sizeof(target) - 1) : -1;
	if (n < 0) {
		say_errno();
		return;
	}
	target[n] = '\0';
	say("%s", target);
}

/* stat FILE...: type, octal mode, uid, gid, size, device number. Links are not followed. */
static void do_stat(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;
		if (lstat(argv[i], &st) < 0) {
			say_errno();
			continue;
		}
		char type = '?';
		switch (st.st_mode & S_IFMT) {
		case S_IFREG:
			type = 'f';
			break;
		case S_IFDIR:
			type = 'd';
			break;
		case S_IFLNK:
			type = 'l';
			break;
		case S_IFCHR:
			type = 'c';
			break;
		case S_IFBLK:
			type = 'b';
			break;
		case S_IFIFO:
			type = 'p';
			break;
		case S_IFSOCK:
			type = 's';
			break;
		default:
			break;
		}
		say("%c %04o %u %u %lld %u:%u", type, st.st_mode & 07777, st.st_uid, st.st_gid,
		    (long long)st.st_size, major(st.st_rdev), minor(st.st_rdev));
	}
}

/* mknod FILE c|b|p MAJOR MINOR */
static void do_mknod(int argc, char **argv)
{
	if (argc < 5)
		return;
	mode_t type = *argv[2] == 'c' ? S_IFCHR : *argv[2] == 'b' ? S_IFBLK : S_IFIFO;
	dev_t device = makedev((unsigned int)number(argv[3]), (unsigned int)number(argv[4]));
	say_result(mknod(argv[1], type | 0600, device));
}

/* exec-file FILE: can it be executed? */
static void do_exec_file(int argc, char **argv)
{
	if (argc < 2)
		return;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		execl(argv[1], argv[1], "print", "executed", (char *)NULL);
		say_errno();
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void do_mounts(int argc, char **argv)
{
	copy_out("/proc/self/mountinfo");
}

/* mount PATH...: the topmost mount there: type, its options, propagation, superblock's options. */
static void do_mount(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen("/proc/self/mountinfo", "re");
		if (!file) {
			say_errno();
			return;
		}
		char line[8192], found[8192] = "no mount";
		while (fgets(line, sizeof(line), file)) {
			char target[4096], options[1024], rest[4096];
			if (sscanf(line, "%*d %*d %*s %*s %4095s %1023s %4095[^\n]", target,
				   options, rest) != 3 ||
			    strcmp(target, argv[i]) != 0)
				continue;
			char *dash = strstr(rest, "- ");
			char type[64] = "", super[2048] = "";
			if (!dash || sscanf(dash, "- %63s %*s %2047s", type, super) < 1)
				continue;
			*dash = '\0';
			snprintf(found, sizeof(found), "%s %s %s- %s", type, options, rest, super);
		}
		fclose(file);
		say("%s", found);
	}
}

static void do_statfs(int argc, char **argv)
{
	struct statfs fs;
	if (argc > 1 && statfs(argv[1], &fs) == 0)
		say("magic %#lx size %llu", (unsigned long)fs.f_type,
		    (unsigned long long)fs.f_blocks * (unsigned long long)fs.f_bsize);
	else
		say_errno();
}

static void do_chroot_mount(int argc, char **argv)
{
	if (argc > 2)
		say_result(mount(argv[1], argv[2], argc > 3 ? argv[3] : NULL,
				 argc > 3 ? 0 : MS_BIND, NULL));
}

/* ---- system calls, signals, processes --------------------------------------- */

/* syscall NUMBER [ARGUMENT...] */
static void do_syscall(int argc, char **argv)
{
	long a[7] = { 0 };
	for (int i = 1; i < argc && i <= 7; i++)
		a[i - 1] = number(argv[i]);
	long result = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
	if (result < 0)
		say_errno();
	else
		say("%ld", result);
}

/* Prints the signals it gets until SIGTERM; "ready" first. */
static void do_signals(int argc, char **argv)
{
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	say("ready");
	for (;;) {
		int signal = sigwaitinfo(&all, NULL);
		if (signal < 0)
			continue;
		const char *name = sigabbrev_np(signal);
		if (name)
			say("signal %s", name);
		else
			say("signal %d", signal);
		if (signal == SIGTERM)
			return;
	}
}

/* Waits for ever; SIGTERM, INT and HUP end it with 128 + signal, as PID 1 too. */
static void on_signal(int signal)
{
	_exit(128 + signal);
}

static void do_wait(int argc, char **argv)
{
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGHUP, on_signal);
	if (argc > 1)
		say("%s", argv[1]);
	for (;;) {
		/* As PID 1 we are everybody's parent. */
		while (waitpid(-1, NULL, 0) > 0)
			;
		pause();
	}
}

/* wait-file FILE: until it exists, 30 s at most. */
static void do_wait_file(int argc, char **argv)
{
	for (int i = 0; argc > 1 && i < 6000; i++) {
		if (access(argv[1], F_OK) == 0) {
			say("ok");
			return;
		}
		sleep_ms(5);
	}
	say("timeout");
}

static void do_sleep(int argc, char **argv)
{
	sleep_ms(argc > 1 ? number(argv[1]) : 1000);
}

static void do_exit(int argc, char **argv)
{
	exit(argc > 1 ? (int)number(argv[1]) : 0);
}

static void do_kill_self(int argc, char **argv)
{
	int sig = argc > 1 ? (int)number(argv[1]) : SIGKILL;
	signal(sig, SIG_DFL);
	raise(sig);
	say("survived");
}

/* forkbomb N: children that live at the same time; how many came, and why no more did. */
static void do_forkbomb(int argc, char **argv)
{
	long wanted = argc > 1 ? number(argv[1]) : 10, made = 0;
	int gate[2];
	if (pipe2(gate, O_CLOEXEC) < 0) {
		say_errno();
		return;
	}
	const char *why = "ok";
	fflush(stdout);
	for (; made < wanted; made++) {
		pid_t child = fork();
		if (child == 0) {
			char c;
			close(gate[1]);
			_exit(read(gate[0], &c, 1) == 0 ? 0 : 1);
		}
		if (child < 0) {
			why = strerrorname_np(errno);
			break;
		}
	}
	say("forked %ld %s", made, why);
	close(gate[1]);
	close(gate[0]);
	long reaped = 0;
	while (waitpid(-1, NULL, 0) > 0)
		reaped++;
	say("reaped %ld", reaped);
}

/* oom MB: touches that much memory. */
static void do_oom(int argc, char **argv)
{
	size_t size = (size_t)(argc > 1 ? number(argv[1]) : 64) << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		say_errno();
		return;
	}
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = 1;
	say("survived");
	munmap(memory, size);
}

/* oom-child MB: the same in a child, whose end is reported. */
static void do_oom_child(int argc, char **argv)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		do_oom(argc, argv);
		_exit(0);
	}
	int status = 0;
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		say("child killed %s", sigabbrev_np(WTERMSIG(status)));
	else
		say("child exit %d", WEXITSTATUS(status));
}

/* orphan: leaves a grandchild behind that nobody waits for but PID 1, and that waits for ever. */
static void do_orphan(int argc, char **argv)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		pid_t grandchild = fork();
		if (grandchild == 0) {
			for (;;)
				pause();
		}
		_exit(0);
	}
	waitpid(child, NULL, 0);
	say("orphaned");
}

/* spin MS: uses the CPU for that long (wall clock), says how much of it it got. */
static void do_spin(int argc, char **argv)
{
	long ms = argc > 1 ? number(argv[1]) : 100;
	struct timespec start, now, used0, used;
	clock_gettime(CLOCK_MONOTONIC, &start);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used0);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	say("used %ld ms",
	    (long)((used.tv_sec - used0.tv_sec) * 1000 + (used.tv_nsec - used0.tv_nsec) / 1000000));
}

static void do_ptrace(int argc, char **argv)
{
	if (argc > 1)
		say_result(syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, number(argv[1]), 0, 0));
}

/* notify TEXT: one sd_notify datagram to $NOTIFY_SOCKET. */
static void do_notify(int argc, char **argv)
{
	const char *path = getenv("NOTIFY_SOCKET");
	if (!path || argc < 2) {
		say("NOTIFY_SOCKET unset");
		return;
	}
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[1024];
	size_t n = 0;
	for (const char *p = argv[1]; *p && n < sizeof(text); p++) /* ';' stands for a new line */
		text[n++] = *p == ';' ? '\n' : *p;
	say_result(sendto(fd, text, n, 0, (struct sockaddr *)&address, sizeof(address)));
	close(fd);
}

/* read-fd FD: what is in it. */
static void do_read_fd(int argc, char **argv)
{
	char text[4096];
	ssize_t n = argc > 1 ? read((int)number(argv[1]), text, sizeof(text) - 1) : 0;
	if (n < 0) {
		say_errno();
		return;
	}
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	say("%s", text);
}

/* overwrite-exe MS: opens for writing, for that long, the executable of every process it sees. */
static void do_overwrite_exe(int argc, char **argv)
{
	long rounds = argc > 1 ? number(argv[1]) : 100;
	char own[4096];
	ssize_t own_n = readlink("/proc/self/exe", own, sizeof(own));
	long opened = 0, seen = 0;
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		DIR *dir = opendir("/proc");
		struct dirent *entry;
		while (dir && (entry = readdir(dir))) {
			char path[300], target[4096];
			if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
				continue;
			snprintf(path, sizeof(path), "/proc/%s/exe", entry->d_name);
			ssize_t n = readlink(path, target, sizeof(target));
			if (n == own_n && !memcmp(own, target, (size_t)n))
				continue;
			int held = open(path, O_PATH | O_CLOEXEC);
			if (held < 0)
				continue;
			seen++;
			snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
			/* Busy while it runs: the attack is to wait until it has gone. */
			for (int i = 0; i < 200; i++) {
				int fd = open(path, O_WRONLY | O_CLOEXEC);
				if (fd >= 0) {
					opened++;
					close(fd);
					break;
				}
				if (errno != ETXTBSY)
					break;
			}
			close(held);
		}
		if (dir)
			closedir(dir);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 <
		 rounds);
	say("seen %s", seen ? "some" : "none");
	say("opened %ld", opened);
}

/* ---- terminal --------------------------------------------------------------- */

static void do_winsize(int argc, char **argv)
{
	struct winsize size;
	if (ioctl(0, TIOCGWINSZ, &size) < 0)
		say_errno();
	else
		say("winsize %u %u", size.ws_row, size.ws_col);
}

static void do_tty(int argc, char **argv)
{
	for (int fd = 0; fd < 3; fd++) {
		char name[256] = "not a tty";
		if (isatty(fd) && ttyname_r(fd, name, sizeof(name)) != 0)
			snprintf(name, sizeof(name), "?");
		say("%d %s", fd, name);
	}
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	say("controlling %s", fd >= 0 ? "yes" : strerrorname_np(errno));
	if (fd >= 0)
		close(fd);
	say("foreground %s", tcgetpgrp(0) == getpgrp() ? "yes" : "no");
	do_winsize(0, NULL);
}

/* wait-winsize ROWS COLUMNS: until the terminal has that size, 10 s at most. */
static void do_wait_winsize(int argc, char **argv)
{
	if (argc < 3)
		return;
	sigset_t change;
	sigemptyset(&change);
	sigaddset(&change, SIGWINCH);
	sigprocmask(SIG_BLOCK, &change, NULL);
	say("waiting");
	for (int i = 0; i < 10; i++) {
		struct winsize size = { 0 };
		ioctl(0, TIOCGWINSZ, &size);
		if (size.ws_row == number(argv[1]) && size.ws_col == number(argv[2])) {
			say("resized %u %u", size.ws_row, size.ws_col);
			return;
		}
		sigtimedwait(&change, NULL, &(struct timespec){ .tv_sec = 1 });
	}
	say("timeout");
}

static void do_tiocsti(int argc, char **argv)
{
	say_result(ioctl(0, TIOCSTI, "x"));
}

/* read-line: one line of standard input. */
static void do_read_line(int argc, char **argv)
{
	char line[4096];
	if (!fgets(line, sizeof(line), stdin)) {
		say("end of file");
		return;
	}
	line[strcspn(line, "\n")] = '\0';
	say("read [%s]", line);
}

/* flood BYTES: that many, in lines, and a last one without its end. */
static void do_flood(int argc, char **argv)
{
	long bytes = argc > 1 ? number(argv[1]) : 1000000;
	for (long i = 1; i < bytes; i++)
		putchar(i % 64 ? 'x' : '\n');
	putchar('!');
	fflush(stdout);
}

static const struct {
	const char *name;
	void (*run)(int argc, char **argv);
} commands[] = {
	{ "affinity", do_affinity },
	{ "args", do_args },
	{ "cat", do_cat },
	{ "clock", do_clock },
	{ "comm", do_comm },
	{ "create", do_create },
	{ "cwd", do_cwd },
	{ "env", do_env },
	{ "exec-file", do_exec_file },
	{ "exit", do_exit },
	{ "fds", do_fds },
	{ "flood", do_flood },
	{ "forkbomb", do_forkbomb },
	{ "hostname", do_hostname },
	{ "ids", do_ids },
	{ "ioprio", do_ioprio },
	{ "keyring", do_keyring },
	{ "kill-self", do_kill_self },
	{ "link", do_link },
	{ "ls", do_ls },
	{ "mkdir", do_mkdir },
	{ "mknod", do_mknod },
	{ "mount", do_mount },
	{ "mount-there", do_chroot_mount },
	{ "mounts", do_mounts },
	{ "notify", do_notify },
	{ "ns", do_ns },
	{ "oom", do_oom },
	{ "oom-child", do_oom_child },
	{ "open", do_open },
	{ "orphan", do_orphan },
	{ "overwrite-exe", do_overwrite_exe },
	{ "personality", do_personality },
	{ "print", do_print },
	{ "ps", do_ps },
	{ "ptrace", do_ptrace },
	{ "read-fd", do_read_fd },
	{ "read-line", do_read_line },
	{ "readlink", do_readlink },
	{ "rlimits", do_rlimits },
	{ "rm", do_rm },
	{ "sched", do_sched },
	{ "signals", do_signals },
	{ "sleep", do_sleep },
	{ "spin", do_spin },
	{ "stat", do_stat },
	{ "statfs", do_statfs },
	{ "status", do_status },
	{ "syscall", do_syscall },
	{ "tiocsti", do_tiocsti },
	{ "tty", do_tty },
	{ "umask", do_umask },
	{ "wait", do_wait },
	{ "wait-file", do_wait_file },
	{ "wait-winsize", do_wait_winsize },
	{ "winsize", do_winsize },
	{ "write", do_write },
};

static void run_command(int argc, char **argv)
{
	for (size_t i = 0; argc && i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[0], commands[i].name)) {
			commands[i].run(argc, argv);
			return;
		}
	fprintf(stderr, "payload: no command '%s'\n", argc ? argv[0] : "");
	exit(125);
}

int main(int argc, char **argv)
{
	for (int first = 1, i = 1; i <= argc; i++)
		if (i == argc || !strcmp(argv[i], "+")) {
			argv[i] = NULL;
			run_command(i - first, argv + first);
			first = i + 1;
		}
	return 0;
}
