/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "runtime/channel.h"

static void messages_and_descriptors_arrive(void **state)
{
	int ends[2], fd = -1;
	int32_t value = 0;
	struct error err;

	(void)state;
	assert_int_equal(channel_pair(ends, &err), 0);
	cleanup_fd int a = ends[0], b = ends[1];
	assert_int_equal(channel_send(a, CHANNEL_INIT_BORN, 1234, a, &err), 0);
	assert_int_equal(channel_expect(b, CHANNEL_INIT_BORN, "peer", &value, &fd, &err), 0);
	assert_int_equal(value, 1234);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	fd_close(&fd);
	assert_int_equal(channel_send(a, CHANNEL_READY, 0, -1, &err), 0);
	assert_int_equal(channel_expect(b, CHANNEL_READY, "peer", NULL, &fd, &err), 0);
	assert_int_equal(fd, -1);
}

static void end_of_file_is_a_failure(void **state)
{
	int ends[2];
	struct error err;

	(void)state;
	assert_int_equal(channel_pair(ends, &err), 0);
	cleanup_fd int a = ends[0], b = ends[1];
	fd_close(&a);
	assert_int_equal(channel_expect(b, CHANNEL_PROCEED, "the runtime", NULL, NULL, &err), -1);
	assert_int_equal(err.code, EPIPE);
	assert_non_null(strstr(err.text, "the runtime"));
	assert_non_null(strstr(err.text, "PROCEED"));
}

static void other_messages_are_failures(void **state)
{
	int ends[2];
	struct error err;

	(void)state;
	assert_int_equal(channel_pair(ends, &err), 0);
	cleanup_fd int a = ends[0], b = ends[1];
	for (int m = CHANNEL_MAP_IDS; m <= CHANNEL_LISTENER_SENT; m++) {
		if (m == CHANNEL_READY)
			continue;
		assert_int_equal(channel_send(a, (enum channel_message)m, 0, -1, &err), 0);
		assert_int_equal(channel_expect(b, CHANNEL_READY, "init", NULL, NULL, &err), -1);
		assert_int_equal(err.code, EPROTO);
	}
}

static void errors_bring_the_peers_words(void **state)
{
	int ends[2];
	struct error err, sent;

	(void)state;
	assert_int_equal(channel_pair(ends, &err), 0);
	cleanup_fd int a = ends[0], b = ends[1];
	error_set(&sent, ENOENT, "mounts[2]: bind source /x");
	channel_send_error(a, &sent);
	assert_int_equal(channel_expect(b, CHANNEL_READY, "init", NULL, NULL, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.text, sent.text);
}

static char caught[64];
static void catch_line(void *data, enum log_level level, const char *text)
{
	(void)data;
	(void)snprintf(caught, sizeof(caught), "%d:%s", level, text);
}

static void log_lines_pass_by(void **state)
{
	int ends[2];
	struct error err;

	(void)state;
	assert_int_equal(channel_pair(ends, &err), 0);
	cleanup_fd int a = ends[0], b = ends[1];
	channel_log_sink(&a, LOG_WARNING, "careful");
	assert_int_equal(channel_send(a, CHANNEL_READY, 0, -1, &err), 0);
	log_redirect(catch_line, NULL);
	assert_int_equal(channel_expect(b, CHANNEL_READY, "init", NULL, NULL, &err), 0);
	log_redirect(NULL, NULL);
	assert_string_equal(caught, "1:careful");
}

static void foreign_packets_are_refused(void **state)
{
	static const char junk[] = "\xff\xff\xff\xff\0\0\0\0junk";
	char huge[8192] = { 0 };
	int ends[2];
	struct error err;

	(void)state;
	assert_int_equal(channel_pair(ends, &err), 0);
	cleanup_fd int a = ends[0], b = ends[1];
	assert_int_equal(send(a, "x", 1, 0), 1);
	assert_int_equal(channel_expect(b, CHANNEL_START, "start", NULL, NULL, &err), -1);
	assert_int_equal(send(a, junk, sizeof(junk), 0), sizeof(junk));
	assert_int_equal(channel_expect(b, CHANNEL_START, "start", NULL, NULL, &err), -1);
	assert_int_equal(err.code, EPROTO);
	assert_int_equal(send(a, huge, sizeof(huge), 0), sizeof(huge));
	assert_int_equal(channel_expect(b, CHANNEL_START, "start", NULL, NULL, &err), -1);
	assert_int_equal(err.code, EMSGSIZE);
}

static void hand_over(bool attach)
{
	int ends[2], status;
	int32_t number = 0;
	struct error err;

	assert_int_equal(channel_pair(ends, &err), 0);
	cleanup_fd int a = ends[0], b = ends[1], sent = -1, none = -1;
	pid_t pid = process_clone(0, -1, NULL);
	if (pid == 0) {
		struct channel_listener_peer peer = { a, attach };

		_exit(channel_hand_over_listener(&peer, b) == 0 ? 0 : 1);
	}
	fd_close(&a);
	assert_int_equal(channel_expect_exec(b, "init", &number, &sent, &err), 1);
	assert_int_equal(number, b);
	assert_true((sent >= 0) == attach);
	fd_close(&sent);
	assert_int_equal(channel_send(b, CHANNEL_LISTENER_SENT, 0, -1, &err), 0);
	assert_int_equal(process_wait(pid, &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(channel_expect_exec(b, "init", &number, &none, &err), 0);
}

static void a_listener_is_handed_over(void **state)
{
	(void)state;
	hand_over(false);
	hand_over(true);
}

static void an_end_that_has_not_read_start_is_no_execution(void **state)
{
	int ends[2], fd;
	int32_t value;
	struct error err;

	(void)state;
	assert_int_equal(channel_pair(ends, &err), 0);
	cleanup_fd int a = ends[0], b = ends[1];
	assert_int_equal(channel_send(a, CHANNEL_START, 0, -1, &err), 0);
	fd_close(&b);
	assert_int_equal(channel_expect_exec(a, "init", &value, &fd, &err), -1);
	assert_int_equal(err.code, EPIPE);
	assert_non_null(strstr(err.text, "init ended before it executed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_and_descriptors_arrive),
		cmocka_unit_test(end_of_file_is_a_failure),
		cmocka_unit_test(other_messages_are_failures),
		cmocka_unit_test(errors_bring_the_peers_words),
		cmocka_unit_test(log_lines_pass_by),
		cmocka_unit_test(foreign_packets_are_refused),
		cmocka_unit_test(a_listener_is_handed_over),
		cmocka_unit_test(an_end_that_has_not_read_start_is_no_execution),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
