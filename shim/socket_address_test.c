/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "shim/socket_address.h"

static char top[32], folder[40], path[64];

static int set_up(void **state)
{
	(void)snprintf(top, sizeof(top), "/tmp/socket_test.XXXXXX");
	if (!mkdtemp(top))
		return -1;
	(void)snprintf(folder, sizeof(folder), "%s/s", top);
	(void)snprintf(path, sizeof(path), "%s/socket", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)unlink(path);
	(void)rmdir(folder);
	return rmdir(top);
}

static bool exists(const char *name)
{
	return access(name, F_OK) == 0;
}

/* A client that stays connected. */
static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		fd_close(&fd);
	return fd;
}

static bool somebody_waits(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void names_are_those_that_containerd_knows(void **state)
{
	static const char expected[] =
		"/run/containerd/s/"
		"f2e8ea6cdc5bd202918514e300b8f49589d8b3d18f967d89e1077100e6c07ccb";
	static const char *const same[][3] = {
		{ "/run/containerd/containerd.sock", "default", "w1" },
		{ "/run/containerd//./containerd.sock", "default", "w1" },
		{ "/run/containerd/containerd.sock", "default", "x/../w1/" },
	};
	struct error err;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		cleanup_free char *got = socket_address_path(SOCKET_ADDRESS_DIRECTORY, same[i][0],
							     same[i][1], same[i][2], &err);
		assert_non_null(got);
		assert_string_equal(got, expected);
	}
	cleanup_free char *other = socket_address_path(
		SOCKET_ADDRESS_DIRECTORY, "/run/containerd/containerd.sock", "k8s.io", "w1", &err);
	assert_string_not_equal(other, expected);
}

static void a_path_too_long_for_a_socket_is_refused(void **state)
{
	char directory[44];
	struct error err;

	memset(directory, 'd', sizeof(directory));
	directory[0] = '/';
	directory[41] = '\0'; /* and "/" and 64 digits: 106 */
	cleanup_free char *fits = socket_address_path(directory, "/a", "ns", "id", &err);
	assert_non_null(fits);
	assert_int_equal(strlen(fits), SOCKET_ADDRESS_MAX);
	directory[41] = 'd';
	directory[42] = '\0';
	assert_null(socket_address_path(directory, "/a", "ns", "id", &err));
	assert_int_equal(err.code, ENAMETOOLONG);
}

static void the_first_one_listens_and_the_second_one_finds_it(void **state)
{
	cleanup_fd int first = -1;
	int second = -1;
	struct error err;
	struct stat st;

	assert_int_equal(socket_address_listen(path, &first, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC);

	assert_false(somebody_waits(first));
	assert_int_equal(socket_address_listen(path, &second, &err), 1);
	assert_int_equal(second, -1);
	assert_true(somebody_waits(first)); /* so the server knows that it was promised */
}

static void a_stale_socket_is_replaced(void **state)
{
	int first = -1;
	cleanup_fd int second = -1;
	struct error err;

	assert_int_equal(socket_address_listen(path, &first, &err), 0);
	fd_close(&first);
	assert_true(exists(path));
	assert_int_equal(socket_address_listen(path, &second, &err), 0);
	cleanup_fd int client = dial();
	assert_true(client >= 0);
}

static void a_server_whose_queue_is_full_is_alive(void **state)
{
	cleanup_fd int listener = -1, client = -1;
	int second = -1;
	struct error err;

	assert_int_equal(socket_address_listen(path, &listener, &err), 0);
	assert_int_equal(listen(listener, 0), 0);
	client = dial();
	assert_true(client >= 0);
	assert_int_equal(socket_address_listen(path, &second, &err), 1);
}

static void what_is_no_socket_stays(void **state)
{
	int listener = -1;
	struct error err;

	assert_int_equal(mkdir(folder, 0700), 0);
	int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	fd_close(&file);
	assert_int_equal(socket_address_listen(path, &listener, &err), -1);
	assert_non_null(strstr(err.text, "is no socket"));
	assert_int_equal(socket_address_remove_stale(path, &err), 0);
	assert_true(exists(path));
}

static void a_folder_that_cannot_be_is_an_error(void **state)
{
	int listener = -1;
	struct error err;

	assert_int_equal(socket_address_listen("/dev/null/s/x", &listener, &err), -1);
	assert_non_null(strstr(err.text, "/dev/null"));
	assert_int_equal(socket_address_listen("relative", &listener, &err), -1);
}

static void a_server_retires_unless_it_is_wanted(void **state)
{
	cleanup_fd int listener = -1;
	struct error err;

	assert_int_equal(socket_address_listen(path, &listener, &err), 0);

	cleanup_fd int client = dial();
	assert_true(client >= 0);
	assert_int_equal(socket_address_retire(listener, &err), 0);
	assert_true(exists(path));
	cleanup_fd int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(accepted >= 0);

	int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(socket_address_retire(listener, &err), 0);
	assert_true(exists(path));
	fd_close(&lock);

	assert_int_equal(socket_address_retire(listener, &err), 1);
	assert_false(exists(path));
	assert_int_equal(socket_address_retire(listener, &err), 1);
}

static void only_what_is_no_socket_of_ours_cannot_retire(void **state)
{
	cleanup_fd int unbound = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct error err;

	assert_int_equal(socket_address_retire(unbound, &err), -1);
	assert_int_equal(socket_address_retire(-1, &err), -1);
	assert_int_equal(err.code, EBADF);
}

static void only_stale_sockets_are_removed_and_nobody_notices(void **state)
{
	int listener = -1;
	struct error err;

	assert_int_equal(socket_address_remove_stale(path, &err), 0);
	assert_int_equal(socket_address_listen(path, &listener, &err), 0);
	assert_int_equal(socket_address_remove_stale(path, &err), 0);
	assert_true(exists(path));
	assert_false(somebody_waits(listener));
	fd_close(&listener);
	assert_int_equal(socket_address_remove_stale(path, &err), 0);
	assert_false(exists(path));
}

/*
 * Many processes at once, with a stale socket at the beginning: one gets it,
 * all others find him. The winner holds the socket until all have answered.
 */
static void of_many_at_once_one_wins(void **state)
{
	enum { RACERS = 16 };
	int go[2], answers[2], listener = -1, winners = 0;
	pid_t pids[RACERS];
	struct error err;

	assert_int_equal(socket_address_listen(path, &listener, &err), 0);
	fd_close(&listener);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			char answer, byte;

			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)close(go[1]);
			(void)!read(go[0], &byte, 1);
			answer = (char)('0' + socket_address_listen(path, &listener, &err));
			(void)!write(answers[1], &answer, 1);
			(void)pause();
			_exit(0);
		}
	}
	fd_close(&go[1]);
	for (int i = 0; i < RACERS; i++) {
		char answer = 0;
		assert_int_equal(read(answers[0], &answer, 1), 1);
		winners += answer == '0';
		if (answer != '0')
			assert_int_equal(answer, '1');
	}
	for (int i = 0; i < RACERS; i++)
		process_kill_and_reap(pids[i]);
	fd_close(&go[0]);
	fd_close(&answers[0]);
	fd_close(&answers[1]);
	assert_int_equal(winners, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_those_that_containerd_knows),
		TEST(a_path_too_long_for_a_socket_is_refused),
		TEST(the_first_one_listens_and_the_second_one_finds_it),
		TEST(a_stale_socket_is_replaced),
		TEST(a_server_whose_queue_is_full_is_alive),
		TEST(what_is_no_socket_stays),
		TEST(a_folder_that_cannot_be_is_an_error),
		TEST(a_server_retires_unless_it_is_wanted),
		TEST(only_what_is_no_socket_of_ours_cannot_retire),
		TEST(only_stale_sockets_are_removed_and_nobody_notices),
		TEST(of_many_at_once_one_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
