/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"

static int run_shell(const char *script, const char *input, int timeout_ms, char *output,
		     size_t output_size, int *status, struct error *err)
{
	char *args[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
			 (char *)(uintptr_t)script, NULL };
	struct process_run run = {
		.path = "/bin/sh",
		.args = args,
		.input = input,
		.input_size = input ? strlen(input) : 0,
		.timeout_ms = timeout_ms,
		.output = output,
		.output_size = output_size,
	};

	return process_run(&run, status, err);
}

static void output_and_status_come_back(void **state)
{
	char output[64];
	struct error err;
	int status;

	(void)state;
	assert_int_equal(run_shell("cat; echo err >&2; exit 3", "in\n", -1, output, sizeof(output),
				   &status, &err),
			 0);
	assert_int_equal(process_exit_code(status), 3);
	assert_string_equal(output, "in\nerr\n");
}

static void only_the_tail_of_much_output_is_kept(void **state)
{
	char output[17];
	struct error err;
	int status;

	(void)state;
	assert_int_equal(run_shell("i=0; while [ $i -lt 5000 ]; do echo 0123456789012345; "
				   "i=$((i+1)); done; printf END",
				   NULL, -1, output, sizeof(output), &status, &err),
			 0);
	assert_int_equal(strlen(output), 16);
	assert_string_equal(output + 13, "END");
}

static void a_program_that_reads_nothing_is_fine(void **state)
{
	static char input[200000];
	char output[8];
	struct error err;
	int status;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	memset(input, 'x', sizeof(input) - 1);
	assert_int_equal(run_shell("exit 0", input, -1, output, sizeof(output), &status, &err), 0);
	assert_int_equal(status, 0);
}

static void time_outs_kill(void **state)
{
	struct error err;
	int status;

	(void)state;
	assert_int_equal(run_shell("while :; do :; done", NULL, 100, NULL, 0, &status, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
}

static void missing_programs_are_named(void **state)
{
	char *args[] = { (char *)(uintptr_t) "x", NULL };
	struct process_run run = { .path = "/no/such/program", .args = args, .timeout_ms = -1 };
	struct error err;
	int status;

	(void)state;
	assert_int_equal(process_run(&run, &status, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "/no/such/program"));
}

static void programs_get_three_descriptors(void **state)
{
	char output[256];
	struct error err;
	int status, extra = dup(0);

	(void)state;
	assert_int_equal(run_shell("for i in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$i ] && "
				   "printf \"$i \"; done",
				   NULL, -1, output, sizeof(output), &status, &err),
			 0);
	assert_string_equal(output, "0 1 2 ");
	(void)close(extra);
}

static void identity_of_processes(void **state)
{
	cleanup_fd int procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int pidfd = -1;
	uint64_t start, again;
	char letter;
	int status;

	(void)state;
	assert_true(process_start_time(procfs, getpid(), &start, &letter));
	assert_true(process_start_time(procfs, getpid(), &again, NULL));
	assert_int_equal(start, again);
	assert_int_equal(letter, 'R');
	assert_false(process_start_time(procfs, 0x3fffffff, &start, NULL));
	pid_t pid = process_clone(0, -1, &pidfd);
	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_false(process_pidfd_ended(pidfd));
	assert_int_equal(process_pidfd_signal(pidfd, SIGTERM), 0);
	assert_int_equal(process_wait(pid, &status), 0);
	assert_int_equal(process_exit_code(status), 128 + SIGTERM);
	assert_true(process_pidfd_ended(pidfd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_and_status_come_back),
		cmocka_unit_test(only_the_tail_of_much_output_is_kept),
		cmocka_unit_test(a_program_that_reads_nothing_is_fine),
		cmocka_unit_test(time_outs_kill),
		cmocka_unit_test(missing_programs_are_named),
		cmocka_unit_test(programs_get_three_descriptors),
		cmocka_unit_test(identity_of_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
