/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/seccomp_profile.h"

#define BIT(n) (UINT64_C(1) << (n))

static struct arena arena;
static struct error err;

static int tear_down(void **state)
{
	arena_free(&arena);
	return 0;
}

/* The action of the first rule for the call; NULL without one. *ret_args: how many conditions. */
static const char *action_of(const struct spec_seccomp *profile, const char *name, size_t *ret_args)
{
	for (size_t i = 0; i < profile->n_syscalls; i++)
		for (size_t j = 0; j < profile->syscalls[i].n_names; j++)
			if (str_equal(profile->syscalls[i].names[j], name)) {
				*ret_args = profile->syscalls[i].n_args;
				return profile->syscalls[i].action;
			}
	return NULL;
}

static struct spec_seccomp *make(uint64_t capabilities)
{
	struct spec_seccomp *profile;

	if (seccomp_profile_default(capabilities, &arena, &profile, &err) < 0)
		fail_msg("%s", err.text);
	return profile;
}

static void the_default(void **state)
{
	const struct spec_seccomp *profile = make(0);
	size_t n;

	assert_string_equal(profile->default_action, "SCMP_ACT_ERRNO");
	assert_string_equal(action_of(profile, "read", &n), "SCMP_ACT_ALLOW");
	assert_int_equal(n, 0);
	assert_string_equal(action_of(profile, "clone", &n), "SCMP_ACT_ALLOW");
	assert_int_equal(n, 1);
	assert_string_equal(action_of(profile, "clone3", &n), "SCMP_ACT_ERRNO");
	assert_string_equal(action_of(profile, "socket", &n), "SCMP_ACT_ALLOW");
	assert_int_equal(n, 1);
	static const char *const refused[] = { "mount",
					       "bpf",
					       "reboot",
					       "kexec_load",
					       "init_module",
					       "keyctl",
					       "add_key",
					       "setns",
					       "unshare",
					       "userfaultfd",
					       "io_uring_setup",
					       "perf_event_open",
					       "open_by_handle_at",
					       "swapon" };
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (action_of(profile, refused[i], &n))
			fail_msg("%s is allowed", refused[i]);
}

static void a_capability_opens_calls(void **state)
{
	size_t n;

	assert_non_null(action_of(make(BIT(CAP_SYS_ADMIN)), "mount", &n));
	assert_non_null(action_of(make(BIT(CAP_SYS_ADMIN)), "clone3", &n));
	assert_string_equal(action_of(make(BIT(CAP_SYS_ADMIN)), "clone3", &n), "SCMP_ACT_ALLOW");
	assert_non_null(action_of(make(BIT(CAP_SYS_BOOT)), "reboot", &n));
	assert_null(action_of(make(BIT(CAP_SYS_BOOT)), "mount", &n));
}

/* A typing mistake would leave a call out silently. libseccomp may be older than a name. */
static void names_are_names_of_calls(void **state)
{
	static const char *const newer[] = { "cachestat",
					     "fchmodat2",
					     "futex_requeue",
					     "futex_wait",
					     "futex_wake",
					     "getxattrat",
					     "listmount",
					     "listxattrat",
					     "map_shadow_stack",
					     "mseal",
					     "removexattrat",
					     "setxattrat",
					     "statmount",
					     "uretprobe",
					     "futex_waitv",
					     "memfd_secret",
					     "process_mrelease",
					     "quotactl_fd",
					     "set_mempolicy_home_node",
					     "fstatat64",
					     "clock_adjtime64",
					     NULL };
	const struct spec_seccomp *profile = make(UINT64_MAX);

	for (size_t i = 0; i < profile->n_syscalls; i++)
		for (size_t j = 0; j < profile->syscalls[i].n_names; j++) {
			const char *name = profile->syscalls[i].names[j];
			const char *const *known = newer;

			while (*known && strcmp(*known, name) != 0)
				known++;
			if (!*known && seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR)
				fail_msg("%s", name);
		}
}

/* ---- files ---- */

static int read_text(const char *text, uint64_t capabilities, struct spec_seccomp **ret)
{
	char path[] = "/tmp/seccomp_test.XXXXXX";
	cleanup_fd int fd = mkostemp(path, O_CLOEXEC);
	int result;

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, path, text, strlen(text), &err), 0);
	result = seccomp_profile_read(path, capabilities, &arena, ret, &err);
	(void)unlink(path);
	return result;
}

static void a_file_of_dockers_form(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,"
		"\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":"
		"[\"SCMP_ARCH_X86\"]},{\"architecture\":\"SCMP_ARCH_AARCH64\"}],\"syscalls\":["
		"{\"names\":[\"read\",\"write\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"name\":\"open\",\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\","
		"\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
		"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\","
		"\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]},\"args\":[{\"index\":0,\"value\":1,"
		"\"op\":\"SCMP_CMP_EQ\"}]},"
		"{\"names\":[\"vhangup\"],\"action\":\"SCMP_ACT_ALLOW\","
		"\"includes\":{\"arches\":[\"no-such-machine\"]}},"
		"{\"names\":[\"ptrace\"],\"action\":\"SCMP_ACT_ALLOW\","
		"\"includes\":{\"minKernel\":\"4.8\"}},"
		"{\"names\":[\"swapon\"],\"action\":\"SCMP_ACT_ALLOW\","
		"\"includes\":{\"minKernel\":\"999.1\"}}]}";
	struct spec_seccomp *profile;
	size_t n;

	if (read_text(text, 0, &profile) < 0)
		fail_msg("%s", err.text);
	assert_non_null(action_of(profile, "write", &n));
	assert_non_null(action_of(profile, "open", &n));
	assert_null(action_of(profile, "mount", &n));
	assert_non_null(action_of(profile, "clone", &n));
	assert_int_equal(n, 1);
	assert_null(action_of(profile, "vhangup", &n));
	assert_non_null(action_of(profile, "ptrace", &n));
	assert_null(action_of(profile, "swapon", &n));
	assert_int_equal(read_text(text, BIT(CAP_SYS_ADMIN), &profile), 0);
	assert_non_null(action_of(profile, "mount", &n));
	assert_null(action_of(profile, "clone", &n));
}

static void files_that_are_refused(void **state)
{
	struct spec_seccomp *profile;

	assert_int_equal(read_text("{}", 0, &profile), -1);
	assert_int_equal(read_text("no json", 0, &profile), -1);
	assert_int_equal(read_text("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\"}",
				   0, &profile),
			 -1);
	assert_non_null(strstr(err.text, "listenerPath"));
	assert_int_equal(read_text("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"name\":"
				   "\"a\",\"action\":\"SCMP_ACT_ERRNO\",\"includes\":{\"caps\":"
				   "[\"CAP_NONE_SUCH\"]}}]}",
				   0, &profile),
			 -1);
	assert_non_null(strstr(err.text, "syscalls[0]: unknown capability"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_default, tear_down),
		cmocka_unit_test_teardown(a_capability_opens_calls, tear_down),
		cmocka_unit_test_teardown(names_are_names_of_calls, tear_down),
		cmocka_unit_test_teardown(a_file_of_dockers_form, tear_down),
		cmocka_unit_test_teardown(files_that_are_refused, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
