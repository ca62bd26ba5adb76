/* SPDX-License-Identifier: Apache-2.0 */
/* A call under ptrace. That costs time, so times are not taken here. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "integration/bench/bench.h"

static double peak_kib(pid_t pid)
{
	char path[64], line[256];
	double kib = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtod(line + 6, NULL);
	if (file)
		(void)fclose(file);
	return kib;
}

/*
 * Counts the system calls of the program and of all processes that come of it
 * while it lives. What outlives it (init after create) goes on untraced when
 * this process ends.
 */
static void trace(pid_t program, struct cost *cost, int *ret_status)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC;
	int status;

	(void)waitpid(program, &status, 0);
	(void)ptrace(PTRACE_SETOPTIONS, program, NULL, (void *)(intptr_t)options);
	(void)ptrace(PTRACE_SYSCALL, program, NULL, NULL);
	for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0;) {
		struct ptrace_syscall_info info = { 0 };
		int number = WSTOPSIG(status), event = status >> 16;

		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			*ret_status = status;
			if (pid == program)
				return;
			continue;
		}
		if (number == (SIGTRAP | 0x80) &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY)
			cost->measures[CALLS]++;
		if (event == PTRACE_EVENT_EXIT && pid == program)
			cost->measures[MEMORY] = peak_kib(pid);
		if (event || number == SIGTRAP || number == (SIGTRAP | 0x80) || number == SIGSTOP)
			number = 0;
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)number);
	}
}

_Noreturn void become(const struct call *call)
{
	char output[PATH_MAX];

	(void)snprintf(output, sizeof(output), "%s/output", bench.folder);
	int fd = open(call->has_terminal ? terminal_name() : output, O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	(void)execv(call->args[0], call->args);
	_exit(127);
}

/* A tracer of its own: when it ends, the kernel lets go of all that it traced. */
bool traced(const struct call *call, struct cost *cost)
{
	int ends[2], status = -1;

	*cost = (struct cost){ { 0 } };
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe");
	pid_t tracer = fork();
	if (tracer < 0)
		fail("fork");
	if (tracer == 0) {
		pid_t program = fork();

		if (program == 0) {
			(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
			become(call);
		}
		trace(program, cost, &status);
		if (write(ends[1], cost, sizeof(*cost)) != (ssize_t)sizeof(*cost))
			_exit(1);
		_exit(succeeded(status) ? 0 : 1);
	}
	(void)close(ends[1]);
	bool ok = read(ends[0], cost, sizeof(*cost)) == (ssize_t)sizeof(*cost);
	(void)close(ends[0]);
	return waitpid(tracer, &status, 0) == tracer && succeeded(status) && ok;
}
