/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/console.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

/* Terminals that one bundle's processes can be getting at the same time. */
enum { NAMES = 1024 };

/*
 * Tries names until one is free. A socket that a killed shim has left behind
 * keeps its name; another one's is never taken away.
 */
static int bind_free_name(struct console *console, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	for (int i = 0; i < NAMES; i++) {
		(void)snprintf(console->name, sizeof(console->name), "console.%d", i);
		(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
			       console->directory, console->name);
		if (bind(console->listener, (const struct sockaddr *)&address, sizeof(address)) ==
		    0)
			return 0;
		if (errno != EADDRINUSE)
			break;
	}
	console->name[0] = '\0';
	return error_set(err, errno, "bind a console socket in the bundle");
}

static int open_listener(struct console *console, int directory, struct error *err)
{
	console->directory = fcntl(directory, F_DUPFD_CLOEXEC, 0);
	if (console->directory < 0)
		return error_set(err, errno, "keep the bundle's descriptor");
	console->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (console->listener < 0)
		return error_set(err, errno, "make the console socket");
	if (fchmod(console->listener, 0600) < 0) /* which the file has from its birth then */
		return error_set(err, errno, "set the mode of the console socket");
	if (bind_free_name(console, err) < 0)
		return -1;
	if (listen(console->listener, 1) < 0)
		return error_set(err, errno, "listen on the console socket");
	return 0;
}

int console_listen(struct console *console, int directory, struct error *err)
{
	*console = (struct console){ .listener = -1, .directory = -1 };
	if (open_listener(console, directory, err) == 0)
		return 0;
	console_done(console);
	return -1;
}

int console_receive(const struct console *console, struct error *err)
{
	char name[256]; /* a stream: what does not fit is left in it */
	cleanup_fd int master = -1;
	size_t n_fds = 1;
	cleanup_fd int peer = accept4(console->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (peer < 0 && errno == EAGAIN)
		return error_set(err, 0, "the runtime has not connected to the console socket");
	if (peer < 0)
		return error_set(err, errno, "accept the runtime on the console socket");
	if (fd_receive_packet(peer, name, sizeof(name), &master, &n_fds) < 0 && errno != EAGAIN)
		return error_set(err, errno, "receive the terminal from the runtime");
	if (master < 0)
		return error_set(err, 0, "the runtime has sent no terminal");
	if (!isatty(master))
		return error_set(err, ENOTTY,
				 "the runtime has sent something else than a terminal");
	if (fcntl(master, F_SETFL, O_NONBLOCK) < 0)
		return error_set(err, errno, "make the terminal non-blocking");
	return move_fd(&master);
}

void console_done(struct console *console)
{
	if (console->name[0])
		(void)unlinkat(console->directory, console->name, 0);
	console->name[0] = '\0';
	fd_close(&console->listener);
	fd_close(&console->directory);
}
