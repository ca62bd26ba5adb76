/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/tty_guard.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The other system call tables that this machine's processes can use. */
#if defined(__x86_64__)
#define NATIVE_ARCH  AUDIT_ARCH_X86_64
#define COMPAT_ARCH  AUDIT_ARCH_I386
#define COMPAT_IOCTL 54
#define X32_IOCTL    (0x40000000 + 514)
#elif defined(__aarch64__)
#define NATIVE_ARCH  AUDIT_ARCH_AARCH64
#define COMPAT_ARCH  AUDIT_ARCH_ARM
#define COMPAT_IOCTL 54
#define X32_IOCTL    SYS_ioctl /* there is none */
#else
#error "tell the guard this architecture's audit numbers"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif

#define LOAD(member, half)                                                                         \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member) + (half))
/* Equal: `yes` instructions further on, else `no`. */
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define RETURN(action)		 BPF_STMT(BPF_RET | BPF_K, (action))

/* clang-format off */
static struct sock_filter program[] = {
	/*  0 */ LOAD(arch, 0),
	/*  1 */ IF_EQUAL(NATIVE_ARCH, 0, 3),
	/*  2 */ LOAD(nr, 0),
	/*  3 */ IF_EQUAL(SYS_ioctl, 4, 0),
	/*  4 */ IF_EQUAL(X32_IOCTL, 3, 6),
	/*  5 */ IF_EQUAL(COMPAT_ARCH, 0, 5),
	/*  6 */ LOAD(nr, 0),
	/*  7 */ IF_EQUAL(COMPAT_IOCTL, 0, 3),
	/*  8 */ LOAD(args[1], LOW_HALF),
	/*  9 */ IF_EQUAL(TIOCSTI, 2, 0),
	/* 10 */ IF_EQUAL(TIOCLINUX, 1, 0),
	/* 11 */ RETURN(SECCOMP_RET_ALLOW),
	/* 12 */ RETURN(SECCOMP_RET_ERRNO | EPERM),
};
/* clang-format on */

bool tty_guard_sees_terminal(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (isatty(fd))
			return true;
	return false;
}

const struct seccomp_filter *tty_guard_filter(void)
{
	static const struct seccomp_filter filter = {
		.program = program,
		.length = sizeof(program) / sizeof(program[0]),
	};

	return &filter;
}
