/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals and the standard streams. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "integration/payload/payload.h"

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

/* wait-winsize ROWS COLUMNS: until the terminal has that size, 100 s at most. */
static void do_wait_winsize(int argc, char **argv)
{
	if (argc < 3)
		return;
	sigset_t change;
	sigemptyset(&change);
	sigaddset(&change, SIGWINCH);
	sigprocmask(SIG_BLOCK, &change, NULL);
	say("waiting");
	for (int i = 0; i < 100; i++) {
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

const struct command terminal_commands[] = {
	{ "flood", do_flood },
	{ "read-line", do_read_line },
	{ "tiocsti", do_tiocsti },
	{ "tty", do_tty },
	{ "wait-winsize", do_wait_winsize },
	{ "winsize", do_winsize },
	{ 0 },
};
