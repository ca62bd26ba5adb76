/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows no openat2
/* Whole set-ups in children, seen by the payload: /bin/cat, /bin/sh of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/capability.h"
#include "runtime/process_setup.h"

/* Literals for members that are not const; nobody writes to them. */
#define TEXT(literal)  ((char *)(uintptr_t)(literal))
#define TEXTS(...)     ((char **)(uintptr_t)(const char *const[]){ __VA_ARGS__, NULL })
#define COUNT(...)     (sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define LISTED(m, ...) .m = TEXTS(__VA_ARGS__), .n_##m = COUNT(__VA_ARGS__)
#define SHELL(script)  .args = TEXTS("sh", "-c", script), .n_args = 3
#define ENV	       LISTED(env, "PATH=/usr/bin:/bin")

enum { OUTPUT_SIZE = 65536 };

struct result {
	int status;
	char output[OUTPUT_SIZE]; /* the payload's, or "setup: MESSAGE" */
};

/* What a test may do in the child before the set-up. */
struct surroundings {
	void (*before)(void);
	const struct seccomp_filter *filter;
	const struct spec_personality *personality;
	bool is_exec;
	unsigned int keep_fds;
};

static _Noreturn void child(const struct spec_process *process, const struct surroundings *around)
{
	struct error err;
	struct arena arena = ARENA_EMPTY;
	struct process_setup setup = {
		.process = process,
		.seccomp = around->filter,
		.personality = around->personality,
		.procfs = path_open_procfs(&err),
		.host_pid = getpid(),
		.keep_fds = around->keep_fds,
		.is_init = !around->is_exec,
	};

	if (around->before)
		around->before();
	if (process_setup_prepare(&setup, &arena, &err) == 0)
		(void)process_setup_exec(&setup, NULL, NULL, &err);
	dprintf(1, "setup: %s", err.text);
	_exit(99);
}

static struct result run_in(const struct spec_process *process, struct surroundings around)
{
	static struct result result;
	size_t used = 0;
	ssize_t n;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0)
			_exit(98);
		child(process, &around);
	}
	(void)close(ends[1]);
	while ((n = read(ends[0], result.output + used, sizeof(result.output) - 1 - used)) > 0)
		used += (size_t)n;
	result.output[used] = '\0';
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &result.status, 0), pid);
	return result;
}

static struct result run(const struct spec_process *process)
{
	return run_in(process, (struct surroundings){ 0 });
}

static void assert_has(const struct result *result, const char *words)
{
	if (!strstr(result->output, words))
		fail_msg("\"%s\" is not in: %s", words, result->output);
}

static void assert_lacks(const struct result *result, const char *words)
{
	if (strstr(result->output, words))
		fail_msg("\"%s\" is in: %s", words, result->output);
}

static void needs_root(void)
{
	if (getuid() == 0)
		return;
	print_message("needs root\n");
	skip();
}

static struct spec_user nobody = { .uid = 1234, .gid = 2345 };
#define STATUS LISTED(args, "cat", "/proc/self/status"), .cwd = TEXT("/"), ENV

static void test_s12_no_capabilities(void **state)
{
	const struct spec_process process = { STATUS, .user = &nobody, .no_new_privileges = true };

	(void)state;
	needs_root();
	struct result r = run(&process);
	assert_has(&r, "Uid:\t1234\t1234\t1234\t1234\n");
	assert_has(&r, "Gid:\t2345\t2345\t2345\t2345\n");
	assert_has(&r, "Groups:\t \n");
	assert_has(&r, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
		       "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
		       "CapAmb:\t0000000000000000\n");
	assert_has(&r, "NoNewPrivs:\t1\n");
	assert_has(&r, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void test_s12_all_five_sets(void **state)
{
	struct spec_capabilities sets = {
		LISTED(bounding, "CAP_KILL", "CAP_CHOWN", "CAP_SYSLOG"),
		LISTED(effective, "CAP_KILL"),
		LISTED(permitted, "CAP_KILL", "cap_chown"),
		LISTED(inheritable, "CAP_CHOWN", "CAP_SYSLOG"),
		LISTED(ambient, "CAP_CHOWN"),
	};
	struct spec_user user = nobody;
	struct spec_process process = { STATUS, .user = &user, .capabilities = &sets };

	(void)state;
	needs_root();
	struct result r = run(&process);
	assert_has(&r, "CapInh:\t0000000400000001\nCapPrm:\t0000000000000001\n"
		       "CapEff:\t0000000000000001\nCapBnd:\t0000000400000021\n"
		       "CapAmb:\t0000000000000001\n");
	assert_has(&r, "NoNewPrivs:\t0\n");
	user.uid = user.gid = 0;
	sets.n_ambient = sets.n_inheritable = 0;
	r = run(&process);
	assert_has(&r, "CapInh:\t0000000000000000\nCapPrm:\t0000000400000021\n"
		       "CapEff:\t0000000400000021\nCapBnd:\t0000000400000021\n"
		       "CapAmb:\t0000000000000000\n");
}

static void test_s12_names_that_cannot_be(void **state)
{
	struct spec_capabilities sets = { LISTED(bounding, "CAP_KILL", "CAP_NONSENSE") };
	const struct spec_process process = { STATUS, .capabilities = &sets };

	(void)state;
	struct result r = run(&process);
	assert_has(&r,
		   "setup: process.capabilities.bounding[1]: unknown capability \"CAP_NONSENSE\"");
}

static void lose_net_raw(void)
{
	if (prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0) < 0)
		_exit(97);
}

static void test_ungranted_capabilities_warn_unraisable_ones_do_not(void **state)
{
	struct spec_capabilities sets = { LISTED(bounding, "CAP_KILL", "CAP_NET_RAW"),
					  LISTED(permitted, "CAP_KILL", "CAP_NET_RAW"),
					  LISTED(effective, "CAP_KILL", "CAP_CHOWN"),
					  LISTED(inheritable, "CAP_KILL"),
					  LISTED(ambient, "CAP_KILL", "CAP_CHOWN") };
	const struct spec_process process = { STATUS, .user = &nobody, .capabilities = &sets };

	(void)state;
	needs_root();
	struct result r = run_in(&process, (struct surroundings){ .before = lose_net_raw });
	assert_has(&r, "CAP_NET_RAW");
	assert_lacks(&r, "ambient but not both permitted and inheritable");
	assert_has(&r, "CapAmb:\t0000000000000020\n");
	assert_has(&r, "CapBnd:\t0000000000000020\n");
}

static void join_groups(void)
{
	const gid_t groups[] = { 0, 7, 8 };

	if (setgroups(3, groups) < 0)
		_exit(97);
}

static void test_s13_groups_are_exactly_those_asked_for(void **state)
{
	uint32_t groups[] = { 5, 65534 };
	struct spec_user user = nobody;
	const struct spec_process process = { STATUS, .user = &user };
	const struct surroundings around = { .before = join_groups };

	(void)state;
	needs_root();
	struct result r = run_in(&process, around);
	assert_has(&r, "Groups:\t \n");
	user.additional_gids = groups;
	user.n_additional_gids = 2;
	r = run_in(&process, around);
	assert_has(&r, "Groups:\t5 65534 \n");
	user.uid = UINT32_MAX;
	r = run(&process);
	assert_has(&r, "is no id");
}

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

/* A filter that kills for everything but execve, as far as the runtime is concerned. */
static void test_s25_filter_is_last_and_wants_only_execve(void **state)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#define KILL(name)                                                                                 \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1),                                    \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
		KILL(capset),
		KILL(setresuid),
		KILL(setgroups),
		KILL(close_range),
		KILL(rt_sigprocmask),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct seccomp_filter filter = { code, sizeof(code) / sizeof(*code), 0, false };
	struct spec_process process = { LISTED(args, "/bin/busybox", "cat", "/proc/self/status"),
					.cwd = TEXT("/"), ENV, .user = &nobody };

	(void)state;
	needs_root();
	if (access("/bin/busybox", X_OK) < 0) {
		print_message("needs a static /bin/busybox as payload\n");
		skip();
	}
	/* without no_new_privs CAP_SYS_ADMIN is kept for loading, and gone afterwards */
	struct result r = run_in(&process, (struct surroundings){ .filter = &filter });
	assert_has(&r, "Seccomp:\t2\n");
	assert_has(&r, "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n");
	assert_has(&r, "NoNewPrivs:\t0\n");
	process.no_new_privileges = true;
	r = run_in(&process, (struct surroundings){ .filter = &filter });
	assert_has(&r, "Seccomp:\t2\n");
}

static void test_failed_execve_is_explained_under_a_filter(void **state)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct seccomp_filter filter = { code, sizeof(code) / sizeof(*code), 0, false };
	char path[] = "/tmp/setup_test.XXXXXX";
	const struct spec_process process = {
		.args = TEXTS(path), .n_args = 1, .cwd = TEXT("/"), ENV
	};

	(void)state;
	needs_root();
	int fd = mkstemp(path);
	assert_int_equal(fchmod(fd, 0755), 0);
	assert_int_equal(write(fd, "hello\n", 6), 6);
	fd_close(&fd);
	struct result r = run_in(&process, (struct surroundings){ .filter = &filter });
	assert_int_equal(unlink(path), 0);
	assert_has(&r, "exec format error (not an ELF file and has no #! line)");
}

static void test_labels_of_a_module_that_is_not_there(void **state)
{
	struct result r;
	const struct spec_process process = { STATUS, .apparmor_profile = TEXT("no-such-profile") };

	(void)state;
	needs_root();
	r = run(&process);
	assert_has(&r, "setup: apply AppArmor profile \"no-such-profile\": ");
}

static void test_make_cwd(void **state)
{
	char path[] = "/tmp/setup_test.XXXXXX", cwd[64];
	struct error err;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(path));
	(void)snprintf(cwd, sizeof(cwd), "%s/a", path);
	assert_int_equal(process_setup_make_cwd(cwd, NULL, &err), 0);
	assert_int_equal(process_setup_make_cwd(cwd, NULL, &err), 0);
	assert_int_equal(stat(cwd, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(rmdir(cwd), 0);
	assert_int_equal(rmdir(path), 0);
}

static void test_inside_a_user_namespace(void **state)
{
	const struct spec_process process = { SHELL("id -G"), .cwd = TEXT("/"), ENV };

	(void)state;
	int status;
	gid_t gid = getgid();
	pid_t pid = fork();
	if (pid == 0) { /* as an unprivileged user's: setgroups denied, one id mapped */
		struct error err;
		struct arena arena = ARENA_EMPTY;
		char map[64];
		(void)snprintf(map, sizeof(map), "0 %u 1", getuid());
		if (unshare(CLONE_NEWUSER) < 0 ||
		    fd_write_file(AT_FDCWD, "/proc/self/setgroups", "deny", &err) < 0 ||
		    fd_write_file(AT_FDCWD, "/proc/self/uid_map", map, &err) < 0)
			_exit(77);
		(void)snprintf(map, sizeof(map), "0 %u 1", gid);
		if (fd_write_file(AT_FDCWD, "/proc/self/gid_map", map, &err) < 0)
			_exit(77);
		struct process_setup setup = { .process = &process,
					       .procfs = path_open_procfs(&err),
					       .host_pid = getpid(),
					       .in_user_namespace = true };
		int result = process_setup_prepare(&setup, &arena, &err);
		if (result < 0)
			dprintf(2, "%s\n", err.text);
		arena_free(&arena);
		_exit(result < 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77) {
		print_message("user namespaces are refused here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s12_no_capabilities),
		cmocka_unit_test(test_s12_all_five_sets),
		cmocka_unit_test(test_s12_names_that_cannot_be),
		cmocka_unit_test(test_ungranted_capabilities_warn_unraisable_ones_do_not),
		cmocka_unit_test(test_s13_groups_are_exactly_those_asked_for),
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
		cmocka_unit_test(test_s25_filter_is_last_and_wants_only_execve),
		cmocka_unit_test(test_failed_execve_is_explained_under_a_filter),
		cmocka_unit_test(test_labels_of_a_module_that_is_not_there),
		cmocka_unit_test(test_make_cwd),
		cmocka_unit_test(test_inside_a_user_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
