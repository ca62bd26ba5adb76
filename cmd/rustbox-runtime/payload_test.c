/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "cmd/rustbox-runtime/payload.h"

static void listen_fds_are_for_the_pid_named(void **state)
{
	assert_int_equal(payload_listen_fds("42", "3", 42), 3);
	assert_int_equal(payload_listen_fds("41", "3", 42), 0);
	assert_int_equal(payload_listen_fds(NULL, "3", 42), 0);
	assert_int_equal(payload_listen_fds("42", NULL, 42), 0);
	assert_int_equal(payload_listen_fds("42", "-1", 42), 0);
	assert_int_equal(payload_listen_fds("42", "x", 42), 0);
	assert_int_equal(payload_listen_fds("", "", 42), 0);
	assert_int_equal(payload_listen_fds("42", "99999999999", 42), 0);
}

static void descriptors_that_are_not_open_are_refused(void **state)
{
	const struct payload_options options = { .preserve_fds = { true, 3 } };
	const struct invocation call = { .inherited_fds = 2 };
	struct container_io io = { .preserve_fds = 99 };
	struct error err;

	assert_int_equal(payload_io(&options, &call, &io, &err), -1);
	assert_non_null(strstr(err.text, "descriptor 5 is not open"));
	assert_int_equal(io.preserve_fds, 99);
}

static void what_is_not_for_the_payload_is_close_on_exec(void **state)
{
	const struct payload_options options = { .preserve_fds = { true, 197 },
						 .pid_file = "/p",
						 .detach = true };
	const struct invocation call = { .inherited_fds = 1000 };
	struct container_io io;
	struct error err;

	/* Numbers far from what a test program has open. */
	assert_int_equal(dup2(STDIN_FILENO, 199), 199);
	assert_int_equal(dup2(STDIN_FILENO, 200), 200);
	assert_int_equal(payload_io(&options, &call, &io, &err), 0);
	assert_int_equal(io.preserve_fds, 197);
	assert_int_equal(io.listen_fds, 0);
	assert_string_equal(io.pid_file, "/p");
	assert_true(io.detach);
	assert_int_equal(fcntl(199, F_GETFD), 0);
	assert_int_equal(fcntl(200, F_GETFD), FD_CLOEXEC);
	assert_int_equal(close(199), 0);
	assert_int_equal(close(200), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listen_fds_are_for_the_pid_named),
		cmocka_unit_test(descriptors_that_are_not_open_are_refused),
		cmocka_unit_test(what_is_not_for_the_payload_is_close_on_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
