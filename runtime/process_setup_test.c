/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows no openat2
#include "runtime/process_setup_test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

static void test_umask(void **state)
{
	struct spec_user user = { .uid = getuid(), .gid = getgid(), .umask = { true, 077 } };
	const struct spec_process process = { STATUS, .user = &user };

	(void)state;
	needs_root();
	struct result r = run(&process);
	assert_has(&r, "Umask:\t0077\n");
}

static void open_junk(void)
{
	for (int i = 0; i < 50; i++)
		if (dup(1) < 0)
			_exit(97);
}

static void test_s3_only_the_kept_descriptors_remain(void **state)
{
	const struct spec_process process = {
		SHELL("i=0; while [ $i -lt 70 ]; do [ ! -e /proc/$$/fd/$i ] || echo $i; i=$((i + "
		      "1)); done"),
		.cwd = TEXT("/"), ENV
	};

	(void)state;
	needs_root();
	struct result r = run_in(&process, (struct surroundings){ .before = open_junk });
	assert_has(&r, "0\n1\n2\n");
	assert_lacks(&r, "3\n");
	r = run_in(&process, (struct surroundings){ .before = open_junk, .keep_fds = 30 });
	assert_has(&r, "32\n");
	assert_lacks(&r, "33\n");
}

static void ignore_and_block(void)
{
	sigset_t all;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGUSR1, SIG_IGN);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
}

static void test_signals_are_as_in_the_beginning(void **state)
{
	const struct spec_process process = { STATUS };

	(void)state;
	needs_root();
	struct result r = run_in(&process, (struct surroundings){ .before = ignore_and_block });
	assert_has(&r, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void test_working_directory(void **state)
{
	struct spec_process process = { SHELL("pwd"), .cwd = TEXT("/usr/bin"), ENV };

	(void)state;
	needs_root();
	struct result r = run(&process);
	assert_string_equal(r.output, "/usr/bin\n");
	process.cwd = TEXT("/no/such");
	r = run(&process);
	assert_has(&r, "setup: process.cwd \"/no/such\": ");
	assert_has(&r, "No such file or directory");
	process.cwd = TEXT("/etc/passwd");
	r = run(&process);
	assert_has(&r, "Not a directory");
}

static void test_working_directory_that_only_root_may_enter(void **state)
{
	char path[] = "/tmp/setup_test.XXXXXX";
	const struct spec_process process = { SHELL("echo in"), .cwd = path, ENV, .user = &nobody };

	(void)state;
	needs_root();
	assert_non_null(mkdtemp(path)); /* mode 0700 */
	struct result r = run(&process);
	assert_int_equal(rmdir(path), 0);
	assert_has(&r, "in\n");
}

static void keep_a_folder_open(void)
{
	if (dup2(open("/etc", O_RDONLY | O_DIRECTORY), 40) < 0)
		_exit(97);
}

static void leave_the_root(void)
{
	/* as a descriptor of the host's folder that was leaked into a container */
	keep_a_folder_open();
	if (chroot("/usr") < 0 || chdir("/") < 0)
		_exit(97);
}

static void test_s8_no_way_out_by_the_working_directory(void **state)
{
	struct spec_process process = { SHELL("pwd"), .cwd = TEXT("/proc/self/fd/40"), ENV };

	(void)state;
	needs_root();
	struct result r = run_in(&process, (struct surroundings){ .before = keep_a_folder_open });
	assert_has(&r, "setup: process.cwd \"/proc/self/fd/40\": ");
	process.cwd = TEXT("/..");
	r = run_in(&process, (struct surroundings){ .before = leave_the_root });
	assert_lacks(&r, "unreachable");
}

static void test_environment_and_arguments(void **state)
{
	struct spec_process process = { LISTED(args, "env"), .cwd = TEXT("/"),
					LISTED(env, "A=1", "PATH=/usr/bin:/bin", "A=2") };

	(void)state;
	needs_root();
	struct result r = run(&process);
	assert_string_equal(r.output, "PATH=/usr/bin:/bin\nA=2\nHOME=/root\n");
	process.args = TEXTS("no-such-tool");
	r = run(&process);
	assert_has(&r, "setup: exec: \"no-such-tool\": executable file not found in $PATH");
	assert_int_equal(WEXITSTATUS(r.status), 99);
}

static void test_limits_low_and_high(void **state)
{
	struct spec_rlimit limits[] = { { TEXT("RLIMIT_NOFILE"), 3, 3 },
					{ TEXT("RLIMIT_FSIZE"), 0, 4096 },
					{ TEXT("RLIMIT_CORE"), 0, 0 } };
	struct spec_process process = { LISTED(args, "/bin/echo", "started"),
					.cwd = TEXT("/"),
					ENV,
					.rlimits = limits,
					.n_rlimits = 3,
					.user = &nobody };

	(void)state;
	needs_root();
	/* Three files are not even enough for the loader: what counts is that we got to execve. */
	struct result r = run(&process);
	assert_lacks(&r, "setup:");
	limits[0].soft = limits[0].hard = 100;
	process.args = TEXTS("cat", "/proc/self/limits");
	r = run(&process);
	assert_has(&r, "Max open files            100                  100 ");
	assert_has(&r, "Max file size             0                    4096 ");
	limits[0].soft = 200;
	r = run(&process);
	assert_has(&r, "soft limit above the hard limit");
	limits[0].type = TEXT("RLIMIT_FUN");
	r = run(&process);
	assert_has(&r, "unknown type \"RLIMIT_FUN\"");
}

static void test_scheduling(void **state)
{
	struct spec_scheduler scheduler = { .policy = TEXT("SCHED_BATCH"),
					    .nice = 7,
					    LISTED(flags, "SCHED_FLAG_RESET_ON_FORK") };
	struct spec_io_priority io = { TEXT("IOPRIO_CLASS_BE"), 6 };
	struct spec_cpu_affinity affinity = { .final = TEXT("0") };
	struct spec_process process = { LISTED(args, "cat", "/proc/self/sched",
					       "/proc/self/status"),
					.cwd = TEXT("/"),
					ENV,
					.scheduler = &scheduler,
					.io_priority = &io,
					.exec_cpu_affinity = &affinity };

	(void)state;
	needs_root();
	struct result r = run_in(&process, (struct surroundings){ .is_exec = true });
	assert_has(&r, "Cpus_allowed_list:\t0\n");
	if (strstr(r.output, "policy"))
		assert_has(&r, " 3\n");
	io.class = TEXT("IOPRIO_CLASS_BEST");
	r = run(&process);
	assert_has(&r, "process.ioPriority.class: unknown name");
	scheduler.policy = TEXT("SCHED_NEVER");
	io.class = TEXT("IOPRIO_CLASS_IDLE");
	r = run(&process);
	assert_has(&r, "process.scheduler.policy: unknown name \"SCHED_NEVER\"");
	affinity.final = TEXT("0-");
	r = run_in(&process, (struct surroundings){ .is_exec = true });
	assert_has(&r, "process.execCPUAffinity.final: \"0-\" is not a list");
}

static void test_personality(void **state)
{
	const struct spec_personality linux32 = { .domain = TEXT("LINUX32") };
	const struct spec_process process = { LISTED(args, "uname", "-m"), .cwd = TEXT("/"), ENV };

	(void)state;
	needs_root();
	struct result r = run_in(&process, (struct surroundings){ .personality = &linux32 });
#ifdef __x86_64__
	assert_string_equal(r.output, "i686\n");
#endif
	assert_lacks(&r, "setup:");
}

static void test_make_cwd(void **state)
{
	char path[] = "/tmp/setup_test.XXXXXX", cwd[64];
	struct error err;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(path));
	(void)snprintf(cwd, sizeof(cwd), "%s/a", path);
	assert_int_equal(process_setup_make_cwd(cwd, &err), 0);
	assert_int_equal(process_setup_make_cwd(cwd, &err), 0);
	assert_int_equal(stat(cwd, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(rmdir(cwd), 0);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_umask),
		cmocka_unit_test(test_s3_only_the_kept_descriptors_remain),
		cmocka_unit_test(test_signals_are_as_in_the_beginning),
		cmocka_unit_test(test_working_directory),
		cmocka_unit_test(test_working_directory_that_only_root_may_enter),
		cmocka_unit_test(test_s8_no_way_out_by_the_working_directory),
		cmocka_unit_test(test_environment_and_arguments),
		cmocka_unit_test(test_limits_low_and_high),
		cmocka_unit_test(test_scheduling),
		cmocka_unit_test(test_personality),
		cmocka_unit_test(test_make_cwd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
