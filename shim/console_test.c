/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/stdio_test.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "shim/console.h"

static struct console console = { .listener = -1, .directory = -1 };

static int done(void **state)
{
	console_done(&console);
	return tear_down(state);
}

static int open_folder(const char *path)
{
	return *own_fd(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static void listen_in(int folder)
{
	struct error err;

	if (console_listen(&console, folder, &err) < 0)
		fail_msg("%s", err.text);
}

/* As a runtime does. */
static int *connect_in(int folder, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int *fd = own_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder,
		       name);
	assert_int_equal(connect(*fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int open_terminal(void)
{
	return *own_fd(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
}

static void assert_fails(const char *reason)
{
	struct error err;

	assert_int_equal(console_receive(&console, &err), -1);
	if (!strstr(err.text, reason))
		fail_msg("%s", err.text);
}

static void the_terminal_comes_through(void **state)
{
	int folder = open_folder(test.folder), terminal = open_terminal();
	struct stat sent, received;
	struct error err;

	(void)state;
	listen_in(folder);
	int *peer = connect_in(folder, console.name);
	assert_int_equal(fd_send_packet(*peer, "/dev/pts/0", 10, &terminal, 1), 0);
	fd_close(peer); /* the runtime has ended by then */
	int master = *own_fd(console_receive(&console, &err));
	assert_int_equal(fstat(terminal, &sent), 0);
	assert_int_equal(fstat(master, &received), 0);
	assert_int_equal(sent.st_rdev, received.st_rdev);
	assert_true(fcntl(master, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(master, F_GETFD) & FD_CLOEXEC);
}

static void a_long_name_with_the_terminal_does_no_harm(void **state)
{
	int folder = open_folder(test.folder), terminal = open_terminal();
	char name[3000] = { 0 };
	struct error err;

	(void)state;
	listen_in(folder);
	int *peer = connect_in(folder, console.name);
	assert_int_equal(fd_send_packet(*peer, name, sizeof(name), &terminal, 1), 0);
	(void)own_fd(console_receive(&console, &err));
}

static void the_socket_is_private_and_goes_away(void **state)
{
	int folder = open_folder(test.folder);
	struct stat st;

	(void)state;
	mode_t mask = umask(0);
	listen_in(folder);
	(void)umask(mask);
	assert_int_equal(fstatat(folder, console.name, &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	console_done(&console);
	console_done(&console);
	assert_int_equal(rmdir(test.folder), 0);
	assert_int_equal(mkdir(test.folder, 0700), 0);
}

static void two_at_a_time_have_names_of_their_own(void **state)
{
	int folder = open_folder(test.folder);
	struct console other;
	struct error err;

	(void)state;
	listen_in(folder);
	assert_int_equal(console_listen(&other, folder, &err), 0);
	assert_string_not_equal(console.name, other.name);
	console_done(&other);
	assert_int_equal(faccessat(folder, console.name, F_OK, 0), 0);
}

static void the_folder_may_have_a_long_path(void **state)
{
	char path[400];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s", test.folder);

	(void)state;
	for (int i = 0; i < 10; i++) {
		n += (size_t)snprintf(path + n, sizeof(path) - n, "/%030d", i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	int folder = open_folder(path), terminal = open_terminal();
	struct error err;
	listen_in(folder);
	int *peer = connect_in(folder, console.name);
	assert_int_equal(fd_send_packet(*peer, "x", 1, &terminal, 1), 0);
	(void)own_fd(console_receive(&console, &err));
	console_done(&console);
}

static void what_is_no_terminal_is_refused(void **state)
{
	int folder = open_folder(test.folder), fds[3];

	(void)state;
	listen_in(folder);
	assert_fails("not connected");
	int *peer = connect_in(folder, console.name);
	assert_fails("no terminal"); /* silent; that connection is used up */
	fd_close(peer);
	peer = connect_in(folder, console.name);
	write_text(*peer, "/dev/pts/0");
	assert_fails("no terminal"); /* a name alone */
	peer = connect_in(folder, console.name);
	fd_close(peer);
	assert_fails("no terminal"); /* gone at once */
	peer = connect_in(folder, console.name);
	fds[0] = folder;
	assert_int_equal(fd_send_packet(*peer, "x", 1, fds, 1), 0);
	assert_fails("something else than a terminal");
	peer = connect_in(folder, console.name);
	fds[0] = fds[1] = fds[2] = folder;
	assert_int_equal(fd_send_packet(*peer, "x", 1, fds, 3), 0);
	assert_fails("something else than a terminal");
}

static void a_folder_that_is_none_is_refused(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(console_listen(&console, -1, &err), -1);
	assert_int_equal(err.code, EBADF);
	assert_int_equal(
		console_listen(&console, *own_fd(open("/dev/null", O_RDONLY | O_CLOEXEC)), &err),
		-1);
	assert_int_equal(console.listener, -1);
}

#define CONSOLE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONSOLE_TEST(the_terminal_comes_through),
		CONSOLE_TEST(a_long_name_with_the_terminal_does_no_harm),
		CONSOLE_TEST(the_socket_is_private_and_goes_away),
		CONSOLE_TEST(two_at_a_time_have_names_of_their_own),
		CONSOLE_TEST(the_folder_may_have_a_long_path),
		CONSOLE_TEST(what_is_no_terminal_is_refused),
		CONSOLE_TEST(a_folder_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
