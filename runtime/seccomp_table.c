/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/seccomp_table.h"

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "base/str.h"
#include "runtime/seccomp.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV /* Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum {
	ERRNO_MAX = 4095, /* the kernel's MAX_ERRNO; more would be cut to it in silence */
	TRACE_MAX = 65535,
	ARM_PRIVATE = 0x0f0000, /* __ARM_NR_BASE: cacheflush, set_tls … */
};

/* Each list is written once, as rows; the names that `features` shows come from the same rows. */
#define ACTIONS(ROW)                                                                               \
	ROW("SCMP_ACT_ALLOW", SCMP_ACT_ALLOW, 0, false)                                            \
	ROW("SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0), ERRNO_MAX, true)                                  \
	ROW("SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD, 0, true)                                        \
	ROW("SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS, 0, true)                               \
	ROW("SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD, 0, true)                                 \
	ROW("SCMP_ACT_LOG", SCMP_ACT_LOG, 0, false)                                                \
	ROW("SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY, 0, false)                                          \
	ROW("SCMP_ACT_TRACE", SCMP_ACT_TRACE(0), TRACE_MAX, false)                                 \
	ROW("SCMP_ACT_TRAP", SCMP_ACT_TRAP, 0, true)

#define OPERATORS(ROW)                                                                             \
	ROW("SCMP_CMP_EQ", SCMP_CMP_EQ)                                                            \
	ROW("SCMP_CMP_GE", SCMP_CMP_GE)                                                            \
	ROW("SCMP_CMP_GT", SCMP_CMP_GT)                                                            \
	ROW("SCMP_CMP_LE", SCMP_CMP_LE)                                                            \
	ROW("SCMP_CMP_LT", SCMP_CMP_LT)                                                            \
	ROW("SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ)                                              \
	ROW("SCMP_CMP_NE", SCMP_CMP_NE)

/* A process that loads its filter before execve has one thread: nothing to synchronise. */
#define FLAGS(ROW)                                                                                 \
	ROW("SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG, false)                             \
	ROW("SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW, false)               \
	ROW("SECCOMP_FILTER_FLAG_TSYNC", 0, false)                                                 \
	ROW("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, true)

/* Those that came after the oldest libseccomp (2.5) we build with. */
#ifdef SCMP_ARCH_LOONGARCH64
#define LOONGARCH64(ROW) ROW("SCMP_ARCH_LOONGARCH64", SCMP_ARCH_LOONGARCH64, AUDIT_ARCH_LOONGARCH64)
#else
#define LOONGARCH64(ROW)
#endif
#ifdef SCMP_ARCH_M68K
#define M68K(ROW) ROW("SCMP_ARCH_M68K", SCMP_ARCH_M68K, AUDIT_ARCH_M68K)
#else
#define M68K(ROW)
#endif
#ifdef SCMP_ARCH_SH
#define SH(ROW)                                                                                    \
	ROW("SCMP_ARCH_SH", SCMP_ARCH_SH, AUDIT_ARCH_SHEL)                                         \
	ROW("SCMP_ARCH_SHEB", SCMP_ARCH_SHEB, AUDIT_ARCH_SH)
#else
#define SH(ROW)
#endif

#define ARCHS(ROW)                                                                                 \
	ROW("SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64)                            \
	ROW("SCMP_ARCH_ARM", SCMP_ARCH_ARM, AUDIT_ARCH_ARM, .private_from = ARM_PRIVATE)           \
	LOONGARCH64(ROW)                                                                           \
	M68K(ROW)                                                                                  \
	ROW("SCMP_ARCH_MIPS", SCMP_ARCH_MIPS, AUDIT_ARCH_MIPS)                                     \
	ROW("SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64, AUDIT_ARCH_MIPS64)                               \
	ROW("SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32, AUDIT_ARCH_MIPS64N32)                      \
	ROW("SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL, AUDIT_ARCH_MIPSEL)                               \
	ROW("SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64, AUDIT_ARCH_MIPSEL64)                         \
	ROW("SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32, AUDIT_ARCH_MIPSEL64N32)                \
	ROW("SCMP_ARCH_PARISC", SCMP_ARCH_PARISC, AUDIT_ARCH_PARISC)                               \
	ROW("SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64, AUDIT_ARCH_PARISC64)                         \
	ROW("SCMP_ARCH_PPC", SCMP_ARCH_PPC, AUDIT_ARCH_PPC)                                        \
	ROW("SCMP_ARCH_PPC64", SCMP_ARCH_PPC64, AUDIT_ARCH_PPC64)                                  \
	ROW("SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE, AUDIT_ARCH_PPC64LE)                            \
	ROW("SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64, AUDIT_ARCH_RISCV64)                            \
	ROW("SCMP_ARCH_S390", SCMP_ARCH_S390, AUDIT_ARCH_S390, .zero_multiplexes = true)           \
	ROW("SCMP_ARCH_S390X", SCMP_ARCH_S390X, AUDIT_ARCH_S390X, .zero_multiplexes = true)        \
	SH(ROW)                                                                                    \
	ROW("SCMP_ARCH_X32", SCMP_ARCH_X32, AUDIT_ARCH_X86_64, .is_x32 = true)                     \
	ROW("SCMP_ARCH_X86", SCMP_ARCH_X86, AUDIT_ARCH_I386)                                       \
	ROW("SCMP_ARCH_X86_64", SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64)

#define NAME(name, ...) name,
#define FIELDS(...)	{ __VA_ARGS__ },

const char *const seccomp_action_names[] = { ACTIONS(NAME) NULL };
const char *const seccomp_operator_names[] = { OPERATORS(NAME) NULL };
const char *const seccomp_flag_names[] = { FLAGS(NAME) NULL };
const char *const seccomp_arch_names[] = { ARCHS(NAME) NULL };

const struct seccomp_action seccomp_actions[] = { ACTIONS(FIELDS){ NULL } };
const struct seccomp_operator seccomp_operators[] = { OPERATORS(FIELDS){ NULL } };
const struct seccomp_flag seccomp_flags[] = { FLAGS(FIELDS){ NULL } };
const struct seccomp_arch seccomp_archs[] = { ARCHS(FIELDS){ NULL } };
_Static_assert(sizeof(seccomp_archs) / sizeof(*seccomp_archs) <= SECCOMP_ARCHS_MAX, "too many");

#define DEFINE_FIND(kind)                                                                          \
	const struct seccomp_##kind *seccomp_find_##kind(const char *name)                         \
	{                                                                                          \
		for (const struct seccomp_##kind *row = seccomp_##kind##s; row->name; row++)       \
			if (str_equal(row->name, name))                                            \
				return row;                                                        \
		return NULL;                                                                       \
	}
DEFINE_FIND(action)
DEFINE_FIND(operator)
DEFINE_FIND(flag)
DEFINE_FIND(arch)
