/* SPDX-License-Identifier: Apache-2.0 */
/* Standard streams of a process with a terminal. */
#include "shim/stdio_test.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

static int *slave, *reader, *writer, *folder;

/* What the runtime does: makes the terminal and sends its master. */
static void send_terminal(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	cleanup_fd int peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct termios settings;

	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = own_fd(open(ptsname(master), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
	assert_int_equal(tcgetattr(*slave, &settings), 0);
	cfmakeraw(&settings);
	assert_int_equal(tcsetattr(*slave, TCSANOW, &settings), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", *folder,
		       stdio_console_name(test.stdio));
	assert_int_equal(connect(peer, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(fd_send_packet(peer, "pts", 3, &master, 1), 0);
}

static struct stdio_config terminal_config(void)
{
	folder = own_fd(open(test.folder, O_PATH | O_DIRECTORY | O_CLOEXEC));
	return (struct stdio_config){
		.id = "c1", .namespace = "default", .terminal = true, .directory = *folder
	};
}

static void make_with_fifos(void)
{
	struct stdio_config config = terminal_config();

	config.in = make_fifo("in");
	config.out = make_fifo("out");
	reader = open_fifo(config.out, O_RDONLY);
	make_stdio(&config);
	assert_int_equal(test.ready, 1);
}

static void start_with_terminal(void)
{
	make_with_fifos();
	send_terminal();
	attach();
	writer = open_fifo(path_of("in"), O_WRONLY);
}

static void bytes_go_both_ways(void **state)
{
	(void)state;
	make_with_fifos();
	for (int i = 0; i < 3; i++)
		assert_null(process[i]);
	send_terminal();
	attach();
	assert_null(stdio_console_name(test.stdio));
	assert_int_equal(access(path_of("console.0"), F_OK), -1); /* not needed any more */
	writer = open_fifo(path_of("in"), O_WRONLY);
	write_text(*writer, "typed");
	expect(*slave, "typed");
	write_text(*slave, "answered");
	expect(*reader, "answered");
}

static void its_end_is_the_end_of_output(void **state)
{
	(void)state;
	start_with_terminal();
	write_text(*slave, "last words");
	fd_close(slave);
	expect(*reader, "last words");
	expect_end(*reader);
	stdio_process_ended(test.stdio);
	drain(SAFETY_NET_MS);
	assert_int_equal(test.drained, 1);
}

static void an_orphan_with_the_terminal_is_not_waited_for(void **state)
{
	(void)state;
	start_with_terminal();
	write_text(*slave, "last words");
	stdio_process_ended(test.stdio);
	drain(SAFETY_NET_MS);
	run_until(&test.drained);
	expect(*reader, "last words");
	expect_end(*reader);
}

static void a_slow_client_gets_all_that_was_written_before_the_end(void **state)
{
	char page[1024];
	size_t written = 0, taken = 0;

	(void)state;
	memset(page, 'x', sizeof(page));
	start_with_terminal();
	while (written < 80000) { /* more than the FIFO takes, less than with the terminal */
		ssize_t n = write(*slave, page, sizeof(page));
		written += n > 0 ? (size_t)n : 0;
		test_round(0);
	}
	stdio_process_ended(test.stdio);
	fd_close(slave);
	drain(SAFETY_NET_MS);
	run_until_idle();
	assert_int_equal(test.drained, 0);
	for (ssize_t n = 1; n != 0;) {
		n = read(*reader, page, sizeof(page));
		if (n > 0)
			taken += (size_t)n;
		else if (n < 0)
			test_round(SAFETY_NET_MS);
	}
	assert_int_equal(taken, written);
	run_until(&test.drained);
}

static void one_that_ended_before_it_was_attached_is_read_out(void **state)
{
	(void)state;
	make_with_fifos();
	send_terminal();
	write_text(*slave, "quick");
	stdio_process_ended(test.stdio);
	attach();
	drain(SAFETY_NET_MS);
	run_until(&test.drained);
	expect(*reader, "quick");
	expect_end(*reader);
}

static void closing_the_input_does_not_hang_up(void **state)
{
	(void)state;
	start_with_terminal();
	write_text(*writer, "typed");
	fd_close(writer);
	stdio_close_input(test.stdio);
	expect(*slave, "typed");
	expect_nothing(*slave);
	write_text(*slave, "still here");
	expect(*reader, "still here");
}

static void a_process_that_does_not_read_holds_the_client_up(void **state)
{
	char page[1024];
	ssize_t n = 1;

	(void)state;
	memset(page, 'x', sizeof(page));
	start_with_terminal();
	for (int i = 0; i < 10000 && n > 0; i++) {
		n = write(*writer, page, sizeof(page));
		run_until_idle();
	}
	assert_int_equal(n, -1);
	assert_int_equal(errno, EAGAIN);
	fd_close(slave); /* a hang-up while it is full must not keep us busy */
	run_until_idle();
}

static void sizes_are_remembered_until_it_is_there(void **state)
{
	struct winsize size;
	struct error err;

	(void)state;
	make_with_fifos();
	assert_int_equal(stdio_resize(test.stdio, 132, 43, &err), 0);
	send_terminal();
	attach();
	assert_int_equal(ioctl(*slave, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_col, 132);
	assert_int_equal(size.ws_row, 43);
	assert_int_equal(stdio_resize(test.stdio, 70000, 0, &err), 0);
	assert_int_equal(ioctl(*slave, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_col, 65535);
	assert_int_equal(size.ws_row, 0);
}

static void without_a_client_output_is_thrown_away(void **state)
{
	struct stdio_config config = terminal_config();
	char page[1024];
	size_t written = 0;

	(void)state;
	memset(page, 'x', sizeof(page));
	make_stdio(&config);
	send_terminal();
	attach();
	for (int i = 0; written < 1000000 && i < ROUNDS; i++) {
		ssize_t n = write(*slave, page, sizeof(page));
		written += n > 0 ? (size_t)n : 0;
		test_round(n > 0 ? 0 : 10);
	}
	assert_true(written >= 1000000);
	fd_close(slave);
	stdio_process_ended(test.stdio);
	drain(SAFETY_NET_MS);
	run_until(&test.drained);
}

static void output_may_go_to_a_log_file(void **state)
{
	struct stdio_config config = terminal_config();
	char uri[128];

	(void)state;
	(void)snprintf(uri, sizeof(uri), "file://%s/log", test.folder);
	config.out = uri;
	make_stdio(&config);
	send_terminal();
	attach();
	write_text(*slave, "logged");
	fd_close(slave);
	stdio_process_ended(test.stdio);
	drain(SAFETY_NET_MS);
	run_until(&test.drained);
	expect_file("log", "logged");
}

static void output_may_go_to_a_logging_program(void **state)
{
	struct stdio_config config = terminal_config();

	(void)state;
	/* There is no stderr: its end comes at once. */
	config.out = script_uri("binary", "exec 5>&-; cat <&4 >$D/err; cat <&3 >$D/out");
	make_stdio(&config);
	run_until(&test.ready);
	send_terminal();
	attach();
	write_text(*slave, "logged");
	fd_close(slave);
	stdio_process_ended(test.stdio);
	drain(SAFETY_NET_MS);
	run_until(&test.drained);
	expect_file("out", "logged");
	expect_file("err", "");
}

static void a_terminal_that_does_not_come_is_an_error(void **state)
{
	(void)state;
	make_with_fifos();
	assert_attach_fails("console socket");
	assert_int_equal(access(path_of("console.0"), F_OK), -1);
}

static void a_socket_that_was_not_used_is_removed(void **state)
{
	(void)state;
	make_with_fifos();
	assert_int_equal(access(path_of("console.0"), F_OK), 0);
	stdio_free(test.stdio);
	test.stdio = NULL;
	assert_int_equal(access(path_of("console.0"), F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_go_both_ways),
		TEST(its_end_is_the_end_of_output),
		TEST(an_orphan_with_the_terminal_is_not_waited_for),
		TEST(a_slow_client_gets_all_that_was_written_before_the_end),
		TEST(one_that_ended_before_it_was_attached_is_read_out),
		TEST(closing_the_input_does_not_hang_up),
		TEST(a_process_that_does_not_read_holds_the_client_up),
		TEST(sizes_are_remembered_until_it_is_there),
		TEST(without_a_client_output_is_thrown_away),
		TEST(output_may_go_to_a_log_file),
		TEST(output_may_go_to_a_logging_program),
		TEST(a_terminal_that_does_not_come_is_an_error),
		TEST(a_socket_that_was_not_used_is_removed),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
