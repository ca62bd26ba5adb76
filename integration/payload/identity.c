/* SPDX-License-Identifier: Apache-2.0 */
/* What the process is: its identity, limits, namespaces and clocks. */
#include <dirent.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "integration/payload/payload.h"

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

const struct command identity_commands[] = {
	{ "affinity", do_affinity },
	{ "args", do_args },
	{ "clock", do_clock },
	{ "comm", do_comm },
	{ "cwd", do_cwd },
	{ "env", do_env },
	{ "fds", do_fds },
	{ "hostname", do_hostname },
	{ "ids", do_ids },
	{ "ioprio", do_ioprio },
	{ "keyring", do_keyring },
	{ "link", do_link },
	{ "ns", do_ns },
	{ "personality", do_personality },
	{ "print", do_print },
	{ "ps", do_ps },
	{ "rlimits", do_rlimits },
	{ "sched", do_sched },
	{ "status", do_status },
	{ "umask", do_umask },
	{ 0 },
};
