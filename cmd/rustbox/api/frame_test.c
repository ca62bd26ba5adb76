/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/api/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cmd/rustbox/api/base64.h"

static void pair(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static struct frame_peer peer_at(int fd)
{
	return (struct frame_peer){ .fd = fd, .stop = -1 };
}

static void test_round_trip(void **state)
{
	cleanup_free char *text = NULL;
	struct error err;
	size_t size;
	int ends[2];

	pair(ends);
	struct frame_peer from = peer_at(ends[0]), to = peer_at(ends[1]);
	assert_int_equal(frame_write(&from, "{\"a\":1}", 7, &err), 0);
	assert_int_equal(frame_write(&from, "", 0, &err), 0);
	assert_int_equal(frame_read(&to, &text, &size, &err), 1);
	assert_string_equal(text, "{\"a\":1}");
	assert_int_equal(size, 7);
	free(move_ptr(&text));
	assert_int_equal(frame_read(&to, &text, &size, &err), 1);
	assert_int_equal(size, 0);
	fd_close(&ends[0]);
	free(move_ptr(&text));
	assert_false(to.cannot_read);
	assert_int_equal(frame_read(&to, &text, &size, &err), 0);
	assert_true(to.cannot_read);
	fd_close(&ends[1]);
}

static void expect_failure(const void *bytes, size_t n, int code)
{
	char *text = NULL;
	struct error err;
	size_t size;
	int ends[2];

	pair(ends);
	struct frame_peer to = peer_at(ends[1]);
	assert_int_equal(write(ends[0], bytes, n), n);
	fd_close(&ends[0]);
	assert_int_equal(frame_read(&to, &text, &size, &err), -1);
	assert_true(to.cannot_read);
	assert_int_equal(err.code, code);
	assert_null(text);
	fd_close(&ends[1]);
}

static void test_bad_frames(void **state)
{
	expect_failure("\0\0", 2, ECONNRESET);
	expect_failure("\0\0\0\5ab", 6, ECONNRESET);
	expect_failure("\0\x40\0\1", 4, EMSGSIZE);
	expect_failure("\xff\xff\xff\xff", 4, EMSGSIZE);
}

/* Asked to end: between two frames, also when one is there already. */
static void test_stop(void **state)
{
	char *text = NULL;
	struct error err;
	size_t size;
	int ends[2], stop[2];

	pair(ends);
	pair(stop);
	struct frame_peer from = peer_at(ends[0]), to = { .fd = ends[1], .stop = stop[1] };
	assert_int_equal(frame_write(&from, "{}", 2, &err), 0);
	fd_close(&stop[0]);
	assert_int_equal(frame_read(&to, &text, &size, &err), 0);
	assert_null(text);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	fd_close(&stop[1]);
}

static void test_reader_gone(void **state)
{
	struct error err;
	int ends[2];

	pair(ends);
	struct frame_peer from = peer_at(ends[0]);
	assert_false(frame_is_closed(&from));
	assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
	assert_false(frame_is_closed(&from));
	fd_close(&ends[1]);
	assert_true(frame_is_closed(&from));
	assert_int_equal(frame_write(&from, "x", 1, &err), -1);
	assert_int_equal(err.code, EPIPE);
	assert_true(from.cannot_write);
	fd_close(&ends[0]);
}

static void expect_base64(const char *bytes, size_t n, const char *expected)
{
	cleanup_str struct str text = STR_EMPTY;
	char back[64];
	size_t size = 99;

	base64_add(&text, bytes, n);
	assert_string_equal(text.text ? text.text : "", expected);
	assert_true(base64_read(expected, back, sizeof(back), &size));
	assert_int_equal(size, n);
	assert_memory_equal(back, bytes, n);
}

static void test_base64(void **state)
{
	static const char *const bad[] = { "A",	   "AA",     "AAA",	 "A===", "====",
					   "AA=A", "AAAA\n", "AA==AAAA", "A*AA", "AAA " };
	char back[64];
	size_t size;

	expect_base64("", 0, "");
	expect_base64("f", 1, "Zg==");
	expect_base64("fo", 2, "Zm8=");
	expect_base64("foo", 3, "Zm9v");
	expect_base64("foobar", 6, "Zm9vYmFy");
	expect_base64("\0\xff\xfe", 3, "AP/+");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (base64_read(bad[i], back, 64, &size))
			fail_msg("\"%s\" was taken", bad[i]);
	assert_false(base64_read("Zm9v", back, 2, &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_bad_frames),
		cmocka_unit_test(test_stop),	   cmocka_unit_test(test_reader_gone),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
