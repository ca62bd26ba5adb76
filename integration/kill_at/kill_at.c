/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_at [--all] N COMMAND [ARG...]
 * kill_at --of PID [--children [--culprit]] [--hold MS] N
 *
 * Runs the command and kills (SIGKILL), at the Nth event, the process that
 * caused it. An event is a process of the command's, itself or a descendant,
 * entering or leaving sendmsg(2) or recvmsg(2), which is how the runtime's
 * processes send and receive their messages; with --all any system call.
 * Counting over all processes visits each message in each process. The others
 * go on undisturbed.
 *
 * --of watches a process that runs, from when "ready" is printed. An event is
 * any system call of it, or, with --children, of the descendants that it makes
 * from then on. Killed is that process, whoever caused the event, or, with
 * --culprit, the one that did; the others stand still where they are for MS
 * milliseconds from its end, as on a machine that has no time for them, and go
 * on then.
 *
 * Exit status: 0 killed; 3 the command ended before event N; 1 trouble.
 * Waits for the command's own end, not for that of its descendants. With --of,
 * SIGTERM ends it, and all go on undisturbed.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum { KILLED = 0, TROUBLE = 1, NOT_REACHED = 3 };

static const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			    PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "kill_at: %s: %s\n", what, strerror(errno));
	_exit(TROUBLE);
}

static bool is_message(pid_t pid)
{
	struct ptrace_syscall_info info = { 0 };

	/* At the exit stop the number is not in the info: what was entered is remembered. */
	static struct {
		pid_t pid;
		bool message;
	} entered[256];
	size_t slot = (size_t)pid % (sizeof(entered) / sizeof(entered[0]));

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return false;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		entered[slot].pid = pid;
		entered[slot].message =
			info.entry.nr == SYS_sendmsg || info.entry.nr == SYS_recvmsg;
	}
	return entered[slot].pid == pid && entered[slot].message;
}

/* Lets a stopped process go on, with the signal that it stopped for, if that is its own. */
static void resume(pid_t pid, int status, bool tracing)
{
	int signal_number = WSTOPSIG(status);

	if (status >> 16 || signal_number == SIGTRAP || signal_number == (SIGTRAP | 0x80) ||
	    signal_number == SIGSTOP)
		signal_number = 0;
	(void)ptrace(tracing ? PTRACE_SYSCALL : PTRACE_DETACH, pid, NULL,
		     (void *)(intptr_t)signal_number);
}

/* What is counted, and who dies of it. */
struct plan {
	pid_t process;	    /* the command, or the process that was there */
	bool all, messages; /* every process's calls; messages only */
	bool children;	    /* but not those of `process` */
	bool is_victim;	    /* `process` dies, not the one that caused the event */
	bool ends;	    /* with the victim; else with `process` */
	long n, hold_ms;
};

static bool counts(const struct plan *plan, pid_t pid)
{
	bool message = is_message(pid);

	if (plan->messages && !message)
		return false;
	return plan->all || (pid == plan->process) != plan->children;
}

static int wait_for(pid_t pid, long hold_ms)
{
	const struct timespec hold = { hold_ms / 1000, hold_ms % 1000 * 1000000 };
	int status;

	do
		if (waitpid(pid, &status, __WALL) < 0)
			fail("waitpid");
	while (!WIFEXITED(status) && !WIFSIGNALED(status));
	(void)nanosleep(&hold, NULL);
	return KILLED;
}

static int watch(const struct plan *plan)
{
	long events = 0;
	bool killed = false;
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
		if (pid < 0)
			continue;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == plan->process)
				return killed ? KILLED : NOT_REACHED;
			continue;
		}
		if (!killed && WSTOPSIG(status) == (SIGTRAP | 0x80) && counts(plan, pid) &&
		    ++events == plan->n) {
			pid_t victim = plan->is_victim ? plan->process : pid;
			(void)kill(victim, SIGKILL);
			if (plan->ends)
				return wait_for(victim, plan->hold_ms);
			killed = true;
			continue;
		}
		/* Traced to the end: a detached one would be nobody's, and time would differ. */
		resume(pid, status, true);
	}
	return killed ? KILLED : NOT_REACHED;
}

static _Noreturn void usage(void)
{
	(void)fprintf(stderr, "usage: kill_at [--all] N COMMAND [ARG...]\n"
			      "       kill_at --of PID [--children [--culprit]] [--hold MS] N\n");
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

static int watch_process(char **args)
{
	struct plan plan = { .is_victim = true, .ends = true };

	for (args++; *args; args++) {
		if (strcmp(*args, "--of") == 0)
			plan.process = (pid_t)number(*++args);
		else if (strcmp(*args, "--children") == 0)
			plan.children = true;
		else if (strcmp(*args, "--culprit") == 0)
			plan.is_victim = false;
		else if (strcmp(*args, "--hold") == 0)
			plan.hold_ms = number(*++args);
		else
			plan.n = number(*args);
	}
	if (!plan.n)
		usage();
	seize(plan.process);
	if (ptrace(PTRACE_INTERRUPT, plan.process, NULL, NULL) < 0)
		fail("PTRACE_INTERRUPT");
	(void)puts("ready");
	(void)fflush(stdout);
	return watch(&plan);
}

static int watch_command(char **args)
{
	bool all = strcmp(args[1], "--all") == 0;
	char **rest = args + 1 + all;
	struct plan plan = { .all = true, .messages = !all, .n = number(rest[0]) };
	int status;

	if (!rest[1])
		usage();
	plan.process = fork();
	if (plan.process < 0)
		fail("fork");
	if (plan.process == 0) {
		(void)raise(SIGSTOP);
		(void)execvp(rest[1], rest + 1);
		fail(rest[1]);
	}
	if (waitpid(plan.process, &status, WUNTRACED) < 0 || !WIFSTOPPED(status))
		fail("the command did not stop");
	/*
	 * Not PTRACE_TRACEME: then children would begin with a SIGSTOP, which those
	 * that are young when we end would keep, stopped for good.
	 */
	seize(plan.process);
	(void)kill(plan.process, SIGCONT);
	return watch(&plan);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		usage();
	return strcmp(argv[1], "--of") == 0 ? watch_process(argv) : watch_command(argv);
}
