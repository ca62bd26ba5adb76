/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile or greedy process does: takes processes, memory, CPU, executables. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "integration/payload/payload.h"

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

static long elapsed_ms(const struct timespec *start, clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

/* spin MS: uses the CPU for that long (wall clock), says how much of it it got. */
static void do_spin(int argc, char **argv)
{
	long ms = argc > 1 ? number(argv[1]) : 100;
	struct timespec start, used;
	clock_gettime(CLOCK_MONOTONIC, &start);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	while (elapsed_ms(&start, CLOCK_MONOTONIC) < ms)
		;
	say("used %ld ms", elapsed_ms(&used, CLOCK_PROCESS_CPUTIME_ID));
}

static bool is_our_executable(const char *path)
{
	char own[4096], target[4096];
	ssize_t own_n = readlink("/proc/self/exe", own, sizeof(own));
	ssize_t n = readlink(path, target, sizeof(target));
	return n > 0 && n == own_n && !memcmp(own, target, (size_t)n);
}

/* Busy while it runs: the attack is to hold it, and to wait until the process has gone. */
static bool open_for_writing(int held)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", held);
	for (int i = 0; i < 100000; i++) {
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0) {
			close(fd);
			return true;
		}
		if (errno != ETXTBSY)
			return false;
	}
	return false;
}

static void attack_executables(long *seen, long *opened)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		char path[300];
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/exe", entry->d_name);
		if (is_our_executable(path))
			continue;
		int held = open(path, O_PATH | O_CLOEXEC);
		if (held < 0)
			continue;
		++*seen;
		*opened += open_for_writing(held);
		close(held);
	}
	if (dir)
		closedir(dir);
}

/* overwrite-exe MS: opens for writing, for that long, the executable of every process it sees. */
static void do_overwrite_exe(int argc, char **argv)
{
	long ms = argc > 1 ? number(argv[1]) : 100;
	long opened = 0, seen = 0;
	struct timespec start;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		attack_executables(&seen, &opened);
	while (elapsed_ms(&start, CLOCK_MONOTONIC) < ms);
	say("seen %s", seen ? "some" : "none");
	say("opened %ld", opened);
}

/* Whether a process that does not run our program lets us trace it. */
static bool trace(const char *pid)
{
	char path[300];
	bool traced = false;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	if (is_our_executable(path) || ptrace(PTRACE_SEIZE, (pid_t)number(pid), NULL, NULL) < 0)
		return false;
	/* It may have become one of ours meanwhile; one that is ending has no program. */
	char target[4096];
	traced = readlink(path, target, sizeof(target)) > 0 && !is_our_executable(path);
	if (ptrace(PTRACE_INTERRUPT, (pid_t)number(pid), NULL, NULL) == 0)
		waitpid((pid_t)number(pid), NULL, __WALL);
	ptrace(PTRACE_DETACH, (pid_t)number(pid), NULL, NULL);
	return traced;
}

/* trace MS: traces, for that long, what does not run our program. */
static void do_trace(int argc, char **argv)
{
	long ms = argc > 1 ? number(argv[1]) : 100, traced = 0;
	struct timespec start;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		DIR *dir = opendir("/proc");
		struct dirent *entry;
		while (dir && (entry = readdir(dir)))
			if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
				traced += trace(entry->d_name);
		if (dir)
			closedir(dir);
	} while (elapsed_ms(&start, CLOCK_MONOTONIC) < ms);
	say("traced %ld", traced);
}

/* swap A B: exchanges the two names, again and again, for ever. */
static void do_swap(int argc, char **argv)
{
	while (argc > 2 && renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) == 0)
		;
	say_errno();
}

const struct command attack_commands[] = {
	{ "forkbomb", do_forkbomb },   { "oom", do_oom },
	{ "oom-child", do_oom_child }, { "overwrite-exe", do_overwrite_exe },
	{ "spin", do_spin },	       { "swap", do_swap },
	{ "trace", do_trace },	       { 0 },
};
