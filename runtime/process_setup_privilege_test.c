/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it knows no openat2
/* Capabilities, groups, filters, labels. */
#include "runtime/process_setup_test.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/capability.h"

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
		cmocka_unit_test(test_s25_filter_is_last_and_wants_only_execve),
		cmocka_unit_test(test_failed_execve_is_explained_under_a_filter),
		cmocka_unit_test(test_labels_of_a_module_that_is_not_there),
		cmocka_unit_test(test_inside_a_user_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
