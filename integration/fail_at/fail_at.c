/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail_at FILE N COMMAND [ARG...]
 * fail_at FILE N --of PID
 *
 * Runs the command and makes one system call fail: the Nth way to fail (fault.c)
 * of those that the command and its descendants meet, while they run programs
 * of the product. What these execute is left alone. FILE tells what has failed
 * ("openat EMFILE 123", with the process), and stays empty when the command
 * ended before.
 *
 * --of watches a process that runs, and the descendants that it makes from when
 * "ready" is printed, until it ends or SIGTERM comes.
 *
 * Exit status: the command's, 128 + N after signal N; 125 for trouble; with --of 0.
 * Waits for the command's own end, not for that of its descendants.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "integration/fail_at/fault.h"

enum { TROUBLE = 125 };

static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			    PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;

struct plan {
	int file;
	unsigned long n, met; /* the event that is wanted; how many there have been */
	bool begun, done;     /* the product's program runs; its call has failed */
};

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "fail_at: %s: %s\n", what, strerror(errno));
	_exit(TROUBLE);
}

static void tell(const struct plan *plan, struct fault fault, pid_t pid)
{
	char text[80];
	int n = snprintf(text, sizeof(text), "%s %s %d\n", fault.call, strerrorname_np(fault.error),
			 pid);

	if (write(plan->file, text, (size_t)n) != n)
		fail("write");
}

/* A call with three ways to fail is three events. */
static void enter(struct plan *plan, pid_t pid)
{
	struct ptrace_syscall_info info = { 0 };
	unsigned int ways;

	if (!plan->begun || plan->done ||
	    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	ways = fault_count(pid, info.entry.nr, info.entry.args);
	if (plan->n > plan->met + ways) {
		plan->met += ways;
		return;
	}
	struct fault fault = fault_of(pid, info.entry.nr, info.entry.args,
				      (unsigned int)(plan->n - plan->met - 1));
	/* Whoever was killed meanwhile has not met it. */
	if (!fault_inject(pid, fault.error))
		return;
	plan->done = true;
	tell(plan, fault, pid);
}

/* By name: the runtime executes itself again from a mount of its own. */
static bool is_product(pid_t pid)
{
	char link[32], path[PATH_MAX];

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	const char *slash = strrchr(path, '/');
	return strstr(slash ? slash : path, "rustbox") != NULL;
}

static void resume(const struct plan *plan, pid_t pid, int status, bool leave)
{
	int signal_number = WSTOPSIG(status);

	if (status >> 16 || signal_number == SIGTRAP || signal_number == (SIGTRAP | 0x80) ||
	    signal_number == SIGSTOP)
		signal_number = 0;
	(void)ptrace(leave ? PTRACE_DETACH : (plan->done ? PTRACE_CONT : PTRACE_SYSCALL), pid, NULL,
		     (void *)(intptr_t)signal_number);
}

static void handle_stop(struct plan *plan, pid_t pid, int status)
{
	bool leave = false;

	if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
		enter(plan, pid);
	} else if (status >> 16 == PTRACE_EVENT_EXEC) {
		leave = !is_product(pid);
		plan->begun = plan->begun || !leave;
	}
	resume(plan, pid, status, leave);
}

/* Until `process` ends; its wait status. */
static int watch(struct plan *plan, pid_t process)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
		if (pid < 0)
			continue;
		if (WIFSTOPPED(status))
			handle_stop(plan, pid, status);
		else if (pid == process)
			return status;
	}
	return 0;
}

static _Noreturn void usage(void)
{
	(void)fprintf(stderr, "usage: fail_at FILE N COMMAND [ARG...]\n"
			      "       fail_at FILE N --of PID\n");
	exit(TROUBLE);
}

static long number(const char *text)
{
	long value = text ? strtol(text, NULL, 10) : 0;

	if (value <= 0)
		usage();
	return value;
}

static void seize(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(intptr_t)options) < 0)
		fail("PTRACE_SEIZE");
}

static void stop(int signal_number)
{
	_exit(0);
}

static int watch_process(struct plan *plan, pid_t pid)
{
	plan->begun = true;
	(void)signal(SIGTERM, stop);
	seize(pid);
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		fail("PTRACE_INTERRUPT");
	(void)puts("ready");
	(void)fflush(stdout);
	(void)watch(plan, pid);
	return 0;
}

static int watch_command(struct plan *plan, char **command)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		(void)raise(SIGSTOP);
		(void)execvp(command[0], command);
		fail(command[0]);
	}
	if (waitpid(pid, &status, WUNTRACED) < 0 || !WIFSTOPPED(status))
		fail("the command did not stop");
	/* Not PTRACE_TRACEME: see kill_at.c. */
	seize(pid);
	(void)kill(pid, SIGCONT);
	status = watch(plan, pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	struct plan plan = { 0 };

	if (argc < 4)
		usage();
	plan.n = (unsigned long)number(argv[2]);
	plan.file = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (plan.file < 0)
		fail(argv[1]);
	if (strcmp(argv[3], "--of") == 0)
		return watch_process(&plan, (pid_t)number(argv[4]));
	return watch_command(&plan, argv + 3);
}
