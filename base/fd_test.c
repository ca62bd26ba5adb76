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
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"

static char folder[] = "/tmp/fd_test.XXXXXX";
static int dir = -1;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(&dir);
	return rmdir(folder);
}

static void files_are_replaced_and_read(void **state)
{
	cleanup_free char *text = NULL;
	struct error err;
	size_t size;
	struct stat st;

	(void)state;
	assert_int_equal(fd_replace_file(dir, "f", "one", 3, 0600, &err), 0);
	assert_int_equal(fd_replace_file(dir, "f", "second", 6, 0600, &err), 0);
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fd_read_file(dir, "f", 100, &text, &size, &err), 0);
	assert_int_equal(size, 6);
	assert_string_equal(text, "second");
	assert_int_equal(fstatat(dir, ".f.new", &st, 0), -1);
	assert_int_equal(unlinkat(dir, "f", 0), 0);
}

static void only_files_are_replaceable(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(fd_check_replaceable(dir, "f", &err), 0);
	assert_int_equal(fd_replace_file(dir, "f", "one", 3, 0600, &err), 0);
	assert_int_equal(fd_check_replaceable(dir, "f", &err), 0);
	assert_int_equal(symlinkat("f", dir, "link"), 0);
	assert_int_equal(fd_check_replaceable(dir, "link", &err), -1);
	assert_int_equal(err.code, EEXIST);
	assert_int_equal(fd_check_replaceable(AT_FDCWD, "/dev/null", &err), -1);
	assert_non_null(strstr(err.text, "/dev/null is no regular file"));
	assert_int_equal(unlinkat(dir, "link", 0), 0);
	assert_int_equal(unlinkat(dir, "f", 0), 0);
}

static void a_passing_file_is_replaced_by_exchange(void **state)
{
	cleanup_free char *text = NULL;
	cleanup_fd int before = -1;
	struct error err;
	struct stat st;

	(void)state;
	assert_int_equal(fd_replace_passing_file(dir, "f", "one", 3, 0600, &err), 0);
	before = openat(dir, "f", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fd_replace_passing_file(dir, "f", "second", 6, 0640, &err), 0);
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fd_read_file(dir, "f", 100, &text, NULL, &err), 0);
	assert_string_equal(text, "second");
	assert_int_equal(fstatat(dir, ".f.new", &st, 0), -1);
	/* Who has opened the last one reads on in it. */
	free(move_ptr(&text));
	assert_int_equal(fd_read_all(before, "f", 100, &text, NULL, &err), 0);
	assert_string_equal(text, "one");
	assert_int_equal(unlinkat(dir, "f", 0), 0);
	/* A folder is no file to be replaced. */
	assert_int_equal(mkdirat(dir, "f", 0700) | mkdirat(dir, "f/below", 0700), 0);
	assert_int_equal(fd_replace_passing_file(dir, "f", "three", 5, 0600, &err), -1);
	assert_int_equal(unlinkat(dir, "f/below", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(dir, "f", AT_REMOVEDIR), 0);
}

/* In a folder where others may write, too. */
static void replacing_is_not_led_astray(void **state)
{
	cleanup_free char *text = NULL;
	struct error err;

	(void)state;
	/* Opening a FIFO to write would wait for a reader. */
	assert_int_equal(mkfifoat(dir, ".f.new", 0600), 0);
	assert_int_equal(fd_replace_file(dir, "f", "one", 3, 0600, &err), 0);
	/* The other name of a file keeps its content. */
	assert_int_equal(fd_replace_file(dir, "other", "kept", 4, 0600, &err), 0);
	assert_int_equal(linkat(dir, "other", dir, ".f.new", 0), 0);
	assert_int_equal(fd_replace_file(dir, "f", "two", 3, 0600, &err), 0);
	assert_int_equal(fd_read_file(dir, "other", 100, &text, NULL, &err), 0);
	assert_string_equal(text, "kept");
	assert_int_equal(symlinkat("other", dir, ".f.new"), 0);
	assert_int_equal(fd_replace_file(dir, "f", "three", 5, 0600, &err), 0);
	free(move_ptr(&text));
	assert_int_equal(fd_read_file(dir, "other", 100, &text, NULL, &err), 0);
	assert_string_equal(text, "kept");
	assert_int_equal(mkdirat(dir, ".f.new", 0700), 0);
	assert_int_equal(fd_replace_file(dir, "f", "four", 4, 0600, &err), -1);
	assert_int_equal(unlinkat(dir, ".f.new", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(dir, "f", 0) | unlinkat(dir, "other", 0), 0);
}

static void reading_has_a_limit(void **state)
{
	cleanup_free char *text = NULL, *big = calloc(1, 10000);
	struct error err;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', 9999);
	assert_int_equal(fd_replace_file(dir, "f", big, 9999, 0600, &err), 0);
	assert_int_equal(fd_read_file(dir, "f", 9998, &text, NULL, &err), -1);
	assert_int_equal(err.code, EFBIG);
	assert_int_equal(fd_read_file(dir, "f", 9999, &text, NULL, &err), 0);
	assert_int_equal(strlen(text), 9999);
	assert_int_equal(unlinkat(dir, "f", 0), 0);
	/* A file without a size, as in /proc. */
	cleanup_free char *maps = NULL;
	assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/maps", 1 << 20, &maps, NULL, &err), 0);
	assert_true(strlen(maps) > 100);
}

static void short_reads_lose_the_newline(void **state)
{
	char buffer[8];
	struct error err;

	(void)state;
	assert_int_equal(fd_replace_file(dir, "f", "max\n", 4, 0600, &err), 0);
	assert_int_equal(fd_read_short(dir, "f", buffer, sizeof(buffer)), 3);
	assert_string_equal(buffer, "max");
	assert_int_equal(unlinkat(dir, "f", 0), 0);
	assert_int_equal(fd_read_short(dir, "f", buffer, sizeof(buffer)), -1);
	assert_int_equal(errno, ENOENT);
}

static void messages_name_the_path(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(fd_write_file(dir, "missing", "1", &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "missing"));
}

static void packets_carry_descriptors(void **state)
{
	int pair[2], sent[2], got[3];
	size_t n = 3;
	char buffer[16];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(sent, O_CLOEXEC), 0);
	assert_int_equal(fd_send_packet(pair[0], "hello", 5, sent, 2), 0);
	assert_int_equal(fd_receive_packet(pair[1], buffer, sizeof(buffer), got, &n), 5);
	assert_int_equal(n, 2);
	assert_true(fcntl(got[0], F_GETFD) & FD_CLOEXEC);
	/* Descriptors that nobody asked for are closed, not leaked. */
	int before = dup(0);
	(void)close(before);
	assert_int_equal(fd_send_packet(pair[0], "x", 1, sent, 2), 0);
	assert_int_equal(fd_receive_packet(pair[1], buffer, sizeof(buffer), NULL, NULL), 1);
	int after = dup(0);
	assert_int_equal(before, after);
	(void)close(after);
	/* Cut packets are errors. */
	assert_int_equal(fd_send_packet(pair[0], "0123456789abcdefXX", 18, NULL, 0), 0);
	assert_int_equal(fd_receive_packet(pair[1], buffer, sizeof(buffer), NULL, NULL), -1);
	assert_int_equal(errno, EMSGSIZE);
	(void)close(pair[0]);
	assert_int_equal(fd_receive_packet(pair[1], buffer, sizeof(buffer), NULL, NULL), 0);
	(void)close(pair[1]);
	for (int i = 0; i < 2; i++) {
		(void)close(sent[i]);
		(void)close(got[i]);
	}
}

static void descriptors_move_and_close_once(void **state)
{
	int fd = dup(0);

	(void)state;
	{
		cleanup_fd int mine = fd;
		assert_int_equal(move_fd(&mine), fd);
		assert_int_equal(mine, -1);
	}
	assert_true(fcntl(fd, F_GETFD) >= 0);
	errno = 42;
	fd_close(&fd);
	assert_int_equal(errno, 42);
	assert_int_equal(fd, -1);
}

static void all_but_some_are_closed(void **state)
{
	struct error err;
	int fds[6];

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_true((fds[i] = fcntl(0, F_DUPFD_CLOEXEC, 100 + 10 * i)) >= 0);
	/* In any order, one twice, one that is none, one below. */
	const int keep[] = { fds[4], -1, fds[1], 0, fds[2], fds[4] };
	assert_int_equal(fd_close_others(100, keep, 6, &err), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD) >= 0, i == 1 || i == 2 || i == 4);
	assert_int_equal(fd_close_others(100, NULL, 0, &err), 0);
	assert_int_equal(fcntl(fds[4], F_GETFD), -1);
}

static void what_was_sent_comes_before_a_reset(void **state)
{
	int pair[2];
	char buffer[16];

	(void)state;
	for (int sends = 0; sends < 2; sends++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		assert_int_equal(fd_send_packet(pair[0], "unread", 6, NULL, 0), 0);
		if (sends)
			assert_int_equal(fd_send_packet(pair[1], "last", 4, NULL, 0), 0);
		(void)close(pair[1]);
		if (sends)
			assert_int_equal(
				fd_receive_packet(pair[0], buffer, sizeof(buffer), NULL, NULL), 4);
		ssize_t n = fd_receive_packet(pair[0], buffer, sizeof(buffer), NULL, NULL);
		/* With nothing to get it is not a proper end: somebody has died. */
		assert_int_equal(n, sends ? 0 : -1);
		if (!sends)
			assert_int_equal(errno, ECONNRESET);
		(void)close(pair[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_sent_comes_before_a_reset),
		cmocka_unit_test(files_are_replaced_and_read),
		cmocka_unit_test(only_files_are_replaceable),
		cmocka_unit_test(a_passing_file_is_replaced_by_exchange),
		cmocka_unit_test(replacing_is_not_led_astray),
		cmocka_unit_test(reading_has_a_limit),
		cmocka_unit_test(short_reads_lose_the_newline),
		cmocka_unit_test(messages_name_the_path),
		cmocka_unit_test(packets_carry_descriptors),
		cmocka_unit_test(descriptors_move_and_close_once),
		cmocka_unit_test(all_but_some_are_closed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
