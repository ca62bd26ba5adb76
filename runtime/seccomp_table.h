/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the texts of linux.seccomp stand for, in libseccomp's numbers and in
 * the kernel's. Inside seccomp*.c only.
 */
#pragma once

#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/spec.h"

struct seccomp_action {
	const char *name;
	uint32_t action;    /* SCMP_ACT_… */
	uint32_t value_max; /* of errnoRet; 0: the action takes none */
	bool denies;	    /* as a default, of ERRNO or KILL kind */
};

struct seccomp_operator {
	const char *name;
	enum scmp_compare op;
};

struct seccomp_flag {
	const char *name;
	unsigned int bit;   /* 0: nothing to tell the kernel */
	bool listener_only; /* means something for notify filters only */
};

struct seccomp_arch {
	const char *name;
	uint32_t token;	       /* libseccomp's SCMP_ARCH_… */
	uint32_t audit;	       /* the kernel's AUDIT_ARCH_…, in seccomp_data.arch */
	bool is_x32;	       /* shares x86_64's audit number; its system calls have X32_BIT */
	bool zero_multiplexes; /* s390: number 0 stands for "too big for the instruction" */
	uint32_t private_from; /* numbers from here on are the architecture's own; 0: none */
};

/* Tables end with a NULL name. */
extern const struct seccomp_action seccomp_actions[];
extern const struct seccomp_operator seccomp_operators[];
extern const struct seccomp_flag seccomp_flags[];
extern const struct seccomp_arch seccomp_archs[];

enum { SECCOMP_ARCHS_MAX = 32, X32_BIT = 0x40000000 };

/* NULL when unknown. */
const struct seccomp_action *seccomp_find_action(const char *name);
const struct seccomp_operator *seccomp_find_operator(const char *name);
const struct seccomp_flag *seccomp_find_flag(const char *name);
const struct seccomp_arch *seccomp_find_arch(const char *name);

/* At most 8 instructions an architecture, and one in front. */
enum { SECCOMP_PROLOGUE_MAX = 1 + SECCOMP_ARCHS_MAX * 9 };

/*
 * The part in front of libseccomp's program that gives ENOSYS for system calls
 * newer than the profile; selected[i] tells of seccomp_archs[i]. Writes up to
 * SECCOMP_PROLOGUE_MAX instructions, returns their number, 0 when none are needed.
 */
size_t seccomp_prologue(const struct spec_seccomp *config, const bool *selected,
			struct sock_filter *ret_program);
