/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
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

/* Who writes as fast as we read does not keep us, nor does one that is left behind. */
static void output_without_end_does_not_keep_us(void **state)
{
	char output[64];
	struct error err;
	int status;

	(void)state;
	assert_int_equal(run_shell("exec yes", NULL, 200, output, sizeof(output), &status, &err),
			 -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_int_equal(run_shell("yes & exit 3", NULL, -1, output, sizeof(output), &status, &err),
			 0);
	assert_int_equal(process_exit_code(status), 3);
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

/* Starts a script; the caller waits for it. */
static pid_t spawn_shell(const char *script, const int *fds, size_t n_fds, struct process_spawn how,
			 struct error *err)
{
	char *args[] = { (char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c",
			 (char *)(uintptr_t)script, NULL };

	how.path = "/bin/sh";
	how.args = args;
	how.fds = fds;
	how.n_fds = n_fds;
	return process_spawn(&how, err);
}

static int end_of(pid_t pid)
{
	int status = 0;

	assert_true(pid > 0);
	assert_int_equal(process_wait(pid, &status), 0);
	return process_exit_code(status);
}

/* A file in memory, at the number or above, that holds the text. */
static int file_at(int least, const char *text)
{
	cleanup_fd int fd = memfd_create("test", MFD_CLOEXEC);
	int placed = fcntl(fd, F_DUPFD_CLOEXEC, least);

	assert_true(placed >= least);
	assert_int_equal(pwrite(placed, text, strlen(text), 0), strlen(text));
	return placed;
}

static const char *text_of(int fd)
{
	static char text[1024];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void spawned_programs_get_what_they_are_given(void **state)
{
	cleanup_fd int out = file_at(20, "");
	int fds[] = { -1, out, out };
	char *env[] = { (char *)(uintptr_t) "A=b", NULL };
	struct error err;

	(void)state;
	assert_int_equal(end_of(spawn_shell("echo $A $HOME; cat; exit 5", fds, 3,
					    (struct process_spawn){ .env = env }, &err)),
			 5);
	assert_string_equal(text_of(out), "b\n");
	assert_int_equal(setenv("SPAWN_TEST", "ours", 1), 0);
	fds[1] = file_at(20, "");
	assert_int_equal(
		end_of(spawn_shell("echo $SPAWN_TEST", fds, 3, (struct process_spawn){ 0 }, &err)),
		0);
	assert_string_equal(text_of(fds[1]), "ours\n");
	fd_close(&fds[1]);
	assert_int_equal(unsetenv("SPAWN_TEST"), 0);
}

/* The numbers 3 to 7 are each other's targets, one of them twice. */
static void spawned_descriptors_may_overlap(void **state)
{
	int files[5], saved[5];
	cleanup_fd int out = file_at(20, "");
	struct error err;

	(void)state;
	for (int i = 0; i < 5; i++) {
		char text[2] = { (char)('a' + i), '\0' };
		saved[i] = fcntl(3 + i, F_DUPFD_CLOEXEC, 30); /* another's, who wants it back */
		cleanup_fd int file = file_at(30, text);
		files[i] = dup3(file, 3 + i, O_CLOEXEC);
		assert_int_equal(files[i], 3 + i);
	}
	int fds[] = { 7, out, out, 7, 3, -1, 4, 5 };
	pid_t pid = spawn_shell("for i in 0 3 4 5 6 7; do cat /proc/self/fd/$i; printf /; done; "
				"for i in 8 9; do [ -e /proc/$$/fd/$i ] && echo open $i; done; :",
				fds, 8, (struct process_spawn){ 0 }, &err);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(*text_of(3 + i), 'a' + i);
		(void)close(3 + i);
		if (saved[i] >= 0)
			assert_int_equal(dup3(saved[i], 3 + i, O_CLOEXEC), 3 + i);
		fd_close(&saved[i]);
	}
	assert_int_equal(end_of(pid), 0);
	assert_string_equal(text_of(out), "e/e/a//b/c/");
}

static void spawned_programs_inherit_nothing_else(void **state)
{
	cleanup_fd int out = file_at(20, "");
	const int fds[] = { -1, out, out };
	int leak = fcntl(out, F_DUPFD, 9); /* not close-on-exec */
	char script[128];
	struct error err;

	(void)state;
	assert_true(leak >= 9);
	(void)snprintf(script, sizeof(script), "[ -e /proc/$$/fd/%d ] && echo open; :", leak);
	assert_int_equal(end_of(spawn_shell(script, fds, 3, (struct process_spawn){ 0 }, &err)), 0);
	assert_string_equal(text_of(out), "");
	assert_int_equal(fcntl(leak, F_GETFD), 0);
	(void)close(leak);
}

static void spawned_programs_begin_with_default_signals(void **state)
{
	cleanup_fd int out = file_at(20, "");
	const int fds[] = { -1, out, out };
	sigset_t usr1, before, after;
	struct sigaction action;
	struct error err;

	(void)state;
	(void)sigemptyset(&usr1);
	(void)sigaddset(&usr1, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &usr1, &before);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(end_of(spawn_shell("grep -E 'Sig(Blk|Ign)' /proc/self/status", fds, 3,
					    (struct process_spawn){ 0 }, &err)),
			 0);
	assert_string_equal(text_of(out), "SigBlk:\t0000000000000000\n"
					  "SigIgn:\t0000000000000000\n");
	/* Ours are as they were. */
	assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
	assert_ptr_equal(action.sa_handler, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &before, &after);
	assert_true(sigismember(&after, SIGUSR1));
	assert_false(sigismember(&after, SIGUSR2));
}

/* More than once: what a child leaves on its stack does not hurt the next, either. */
static void spawned_programs_may_hold_termination(void **state)
{
	/* No shell: dash empties its mask. */
	const char *const args[] = { "grep", "SigBlk", "/proc/self/status", NULL };
	struct error err;

	(void)state;
	for (int i = 0; i < 3; i++) {
		cleanup_fd int out = file_at(20, "");
		const int fds[] = { -1, out, out };
		const struct process_spawn spawn = { .path = "/bin/grep",
						     .args = (char **)(uintptr_t)args,
						     .fds = fds,
						     .n_fds = 3,
						     .holds_termination = true };
		assert_int_equal(end_of(process_spawn(&spawn, &err)), 0);
		assert_string_equal(text_of(out), "SigBlk:\t0000000000004002\n");
	}
}

static void spawned_programs_may_have_a_group(void **state)
{
	const int fds[] = { -1, -1, -1 };
	struct error err;
	const char *script = "read -r _ _ _ _ group _ </proc/self/stat; [ $group = $$ ]";

	(void)state;
	assert_int_equal(end_of(spawn_shell(script, fds, 3,
					    (struct process_spawn){ .new_group = true }, &err)),
			 0);
	assert_int_equal(end_of(spawn_shell(script, fds, 3, (struct process_spawn){ 0 }, &err)), 1);
}

static void spawned_programs_may_be_on_their_own(void **state)
{
	const char *script = "read -r _ _ _ parent group session _ </proc/self/stat;"
			     "[ $group = $$ ] && [ $session = $$ ] && echo $parent";
	int ends[2], fds[] = { -1, -1, -1 }, status;
	struct error err;
	char text[32];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fds[1] = ends[1];
	assert_int_equal(
		spawn_shell(script, fds, 3, (struct process_spawn){ .new_session = true }, &err),
		0);
	(void)close(ends[1]);
	ssize_t n = read(ends[0], text, sizeof(text) - 1);
	assert_true(n > 1);
	text[n] = '\0';
	assert_int_not_equal(strtol(text, NULL, 10), getpid());
	(void)close(ends[0]);
	assert_int_equal(waitpid(-1, &status, 0), -1); /* nor is anybody else's end to be seen */
	assert_int_equal(errno, ECHILD);
	const struct process_spawn missing = { .path = "/no/such/program",
					       .args = (char *[]){ NULL },
					       .fds = (int[]){ -1, -1, -1 },
					       .n_fds = 3,
					       .new_session = true };
	assert_int_equal(process_spawn(&missing, &err), -1);
	assert_string_equal(err.text, "execute /no/such/program: No such file or directory");
	assert_int_equal(waitpid(-1, &status, 0), -1);
}

static void spawned_programs_may_die_with_us(void **state)
{
	int ends[2];
	char byte;
	struct error err;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = process_clone(0, -1, NULL);
	if (pid == 0) {
		const int fds[] = { -1, ends[1], -1 };
		_exit(spawn_shell("echo; exec sleep 1000", fds, 3,
				  (struct process_spawn){ .dies_with_parent = true }, &err) > 0
			      ? 0
			      : 1);
	}
	(void)close(ends[1]);
	assert_int_equal(end_of(pid), 0);
	while (read(ends[0], &byte, 1) == 1) /* end of file when it is gone */
		;
	(void)close(ends[0]);
}

static void what_cannot_be_spawned_is_named(void **state)
{
	const int fds[] = { -1, -1, -1, -1, -1, -1, -1, -1, -1 }, bad[] = { -1, 999, -1 };
	char *args[] = { (char *)(uintptr_t) "x", NULL };
	struct process_spawn spawn = { "/no/such/program", args, NULL, fds, 3, true, true };
	struct error err;
	int status;

	(void)state;
	assert_int_equal(process_spawn(&spawn, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(err.text, "execute /no/such/program: No such file or directory");
	spawn.path = "/proc/self/status";
	assert_int_equal(process_spawn(&spawn, &err), -1);
	assert_int_equal(err.code, EACCES);
	spawn.path = "/bin/true";
	spawn.fds = bad;
	assert_int_equal(process_spawn(&spawn, &err), -1);
	assert_int_equal(err.code, EBADF);
	spawn.fds = fds;
	for (spawn.n_fds = 2; spawn.n_fds <= 9; spawn.n_fds += 7) {
		assert_int_equal(process_spawn(&spawn, &err), -1);
		assert_int_equal(err.code, EINVAL);
	}
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1); /* no child is left */
}

static void open_files_can_be_spawned(void **state)
{
	cleanup_fd int program = open("/bin/false", O_PATH | O_CLOEXEC), high = -1;
	const int fds[] = { -1, -1, -1 };
	char path[32];
	char *args[] = { (char *)(uintptr_t) "false", NULL };
	struct process_spawn spawn = { path, args, NULL, fds, 3, false, false };
	struct error err;

	(void)state;
	high = fcntl(program, F_DUPFD_CLOEXEC, 20);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", high);
	assert_int_equal(end_of(process_spawn(&spawn, &err)), 1);
}

/* One of the descriptors that the child's own ones go over, too. */
static void programs_can_be_given_opened(void **state)
{
	cleanup_fd int low = open("/bin/false", O_PATH | O_CLOEXEC), high = -1;
	const int fds[] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	char *args[] = { (char *)(uintptr_t) "false", NULL };
	struct process_spawn spawn = {
		.path = "/bin/true", .args = args, .fds = fds, .n_fds = 8, .program = &low
	};
	struct error err;

	(void)state;
	assert_in_range(low, 3, 7);
	assert_int_equal(end_of(process_spawn(&spawn, &err)), 1);
	high = fcntl(low, F_DUPFD_CLOEXEC, 20);
	spawn.program = &high;
	assert_int_equal(end_of(process_spawn(&spawn, &err)), 1);
	fd_close(&low);
	spawn.program = &low; /* -1 */
	assert_int_equal(end_of(process_spawn(&spawn, &err)), 0);
}

static void nothing(int signal)
{
}

static void handlers_of_a_process_are_known(void **state)
{
	struct sigaction action = { .sa_handler = nothing }, usr1;
	sigset_t held, before;

	(void)state;
	assert_false(process_handles_signal(getpid(), SIGUSR1));
	assert_false(process_handles_signal(getpid(), SIGUSR2));
	assert_int_equal(sigaction(SIGUSR1, &action, &usr1), 0);
	(void)sigemptyset(&held);
	(void)sigaddset(&held, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &held, &before);
	assert_true(process_handles_signal(getpid(), SIGUSR1));
	assert_true(process_handles_signal(getpid(), SIGUSR2));
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	(void)sigaction(SIGUSR1, &usr1, NULL);
	assert_true(process_handles_signal(INT_MAX, SIGTERM)); /* there is none: in doubt */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_can_be_given_opened),
		cmocka_unit_test(output_and_status_come_back),
		cmocka_unit_test(only_the_tail_of_much_output_is_kept),
		cmocka_unit_test(a_program_that_reads_nothing_is_fine),
		cmocka_unit_test(time_outs_kill),
		cmocka_unit_test(output_without_end_does_not_keep_us),
		cmocka_unit_test(missing_programs_are_named),
		cmocka_unit_test(programs_get_three_descriptors),
		cmocka_unit_test(identity_of_processes),
		cmocka_unit_test(spawned_programs_get_what_they_are_given),
		cmocka_unit_test(spawned_descriptors_may_overlap),
		cmocka_unit_test(spawned_programs_inherit_nothing_else),
		cmocka_unit_test(spawned_programs_begin_with_default_signals),
		cmocka_unit_test(spawned_programs_may_hold_termination),
		cmocka_unit_test(spawned_programs_may_have_a_group),
		cmocka_unit_test(spawned_programs_may_be_on_their_own),
		cmocka_unit_test(spawned_programs_may_die_with_us),
		cmocka_unit_test(what_cannot_be_spawned_is_named),
		cmocka_unit_test(open_files_can_be_spawned),
		cmocka_unit_test(handlers_of_a_process_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
