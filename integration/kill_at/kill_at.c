/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill_at [--all] N COMMAND [ARG...]
 *
 * Runs the command and kills (SIGKILL), at the Nth event, the process that
 * caused it. An event is a process of the command's, itself or a descendant,
 * entering or leaving sendmsg(2) or recvmsg(2), which is how the runtime's
 * processes send and receive their messages; with --all any system call.
 * Counting over all processes visits each message in each process. The others
 * go on undisturbed.
 *
 * Exit status: 0 killed; 3 the command ended before event N; 1 trouble.
 * Waits for the command's own end, not for that of its descendants.
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

static int watch(pid_t command, long n, bool all)
{
	long events = 0;
	bool killed = false;
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
		if (pid < 0)
			continue;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == command)
				return killed ? KILLED : NOT_REACHED;
			continue;
		}
		if (!killed && WSTOPSIG(status) == (SIGTRAP | 0x80) && (is_message(pid) || all) &&
		    ++events == n) {
			(void)kill(pid, SIGKILL);
			killed = true;
			continue;
		}
		/* Traced to the end: a detached one would be nobody's, and time would differ. */
		resume(pid, status, true);
	}
	return killed ? KILLED : NOT_REACHED;
}

int main(int argc, char **argv)
{
	bool all = argc > 1 && strcmp(argv[1], "--all") == 0;
	char **rest = argv + 1 + all;
	long n = argc > 2 + all ? strtol(rest[0], NULL, 10) : 0;

	if (n <= 0) {
		(void)fprintf(stderr, "usage: kill_at [--all] N COMMAND [ARG...]\n");
		return TROUBLE;
	}
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		(void)raise(SIGSTOP);
		(void)execvp(rest[1], rest + 1);
		fail(rest[1]);
	}
	int status;
	if (waitpid(pid, &status, WUNTRACED) < 0 || !WIFSTOPPED(status))
		fail("the command did not stop");
	/*
	 * Not PTRACE_TRACEME: then children would begin with a SIGSTOP, which those
	 * that are young when we end would keep, stopped for good.
	 */
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(intptr_t)options) < 0)
		fail("PTRACE_SEIZE");
	(void)kill(pid, SIGCONT);
	return watch(pid, n, all);
}
