/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"

/* One direction: bytes read from `from` that `to` has not taken yet. */
struct stream {
	int from, to; /* -1: that side is done */
	char buffer[8192];
	size_t begin, end;
};

_Static_assert(sizeof(struct termios) <= sizeof(((struct relay *)0)->saved_settings),
	       "saved_settings holds a struct termios");

int relay_begin(struct relay *relay, struct error *err)
{
	sigset_t all;

	*relay = (struct relay){ 0 };
	(void)sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &relay->old_mask) < 0)
		return error_set(err, errno, "block signals");
	return 0;
}

static void set_raw(struct relay *relay)
{
	struct termios settings;

	if (tcgetattr(STDIN_FILENO, &settings) < 0)
		return; /* no terminal: nothing to set */
	memcpy(relay->saved_settings, &settings, sizeof(settings));
	cfmakeraw(&settings);
	settings.c_oflag |= OPOST; /* our own messages and the shell's stay readable */
	relay->raw = tcsetattr(STDIN_FILENO, TCSANOW, &settings) == 0;
}

void relay_end(struct relay *relay)
{
	struct termios settings;

	if (relay->raw) {
		memcpy(&settings, relay->saved_settings, sizeof(settings));
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &settings);
		relay->raw = false;
	}
	(void)sigprocmask(SIG_SETMASK, &relay->old_mask, NULL);
}

static void copy_size(int master)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
}

void relay_adopt_terminal(int master)
{
	struct termios settings;

	copy_size(master);
	if (tcgetattr(master, &settings) < 0)
		return;
	settings.c_oflag &= ~(tcflag_t)ONLCR;
	(void)tcsetattr(master, TCSANOW, &settings);
}

/* Reads what fits. A terminal whose other side is closed gives EIO: that is its end. */
static void stream_read(struct stream *s)
{
	if (s->begin == s->end)
		s->begin = s->end = 0;
	ssize_t n = read(s->from, s->buffer + s->end, sizeof(s->buffer) - s->end);
	if (n > 0)
		s->end += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		s->from = -1;
}

static void stream_write(struct stream *s)
{
	ssize_t n = write(s->to, s->buffer + s->begin, s->end - s->begin);

	if (n > 0)
		s->begin += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR) {
		s->to = -1;
		s->from = -1; /* nobody to read for */
	}
}

/* What one direction waits for: room to write if it has bytes, bytes if it has room. */
static void stream_poll(const struct stream *s, struct pollfd *in, struct pollfd *out)
{
	bool has_bytes = s->begin < s->end;

	*in = (struct pollfd){ .fd = s->end < sizeof(s->buffer) || !has_bytes ? s->from : -1,
			       .events = POLLIN };
	*out = (struct pollfd){ .fd = has_bytes ? s->to : -1, .events = POLLOUT };
}

static void stream_move(struct stream *s, const struct pollfd *in, const struct pollfd *out)
{
	if (out->revents && s->to >= 0 && s->begin < s->end)
		stream_write(s);
	if (in->revents && s->from >= 0)
		stream_read(s);
}

/* Copies what is left in the payload's terminal after its end, as far as our side takes it. */
static void drain(struct stream *s)
{
	while (s->from >= 0 || s->begin < s->end) {
		if (s->from >= 0 && s->begin == s->end) {
			struct pollfd p = { .fd = s->from, .events = POLLIN };
			if (poll(&p, 1, 0) <= 0)
				return; /* held open by another process, and silent */
			stream_read(s);
		} else {
			struct pollfd p = { .fd = s->to, .events = POLLOUT };
			if (s->to < 0 || (poll(&p, 1, -1) < 0 && errno != EINTR))
				return;
			stream_write(s);
		}
	}
}

/* Reaps all that have ended. True when the payload is among them: its status is stored. */
static bool reap(pid_t pid, int *status)
{
	bool ended = false;
	int own;

	for (pid_t got; (got = waitpid(-1, &own, WNOHANG)) > 0;)
		if (got == pid) {
			*status = own;
			ended = true;
		}
	return ended;
}

/* Handles one signal. True when the payload has ended: its status is stored. */
static bool handle_signal(int signal_fd, pid_t pid, int pidfd, int master, int *status)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	switch (info.ssi_signo) {
	case SIGCHLD:
		return reap(pid, status);
	case SIGWINCH:
		if (master >= 0)
			copy_size(master);
		return false;
	case SIGPIPE:
	case SIGURG: /* ours, not the payload's */
		return false;
	default:
		/* A terminal's own signals reach the payload through its terminal. */
		(void)process_pidfd_signal(pidfd, (int)info.ssi_signo);
		return false;
	}
}

static int loop(int signal_fd, pid_t pid, int pidfd, int master, int *status, struct error *err)
{
	struct stream in = { .from = master >= 0 ? STDIN_FILENO : -1, .to = master };
	struct stream out = { .from = master, .to = STDOUT_FILENO };
	struct pollfd p[5] = { { .fd = signal_fd, .events = POLLIN } };

	/* A restored one runs already: its end may have come before relay_begin(). */
	for (bool ended = reap(pid, status); !ended;) {
		stream_poll(&in, &p[1], &p[2]);
		stream_poll(&out, &p[3], &p[4]);
		if (poll(p, 5, -1) < 0) {
			if (errno == EINTR)
				continue;
			return error_set(err, errno, "poll");
		}
		stream_move(&in, &p[1], &p[2]);
		stream_move(&out, &p[3], &p[4]);
		if (p[0].revents)
			ended = handle_signal(signal_fd, pid, pidfd, master, status);
	}
	drain(&out);
	return 0;
}

int relay_run(struct relay *relay, pid_t pid, int pidfd, int master, int *ret_exit_code,
	      struct error *err)
{
	sigset_t all;
	int status = 0;

	(void)sigfillset(&all);
	cleanup_fd int signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return error_set(err, errno, "signalfd");
	if (master >= 0) {
		set_raw(relay);
		copy_size(master); /* it may have changed while signals were blocked */
		(void)fcntl(master, F_SETFL, O_NONBLOCK);
	}
	if (loop(signal_fd, pid, pidfd, master, &status, err) < 0)
		return -1;
	*ret_exit_code = process_exit_code(status);
	return 0;
}
