/* SPDX-License-Identifier: Apache-2.0 */
/* System calls, signals, and how a process waits and ends. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "integration/payload/payload.h"

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

/* syscall32 NUMBER [ARGUMENT]: as a program of 32 bits makes it; ENOSYS where there are none */
static void do_syscall32(int argc, char **argv)
{
	int result = -ENOSYS;
#ifdef __x86_64__
	int nr = argc > 1 ? (int)number(argv[1]) : 0,
	    argument = argc > 2 ? (int)number(argv[2]) : 0;
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(nr), "b"(argument)
			 : "memory", "r8", "r9", "r10", "r11");
#else
	(void)argc;
	(void)argv;
#endif
	if (result < 0) {
		errno = -result;
		say_errno();
	} else {
		say("%d", result);
	}
}

static void do_ptrace(int argc, char **argv)
{
	if (argc > 1)
		say_result(syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, number(argv[1]), 0, 0));
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

static void sleep_ms(long ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* listen PORT: on TCP, at any address. */
static void do_listen(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)(argc > 1 ? number(argv[1]) : 0));
	say_result(bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : listen(fd, 1));
	close(fd);
}

static void do_sleep(int argc, char **argv)
{
	sleep_ms(argc > 1 ? number(argv[1]) : 1000);
}

/* wait-file FILE: until it exists, 100 s at most. */
static void do_wait_file(int argc, char **argv)
{
	for (int i = 0; argc > 1 && i < 20000; i++) {
		if (access(argv[1], F_OK) == 0) {
			say("ok");
			return;
		}
		sleep_ms(5);
	}
	say("timeout");
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

/* tick PATH: for ever, a datagram each 20 ms by one socket that is connected to PATH. */
static void do_tick(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argc > 1 ? argv[1] : "");
	say_result(connect(fd, (struct sockaddr *)&address, sizeof(address)));
	for (;; sleep_ms(20))
		(void)send(fd, "tick", 4, MSG_DONTWAIT | MSG_NOSIGNAL);
}

const struct command process_commands[] = {
	{ "exit", do_exit },	       { "kill-self", do_kill_self },
	{ "listen", do_listen },       { "notify", do_notify },
	{ "orphan", do_orphan },       { "ptrace", do_ptrace },
	{ "signals", do_signals },     { "sleep", do_sleep },
	{ "syscall", do_syscall },     { "syscall32", do_syscall32 },
	{ "tick", do_tick },	       { "wait", do_wait },
	{ "wait-file", do_wait_file }, { 0 },
};
