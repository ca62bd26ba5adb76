/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it has no seccomp(2)
/* Compiled filters, interpreted. */
#include "runtime/seccomp_test.h"

#include <signal.h>
#include <sys/socket.h>

#include "runtime/seccomp_table.h"

static char eq[] = "SCMP_CMP_EQ", gt[] = "SCMP_CMP_GT", masked[] = "SCMP_CMP_MASKED_EQ";

static void test_every_denying_default_gives_enosys_for_newer_calls(void **state)
{
	char *denying[] = { TEXT("SCMP_ACT_ERRNO"), TEXT("SCMP_ACT_KILL"),
			    TEXT("SCMP_ACT_KILL_THREAD"), TEXT("SCMP_ACT_KILL_PROCESS"),
			    TEXT("SCMP_ACT_TRAP") };
	char *others[] = { TEXT("SCMP_ACT_LOG"), TEXT("SCMP_ACT_TRACE") };

	(void)state;
	for (size_t i = 0; i < sizeof(denying) / sizeof(*denying); i++) {
		struct profile p = { .config = { denying[i], .n_syscalls = 1 },
				     .entries = { { NAMES("read", "openat2"), .action = allow } } };
		compile_ok(&p);
		assert_int_equal(call(&p.filter, native, SYS_read, 0, 0), ALLOWED);
		assert_int_equal(call(&p.filter, native, SYS_openat2, 0, 0), ALLOWED);
		assert_int_equal(call(&p.filter, native, SYS_openat2 + 1, 0, 0), ERRNO(ENOSYS));
		assert_int_equal(call(&p.filter, native, 1000, 0, 0), ERRNO(ENOSYS));
		uint32_t older = call(&p.filter, native, SYS_unshare, 0, 0);
		assert_int_not_equal(older, ALLOWED);
		assert_int_not_equal(older, ERRNO(ENOSYS));
		arena_free(&p.arena);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct profile p = { .config = { others[i], .n_syscalls = 1 },
				     .entries = { { NAMES("read"), .action = allow } } };
		compile_ok(&p);
		assert_int_not_equal(call(&p.filter, native, 1000, 0, 0), ERRNO(ENOSYS));
		arena_free(&p.arena);
	}
}

static void test_default_errno(void **state)
{
	struct profile p = { .config = { deny, { true, ENXIO }, .n_syscalls = 1 },
			     .entries = { { NAMES("read"), .action = allow } } };

	(void)state;
	compile_ok(&p);
	assert_int_equal(call(&p.filter, native, 1000, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(call(&p.filter, AUDIT_ARCH_MIPS, 0, 0, 0), SECCOMP_RET_KILL_THREAD);
	arena_free(&p.arena);
	p.config.default_errno_ret.value = ENOSYS;
	size_t with = p.filter.length;
	compile_ok(&p);
	assert_true(p.filter.length < with); /* no prologue */
	assert_int_equal(call(&p.filter, native, 1000, 0, 0), ERRNO(ENOSYS));
	arena_free(&p.arena);
}

static void test_errno_values(void **state)
{
	struct profile p = { .config = { allow, .n_syscalls = 3 },
			     .entries = { { NAMES("mkdirat"), .action = deny },
					  { NAMES("unlinkat"), .action = deny,
					    .errno_ret = { true, 100 } },
					  { NAMES("chroot"), .action = TEXT("SCMP_ACT_TRACE"),
					    .errno_ret = { true, 7 } } } };

	(void)state;
	compile_ok(&p);
	assert_int_equal(call(&p.filter, native, SYS_mkdirat, 0, 0), ERRNO(EPERM));
	assert_int_equal(call(&p.filter, native, SYS_unlinkat, 0, 0), ERRNO(100));
	assert_int_equal(call(&p.filter, native, SYS_chroot, 0, 0), SECCOMP_RET_TRACE | 7);
	assert_int_equal(call(&p.filter, native, 1000, 0, 0), ALLOWED);
	arena_free(&p.arena);
}

static void test_conditions(void **state)
{
	struct profile p = {
		.config = { deny, .n_syscalls = 5 },
		.entries = {
			/* both must hold */
			{ NAMES("ftruncate"), .action = allow, ARGS({ 0, 123456789, 0, eq }, { 1, 1337, 0, eq }) },
			/* the same argument twice: either */
			{ NAMES("process_vm_readv"), .action = allow, ARGS({ 0, 100, 0, eq }, { 0, 9001, 0, eq }) },
			{ NAMES("dup3"), .action = allow, ARGS({ 0, 1, 0, eq }) },
			{ NAMES("dup3"), .action = allow, ARGS({ 0, 2, 0, gt }) },
			{ NAMES("clone"), .action = allow, ARGS({ 0, 0x7e020000, 0, masked }) },
		},
	};

	(void)state;
	compile_ok(&p);
	assert_int_equal(call(&p.filter, native, SYS_ftruncate, 123456789, 1337), ALLOWED);
	assert_int_equal(call(&p.filter, native, SYS_ftruncate, 123456789, 0), ERRNO(EPERM));
	assert_int_equal(call(&p.filter, native, SYS_ftruncate, 0, 1337), ERRNO(EPERM));
	assert_int_equal(call(&p.filter, native, SYS_process_vm_readv, 100, 0), ALLOWED);
	assert_int_equal(call(&p.filter, native, SYS_process_vm_readv, 9001, 0), ALLOWED);
	assert_int_equal(call(&p.filter, native, SYS_process_vm_readv, 1, 0), ERRNO(EPERM));
	assert_int_equal(call(&p.filter, native, SYS_dup3, 1, 0), ALLOWED);
	assert_int_equal(call(&p.filter, native, SYS_dup3, 2, 0), ERRNO(EPERM));
	assert_int_equal(call(&p.filter, native, SYS_dup3, 3, 0), ALLOWED);
	assert_int_equal(call(&p.filter, native, SYS_dup3, UINT64_C(1) << 32, 0), ALLOWED);
	assert_int_equal(call(&p.filter, native, SYS_clone, SIGCHLD, 0), ALLOWED);
	assert_int_equal(call(&p.filter, native, SYS_clone, 0x10000000, 0), ERRNO(EPERM));
	arena_free(&p.arena);
}

#ifdef __x86_64__
static void test_architectures_have_numbers_of_their_own(void **state)
{
	struct profile p = {
		.config = { deny,
			    .architectures =
				    TEXTS("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"),
			    .n_architectures = 3, .n_syscalls = 1 },
		/* clock_gettime64 is one of 32-bit machines: 403 on i386 */
		.entries = { { NAMES("read", "execve", "statx", "clock_gettime64"),
			       .action = allow } },
	};
	const uint32_t x86 = AUDIT_ARCH_I386;

	(void)state;
	compile_ok(&p);
	assert_int_equal(call(&p.filter, native, SYS_read, 0, 0), ALLOWED);
	assert_int_equal(call(&p.filter, native, 332, 0, 0), ALLOWED); /* statx */
	assert_int_equal(call(&p.filter, native, 333, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(call(&p.filter, x86, 3, 0, 0), ALLOWED);   /* read */
	assert_int_equal(call(&p.filter, x86, 383, 0, 0), ALLOWED); /* statx */
	assert_int_equal(call(&p.filter, x86, 403, 0, 0), ALLOWED);
	assert_int_equal(call(&p.filter, x86, 402, 0, 0), ERRNO(EPERM));
	assert_int_equal(call(&p.filter, x86, 404, 0, 0), ERRNO(ENOSYS));
	/* x32: execve is 520 there, the greatest of the profile's */
	assert_int_equal(call(&p.filter, native, X32_BIT | 0, 0, 0), ALLOWED);
	assert_int_equal(call(&p.filter, native, X32_BIT | 520, 0, 0), ALLOWED);
	assert_int_equal(call(&p.filter, native, X32_BIT | 519, 0, 0), ERRNO(EPERM));
	assert_int_equal(call(&p.filter, native, X32_BIT | 521, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(call(&p.filter, AUDIT_ARCH_AARCH64, 63, 0, 0), SECCOMP_RET_KILL_THREAD);
	arena_free(&p.arena);
}

static void test_x32_is_left_to_the_filter_where_it_is_not_asked_for(void **state)
{
	struct profile p = { .config = { deny, .n_syscalls = 1 },
			     .entries = { { NAMES("read"), .action = allow } } };

	(void)state;
	compile_ok(&p);
	assert_int_equal(call(&p.filter, native, X32_BIT | 0, 0, 0), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(call(&p.filter, native, X32_BIT | FAR, 0, 0), SECCOMP_RET_KILL_THREAD);
	assert_int_equal(call(&p.filter, AUDIT_ARCH_I386, FAR, 0, 0), SECCOMP_RET_KILL_THREAD);
	arena_free(&p.arena);
}
#endif

/* A long profile for every architecture there is: the greatest program, tree and all. */
static void test_all_architectures_at_once(void **state)
{
	static char names[400][32];
	static char *list[401], *archs[SECCOMP_ARCHS_MAX];
	size_t n = 0, n_archs = 0;
	int greatest = 0;

	(void)state;
	for (int i = 0; i < 330; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
		if (name && i % 3) {
			(void)snprintf(names[n], sizeof(names[n]), "%s", name);
			list[n] = names[n];
			n++;
			greatest = i;
		}
		free(name);
	}
	for (; seccomp_arch_names[n_archs]; n_archs++)
		archs[n_archs] = strdup(seccomp_arch_names[n_archs]);
	struct profile p = { .config = { deny, .n_syscalls = 1 },
			     .entries = { { .names = list, .n_names = n, .action = allow } } };

	compile_ok(&p);
	for (int i = 0; i < 400; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
		uint32_t expected = i > greatest    ? ERRNO(ENOSYS)
				    : name && i % 3 ? ALLOWED
						    : ERRNO(EPERM);
		uint32_t seen = call(&p.filter, native, i, 0, 0);
		if (seen != expected)
			fail_msg("number %d: %#x, not %#x", i, seen, expected);
		free(name);
	}
	arena_free(&p.arena);
#ifdef __x86_64__
	/* libseccomp mixes no byte orders: the big-endian ones are left out. */
	p.config.architectures = archs;
	p.config.n_architectures = n_archs;
	p.config.n_syscalls = 1;
	p.entries[0].n_names = 40;
	compile_ok(&p);
	assert_int_equal(call(&p.filter, native, 2000, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(call(&p.filter, AUDIT_ARCH_AARCH64, 2000, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(call(&p.filter, AUDIT_ARCH_PPC64LE, 2000, 0, 0), ERRNO(ENOSYS));
	/* arm's own numbers are no newer system calls */
	assert_int_equal(call(&p.filter, AUDIT_ARCH_ARM, 2000, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(call(&p.filter, AUDIT_ARCH_ARM, 0xf0002, 0, 0), ERRNO(EPERM));
	arena_free(&p.arena);
#endif
	for (size_t i = 0; i < n_archs; i++)
		free(archs[i]);
}

static void test_refusals(void **state)
{
	struct {
		struct profile p;
		const char *words;
	} cases[] = {
		{ { .config = { TEXT("SCMP_ACT_SMILE") } },
		  "defaultAction: unknown action \"SCMP_ACT_SMILE\"" },
		{ { .config = { notify } }, "cannot be the default action" },
		{ { .config = { allow, { true, 3 } } }, "takes no errno value" },
		{ { .config = { deny, { true, 4096 } } }, "above 4095" },
		{ { .config = { deny, .architectures = TEXTS("SCMP_ARCH_PDP11"),
				.n_architectures = 1 } },
		  "architectures[0]: unknown name" },
		{ { .config = { deny, .flags = TEXTS("FLAG"), .n_flags = 1 } },
		  "flags[0]: unknown name" },
		{ { .config = { allow, .n_syscalls = 1 },
		    .entries = { { NAMES("write"), .action = notify } } },
		  "syscalls[0]: SCMP_ACT_NOTIFY cannot be used for the write syscall" },
		{ { .config = { deny, .n_syscalls = 1 },
		    .entries = { { NAMES("read"), .action = allow, ARGS({ 6, 0, 0, eq }) } } },
		  "index 6" },
		{ { .config = { deny, .n_syscalls = 1 },
		    .entries = { { NAMES("read"), .action = allow, ARGS({ 0, 0, 0, allow }) } } },
		  "unknown operator" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_refused(&cases[i].p, cases[i].words);
}

static void test_redundant_and_unknown_names_are_left_out(void **state)
{
	struct profile p = { .config = { allow, .n_syscalls = 3 },
			     .entries = { { NAMES("bdflush"), .action = allow },
					  { NAMES("no_such_call", "mkdirat"), .action = deny },
					  { NAMES("mkdirat"), .action = deny } } };

	(void)state;
	compile_ok(&p);
	assert_int_equal(call(&p.filter, native, SYS_mkdirat, 0, 0), ERRNO(EPERM));
	assert_false(p.filter.notifies);
	arena_free(&p.arena);
}

static void test_flags(void **state)
{
	struct profile p = { .config = { allow } };

	(void)state;
	compile_ok(&p);
	assert_int_equal(p.filter.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW); /* none configured */
	arena_free(&p.arena);
	p.config.flags = (char *[]){ NULL };
	compile_ok(&p);
	assert_int_equal(p.filter.flags, 0);
	arena_free(&p.arena);
	p.config.flags = TEXTS("SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
			       "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
	p.config.n_flags = 3;
	compile_ok(&p);
	assert_int_equal(p.filter.flags, SECCOMP_FILTER_FLAG_LOG);
	arena_free(&p.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_denying_default_gives_enosys_for_newer_calls),
		cmocka_unit_test(test_default_errno),
		cmocka_unit_test(test_errno_values),
		cmocka_unit_test(test_conditions),
#ifdef __x86_64__
		cmocka_unit_test(test_architectures_have_numbers_of_their_own),
		cmocka_unit_test(test_x32_is_left_to_the_filter_where_it_is_not_asked_for),
#endif
		cmocka_unit_test(test_all_architectures_at_once),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_redundant_and_unknown_names_are_left_out),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
