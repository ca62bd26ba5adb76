/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rustbox-init -- COMMAND [ARG...]: process 1 of a container that was made with
 * --init. It runs the command in a process group of its own, forwards every
 * signal to that whole group, reaps whatever is orphaned, and ends as the
 * command does. Then the kernel ends what is left.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_EXECUTABLE = 126, NOT_FOUND = 127, SIGNALLED = 128, NOT_STARTED = 125 };

static int fail(const char *what, const char *name, int code)
{
	(void)fprintf(stderr, "rustbox-init: %s%s%s: %s\n", what, name ? " " : "", name ? name : "",
		      strerrordesc_np(errno));
	return code;
}

/* The group gets the terminal, if there is one: Ctrl-C is then between it and the kernel. */
static void take_terminal(pid_t group)
{
	if (tcgetpgrp(STDIN_FILENO) >= 0)
		(void)tcsetpgrp(STDIN_FILENO, group);
}

/* The child. Signals are blocked, SIGTTOU among them, which tcsetpgrp(3) would raise. */
static int run_command(char **argv)
{
	sigset_t none;

	(void)setpgid(0, 0);
	take_terminal(getpid());
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return fail("sigprocmask", NULL, NOT_STARTED);
	(void)execvp(argv[0], argv);
	return fail("exec", argv[0],
		    errno == ENOENT || errno == ENOTDIR ? NOT_FOUND : NOT_EXECUTABLE);
}

/* True when the command has ended; *ret_code is what a shell would say of it. */
static bool reap(pid_t command, int *ret_code)
{
	bool ended = false;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != command)
			continue;
		*ret_code =
			WIFSIGNALED(status) ? SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
		ended = true;
	}
	return ended;
}

static int serve(pid_t command, const sigset_t *all)
{
	for (;;) {
		int number, code;
		int failure = sigwait(all, &number);

		if (failure) {
			errno = failure;
			return fail("sigwait", NULL, NOT_STARTED);
		}
		if (number == SIGCHLD) {
			if (reap(command, &code))
				return code;
		} else if (number != SIGTTIN && number != SIGTTOU) {
			/* Between a fork and its setpgid(2) there is no group yet. */
			if (kill(-command, number) < 0)
				(void)kill(command, number);
		}
	}
}

int main(int argc, char **argv)
{
	sigset_t all;
	pid_t command;

	if (argc < 3 || strcmp(argv[1], "--") != 0) {
		(void)fputs("usage: rustbox-init -- COMMAND [ARG...]\n", stderr);
		return NOT_STARTED;
	}
	/* They are blocked already, so that none is lost before this (org.rustbox.signals). */
	(void)sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return fail("sigprocmask", NULL, NOT_STARTED);
	command = fork();
	if (command < 0)
		return fail("fork", NULL, NOT_STARTED);
	if (command == 0)
		return run_command(argv + 2);
	/* Both do it, so that it is done whoever comes first. */
	(void)setpgid(command, command);
	return serve(command, &all);
}
