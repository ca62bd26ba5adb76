/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "cmd/rustbox/stream/stream.h"

static int ends[2];
static char buffer[STREAM_PACKET_MAX];
static size_t size;

static int set_up(void **state)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

static int tear_down(void **state)
{
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return 0;
}

static void a_packet_arrives_whole(void **state)
{
	const struct stream_attach attach = { .from = STREAM_FROM_START, .size = { 80, 24 } };

	assert_int_equal(stream_send(ends[0], STREAM_ATTACH, &attach, sizeof(attach)), 0);
	assert_int_equal(stream_send(ends[0], STREAM_OUT, "hello", 5), 0);
	assert_int_equal(stream_send(ends[0], STREAM_DONE, NULL, 0), 0);
	assert_int_equal(stream_receive(ends[1], buffer, &size), STREAM_ATTACH);
	assert_int_equal(size, sizeof(attach));
	assert_memory_equal(buffer, &attach, size);
	assert_int_equal(stream_receive(ends[1], buffer, &size), STREAM_OUT);
	assert_string_equal(buffer, "hello"); /* NUL-terminated */
	assert_int_equal(stream_receive(ends[1], buffer, &size), STREAM_DONE);
	assert_int_equal(size, 0);
	assert_int_equal(stream_receive(ends[1], buffer, &size), -1);
	assert_int_equal(errno, EAGAIN);
	fd_close(&ends[0]);
	assert_int_equal(stream_receive(ends[1], buffer, &size), 0);
}

/* The other end has not read all, and has said its last word. */
static void the_last_word_comes_before_the_end(void **state)
{
	assert_int_equal(stream_send(ends[1], STREAM_INPUT_END, NULL, 0), 0);
	assert_int_equal(stream_send(ends[0], STREAM_OUT, "last", 4), 0);
	fd_close(&ends[0]);
	assert_int_equal(stream_receive(ends[1], buffer, &size), STREAM_OUT);
	assert_string_equal(buffer, "last");
	assert_int_equal(stream_receive(ends[1], buffer, &size), 0);
}

static void a_failure_has_its_code_and_text(void **state)
{
	struct stream_failed failed;
	static char text[2 * STREAM_PACKET_MAX];

	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(stream_send_failed(ends[0], 127, "not found"), 0);
	assert_int_equal(stream_send_failed(ends[0], 125, text), 0);
	assert_int_equal(stream_receive(ends[1], buffer, &size), STREAM_FAILED);
	memcpy(&failed, buffer, sizeof(failed));
	assert_int_equal(failed.exit_code, 127);
	assert_string_equal(buffer + sizeof(failed), "not found");
	assert_int_equal(stream_receive(ends[1], buffer, &size), STREAM_FAILED);
	assert_in_range(size, 1024, STREAM_PACKET_MAX - 1);
}

static void assert_refused(const void *packet, size_t n)
{
	assert_int_equal(send(ends[0], packet, n, 0), n);
	assert_int_equal(stream_receive(ends[1], buffer, &size), -1);
	assert_int_equal(errno, EBADMSG);
}

static void what_has_not_its_types_size_is_refused(void **state)
{
	static const uint8_t none[] = { 0 }, unknown[] = { 200 }, last[] = { 255 };
	static const uint8_t short_attach[] = { STREAM_ATTACH, 1, 1 };
	static const uint8_t long_wait[] = { STREAM_WAIT, 1 }, no_input[] = { STREAM_INPUT };
	static char large[STREAM_PACKET_MAX + 1] = { STREAM_EXEC };
	static char input[STREAM_BYTES_MAX + 2] = { STREAM_INPUT };

	assert_refused(none, sizeof(none));
	assert_refused(unknown, sizeof(unknown));
	assert_refused(last, sizeof(last));
	assert_refused(short_attach, sizeof(short_attach));
	assert_refused(long_wait, sizeof(long_wait));
	assert_refused(no_input, sizeof(no_input));
	assert_refused(input, sizeof(input));
	assert_refused(large, sizeof(large));
}

static void descriptors_that_come_along_are_not_kept(void **state)
{
	int probe = dup(0);

	(void)close(probe);
	assert_int_equal(fd_send_packet(ends[0], "\x46", 1, ends, 2), 0); /* INPUT_TAKEN */
	assert_int_equal(stream_receive(ends[1], buffer, &size), STREAM_INPUT_TAKEN);
	int after = dup(0);
	assert_int_equal(after, probe);
	(void)close(after);
}

static void json_is_read_as_it_was_written(void **state)
{
	static char sh[] = "sh", c[] = "-c", x[] = "x", pair[] = "A=b", user[] = "u";
	char *args[] = { sh, c, x, NULL }, *env[] = { pair, NULL };
	const struct stream_exec exec = { .args = args,
					  .n_args = 3,
					  .env = env,
					  .n_env = 1,
					  .user = user,
					  .tty = true,
					  .kill_on_detach = true,
					  .columns = 80,
					  .rows = 25 };
	struct stream_exec got = { 0 };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct error err = { 0 };
	cleanup_free char *text = json_write(&stream_exec_type, &exec, false, &err);

	assert_non_null(text);
	assert_int_equal(json_read(&stream_exec_type, text, strlen(text), &got, &arena, &err), 0);
	assert_int_equal(got.n_args, 3);
	assert_string_equal(got.args[2], "x");
	assert_string_equal(got.env[0], "A=b");
	assert_string_equal(got.user, "u");
	assert_true(got.tty && got.kill_on_detach && !got.interactive && !got.detach);
	assert_int_equal(got.columns, 80);
	assert_int_equal(got.rows, 25);
}

static void check_connect(const char *folder)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[512];
	struct error err;
	cleanup_fd int directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(path, sizeof(path), "%s/sock", folder);
	assert_int_equal(stream_connect(path, &err), -1);
	assert_int_equal(err.code, ENOENT);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/sock",
		       directory);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	cleanup_fd int fd = stream_connect(path, &err);
	assert_true(fd >= 0);
	fd_close(&listener);
	assert_int_equal(stream_connect(path, &err), -1);
	assert_int_equal(err.code, ECONNREFUSED);
	assert_int_equal(unlink(path), 0);
}

static void paths_of_any_length_are_connected_to(void **state)
{
	char folder[] = "/tmp/rustbox-stream-XXXXXX", deep[256];

	assert_non_null(mkdtemp(folder));
	check_connect(folder);
	(void)snprintf(deep, sizeof(deep), "%s/%0150d", folder, 1);
	assert_int_equal(mkdir(deep, 0700), 0);
	check_connect(deep);
	assert_int_equal(rmdir(deep), 0);
	assert_int_equal(rmdir(folder), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_packet_arrives_whole),
		TEST(the_last_word_comes_before_the_end),
		TEST(a_failure_has_its_code_and_text),
		TEST(what_has_not_its_types_size_is_refused),
		TEST(descriptors_that_come_along_are_not_kept),
		TEST(json_is_read_as_it_was_written),
		TEST(paths_of_any_length_are_connected_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
