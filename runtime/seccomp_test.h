/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of filters: profiles, and an interpreter that runs a filter as the kernel would. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/seccomp.h"

enum { ALLOWED = SECCOMP_RET_ALLOW, FAR = 100000 };

#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))

/* Conditional jumps of classic BPF. */
static inline bool condition(uint16_t op, uint32_t a, uint32_t k)
{
	switch (op) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	case BPF_JSET:
		return a & k;
	default:
		fail_msg("jump %#x", op);
		return false;
	}
}

/* Runs the program; only the instructions that libseccomp and we emit. */
static inline uint32_t run(const struct seccomp_filter *filter, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < filter->length; pc++) {
		const struct sock_filter *i = &filter->program[pc];
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k + sizeof(a) <= sizeof(*data) && i->k % 4 == 0);
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		default:
			assert_int_equal(BPF_CLASS(i->code), BPF_JMP);
			pc += condition(BPF_OP(i->code), a, i->k) ? i->jt : i->jf;
		}
	}
	fail_msg("ran off the end");
	return 0;
}

static inline uint32_t call(const struct seccomp_filter *filter, uint32_t arch, int nr,
			    uint64_t first, uint64_t second)
{
	const struct seccomp_data data = { .nr = nr, .arch = arch, .args = { first, second } };

	return run(filter, &data);
}

/* A profile: the first entry allows `names`, more can be added. */
struct profile {
	struct spec_seccomp config;
	struct spec_syscall entries[8];
	struct arena arena;
	struct seccomp_filter filter;
	struct error err;
};

/* Literals for members that are not const; nobody writes to them. */
#define TEXT(literal) ((char *)(uintptr_t)(literal))
#define TEXTS(...)    ((char **)(uintptr_t)(const char *const[]){ __VA_ARGS__, NULL })
#define COUNT(...)    (sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define NAMES(...)    .names = TEXTS(__VA_ARGS__), .n_names = COUNT(__VA_ARGS__)
#define ARGS(...)                                                                                  \
	.args = (struct spec_syscall_arg[]){ __VA_ARGS__ },                                        \
	.n_args = sizeof((struct spec_syscall_arg[]){ __VA_ARGS__ }) /                             \
		  sizeof(struct spec_syscall_arg)

static char allow[] = "SCMP_ACT_ALLOW", deny[] = "SCMP_ACT_ERRNO", notify[] = "SCMP_ACT_NOTIFY";

static inline int compile(struct profile *p)
{
	p->config.syscalls = p->entries;
	return seccomp_compile(&p->config, &p->arena, &p->filter, &p->err);
}

static inline void compile_ok(struct profile *p)
{
	if (compile(p) < 0)
		fail_msg("%s", p->err.text);
}

static inline void assert_refused(struct profile *p, const char *words)
{
	assert_int_equal(compile(p), -1);
	if (!strstr(p->err.text, words))
		fail_msg("\"%s\" is not in: %s", words, p->err.text);
	arena_free(&p->arena);
}

#ifdef __x86_64__
static const uint32_t native = AUDIT_ARCH_X86_64;
#else
static const uint32_t native = AUDIT_ARCH_AARCH64;
#endif
