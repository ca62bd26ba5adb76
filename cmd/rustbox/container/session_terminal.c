/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/container/session_terminal.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "cmd/rustbox/container/session.h"
#include "cmd/rustbox/stream/stream.h"

/*
 * O_NONBLOCK belongs to the open file, which our shell and others share with
 * us: a pipe or a terminal is opened again for us alone. A file never blocks,
 * and has a position that is to be shared.
 */
static void open_stream(struct session_stream *stream, int fd, int flags)
{
	char path[32];
	struct stat st;

	*stream = (struct session_stream){ .fd = fd, .own = -1 };
	if (fstat(fd, &st) < 0)
		return;
	stream->is_socket = S_ISSOCK(st.st_mode);
	if (!S_ISFIFO(st.st_mode) && !isatty(fd))
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	stream->own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (stream->own >= 0)
		stream->fd = stream->own;
}

void session_terminal_open(struct session_terminal *terminal)
{
	*terminal = (struct session_terminal){ 0 };
	open_stream(&terminal->in, STDIN_FILENO, O_RDONLY);
	open_stream(&terminal->out, STDOUT_FILENO, O_WRONLY);
	open_stream(&terminal->err, STDERR_FILENO, O_WRONLY);
}

void session_terminal_close(struct session_terminal *terminal)
{
	session_terminal_restore(terminal);
	fd_close(&terminal->in.own);
	fd_close(&terminal->out.own);
	fd_close(&terminal->err.own);
}

int session_terminal_set_raw(struct session_terminal *terminal, struct error *err)
{
	struct termios settings;

	if (tcgetattr(STDIN_FILENO, &settings) < 0)
		return error_set(err, errno, "read the terminal's settings");
	if (!terminal->raw)
		terminal->before = settings;
	cfmakeraw(&settings);
	/* In the background this stops us, until we are in the foreground: as it should. */
	if (tcsetattr(STDIN_FILENO, TCSANOW, &settings) < 0)
		return error_set(err, errno, "make the terminal raw");
	terminal->raw = true;
	return 0;
}

void session_terminal_restore(struct session_terminal *terminal)
{
	sigset_t output, before;

	if (!terminal->raw)
		return;
	/* Not drained first: output may be stuck. Not stopped by it in the background. */
	(void)sigemptyset(&output);
	(void)sigaddset(&output, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &output, &before);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal->before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	terminal->raw = false;
}

ssize_t session_stream_read(const struct session_stream *stream, void *data, size_t size)
{
	return stream->is_socket ? recv(stream->fd, data, size, MSG_DONTWAIT)
				 : read(stream->fd, data, size);
}

ssize_t session_stream_write(const struct session_stream *stream, const void *data, size_t size)
{
	if (stream->is_socket)
		return send(stream->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* Somebody else's pipe, ready to be written to, takes as much at once. */
	if (stream->own < 0 && size > PIPE_BUF)
		size = PIPE_BUF;
	return write(stream->fd, data, size);
}

bool session_has_terminal(void)
{
	return isatty(STDIN_FILENO);
}

void session_terminal_size(struct stream_size *ret)
{
	struct winsize size;

	*ret = (struct stream_size){ 0 };
	/* What is shown counts; of "rustbox … | tee" the keyboard's. */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 &&
	    ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return;
	ret->columns = size.ws_col;
	ret->rows = size.ws_row;
}
