/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that this program takes itself. */
#include "shim/stdio_test.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct {
	int attached, input_closed, process_ended, closed;
	int *in, *out, *err;
	struct stdio *stdio;
} local;

static int *take(int fd)
{
	return fd < 0 ? NULL : own_fd(fd);
}

static void on_attached(void *data, struct stdio *stdio, int in, int out, int err)
{
	assert_ptr_equal(data, &local);
	local.attached++;
	local.stdio = stdio;
	local.in = take(in);
	local.out = take(out);
	local.err = take(err);
}

static void on_input_closed(void *data)
{
	assert_ptr_equal(data, &local);
	local.input_closed++;
}

static void on_process_ended(void *data)
{
	assert_ptr_equal(data, &local);
	local.process_ended++;
}

static void on_closed(void *data)
{
	assert_ptr_equal(data, &local);
	local.closed++;
}

static const struct stdio_local everything = {
	.wants_input = true,
	.wants_output = true,
	.attached = on_attached,
	.input_closed = on_input_closed,
	.process_ended = on_process_ended,
	.closed = on_closed,
	.data = &local,
};

static int set_up_local(void **state)
{
	memset(&local, 0, sizeof(local));
	return set_up(state);
}

static void make_local(const struct stdio_local *streams)
{
	const struct stdio_config config = {
		.id = "c1", .namespace = "n", .directory = -1, .local = streams
	};

	test.ready = 0;
	make_stdio(&config);
	assert_int_equal(test.ready, 1); /* there is nobody to wait for */
}

static void pipes_are_handed_over(void **state)
{
	make_local(&everything);
	assert_int_equal(local.attached, 0);
	attach();
	assert_int_equal(local.attached, 1);
	assert_ptr_equal(local.stdio, test.stdio);
	write_text(*process[1], "out");
	write_text(*process[2], "err");
	expect(*local.out, "out");
	expect(*local.err, "err");
	write_text(*local.in, "in");
	char text[8] = "";
	assert_int_equal(read(*process[0], text, sizeof(text)), 2);
	assert_string_equal(text, "in");
	char c;
	assert_int_equal(read(*local.out, &c, 1), -1); /* and does not block */
	assert_int_equal(errno, EAGAIN);
}

static void what_is_not_wanted_is_not_made(void **state)
{
	struct stdio_local streams = everything;

	streams.wants_input = streams.wants_output = false;
	make_local(&streams);
	for (int i = 0; i < 3; i++)
		assert_null(process[i]);
	attach();
	assert_int_equal(local.attached, 1);
	assert_true(!local.in && !local.out && !local.err);
}

static void a_deletion_waits_until_all_was_read(void **state)
{
	make_local(&everything);
	attach();
	stdio_process_ended(test.stdio);
	assert_int_equal(local.process_ended, 1);
	stdio_when_drained(test.stdio, SAFETY_NET_MS, on_drained, &test);
	run_until_idle();
	assert_int_equal(test.drained, 0);
	stdio_local_drained(test.stdio);
	assert_int_equal(test.drained, 1);
	assert_int_equal(local.closed, 0); /* they were closed already */
}

static void a_deletion_waits_no_longer_than_it_wants(void **state)
{
	make_local(&everything);
	attach();
	stdio_when_drained(test.stdio, SAFETY_NET_MS, on_drained, &test);
	make_timer_due();
	assert_int_equal(test.drained, 1);
	assert_int_equal(local.closed, 1);
}

static void freeing_tells_that_it_is_over(void **state)
{
	make_local(&everything);
	stdio_free(test.stdio); /* nothing was handed over */
	assert_int_equal(local.closed, 0);
	make_local(&everything);
	attach();
	stdio_free(test.stdio);
	test.stdio = NULL;
	assert_int_equal(local.closed, 1);
}

static void what_comes_before_is_told_when_they_are_handed_over(void **state)
{
	make_local(&everything);
	stdio_close_input(test.stdio);
	stdio_process_ended(test.stdio);
	assert_int_equal(local.input_closed + local.process_ended, 0);
	attach();
	assert_int_equal(local.input_closed, 1);
	assert_int_equal(local.process_ended, 1);
}

static void send_master(int folder, int *ret_slave)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	cleanup_fd int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	*ret_slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder,
		       stdio_console_name(test.stdio));
	assert_int_equal(connect(peer, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fd_send_packet(peer, "pts", 3, &master, 1), 0);
}

static void a_terminal_is_handed_over_twice(void **state)
{
	cleanup_fd int folder = open(test.folder, O_PATH | O_DIRECTORY | O_CLOEXEC), slave = -1;
	const struct stdio_config config = { .id = "c1",
					     .namespace = "n",
					     .terminal = true,
					     .directory = folder,
					     .local = &everything };
	struct winsize size;
	struct error err;

	make_stdio(&config);
	assert_int_equal(stdio_resize(test.stdio, 100, 40, &err), 0);
	send_master(folder, &slave);
	attach();
	assert_null(local.err);
	write_text(slave, "out");
	expect(*local.out, "out");
	assert_int_equal(ioctl(slave, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_col, 100);
	write_text(*local.in, "in\n");
	char text[8] = "";
	assert_int_equal(read(slave, text, sizeof(text)), 3);
	stdio_process_ended(test.stdio);
	assert_int_equal(local.process_ended, 1);
}

#define LOCAL(function) cmocka_unit_test_setup_teardown(function, set_up_local, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOCAL(pipes_are_handed_over),
		LOCAL(what_is_not_wanted_is_not_made),
		LOCAL(a_deletion_waits_until_all_was_read),
		LOCAL(a_deletion_waits_no_longer_than_it_wants),
		LOCAL(freeing_tells_that_it_is_over),
		LOCAL(what_comes_before_is_told_when_they_are_handed_over),
		LOCAL(a_terminal_is_handed_over_twice),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
