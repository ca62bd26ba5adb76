/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table has what a healthy kernel answers to a program in need: too little
 * memory, disk, descriptors or processes; a disk that is broken; a signal; a
 * security module or a limit that forbids. It leaves out what cannot happen (a
 * signal in a call that does not wait; close(2) that fails and leaves the file
 * open), and errors by which a kernel says that it is too old.
 */
#include "integration/fail_at/fault.h"

#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ERRORS_MAX = 4 };

/* A row may be about descriptors of files, which do not wait, or of others, which have no disk. */
enum kind { ANY, FILES, STREAMS };

#define CALL(name) #name, SYS_##name

static const struct row {
	const char *name;
	long number;
	int errors[ERRORS_MAX];
	enum kind kind;
} rows[] = {
	{ CALL(accept4), { EINTR, EMFILE, ENOMEM } },
	{ CALL(bind), { ENOMEM, EPERM } },
	{ CALL(capset), { EPERM } },
	{ CALL(chdir), { EIO, EACCES } },
	{ CALL(clone), { EAGAIN, ENOMEM, EPERM } },
	{ CALL(clone3), { EAGAIN, ENOMEM, EPERM } },
	{ CALL(connect), { EINTR, ENOMEM } },
	{ CALL(copy_file_range), { ENOSPC, EIO } },
	{ CALL(dup), { EMFILE } },
	{ CALL(dup3), { EMFILE, EINTR } },
	{ CALL(epoll_create1), { EMFILE, ENOMEM } },
	{ CALL(epoll_ctl), { ENOMEM, ENOSPC } },
	{ CALL(epoll_pwait), { EINTR } },
	{ CALL(eventfd2), { EMFILE, ENOMEM } },
	{ CALL(execve), { ENOMEM, EIO } },
	{ CALL(execveat), { ENOMEM, EIO } },
	{ CALL(fchdir), { EIO, EACCES } },
	{ CALL(fchmod), { EPERM, EIO } },
	{ CALL(fchmodat), { EPERM, EIO } },
	{ CALL(fchown), { EPERM, EIO } },
	{ CALL(fchownat), { EPERM, EIO } },
	{ CALL(fgetxattr), { EIO, ENOMEM } },
	{ CALL(flistxattr), { EIO, ENOMEM } },
	{ CALL(flock), { EINTR, ENOLCK } },
	{ CALL(fsconfig), { EPERM, ENOMEM } },
	{ CALL(fsmount), { EPERM, ENOMEM, EMFILE } },
	{ CALL(fsetxattr), { ENOSPC, EIO } },
	{ CALL(fsopen), { EPERM, ENOMEM, EMFILE } },
	{ CALL(fstatfs), { EIO } },
	{ CALL(ftruncate), { EIO, ENOSPC } },
	{ CALL(getdents64), { EIO } },
	{ CALL(getxattr), { EIO, ENOMEM } },
	{ CALL(ioctl), { EIO, EPERM } },
	{ CALL(keyctl), { EDQUOT, ENOMEM } },
	{ CALL(lgetxattr), { EIO, ENOMEM } },
	{ CALL(listen), { EIO } },
	{ CALL(listxattr), { EIO, ENOMEM } },
	{ CALL(lseek), { EIO } },
	{ CALL(memfd_create), { EMFILE, ENOMEM } },
	{ CALL(mkdirat), { ENOSPC, EIO, EACCES } },
	{ CALL(mknodat), { ENOSPC, EIO } },
	{ CALL(mmap), { ENOMEM } },
	{ CALL(mount), { EPERM, ENOMEM, ENOSPC } },
	{ CALL(mount_setattr), { EPERM, ENOMEM } },
	{ CALL(move_mount), { EPERM, ENOMEM, ENOSPC } },
	{ CALL(newfstatat), { EIO, ENOMEM } },
	{ CALL(open_tree), { EPERM, ENOMEM, EMFILE } },
	{ CALL(openat), { EMFILE, ENOMEM, EIO, ENOSPC } },
	{ CALL(openat2), { EMFILE, ENOMEM, EIO, EAGAIN } },
	{ CALL(pidfd_open), { EMFILE, ENOMEM } },
	{ CALL(pidfd_send_signal), { EPERM } },
	{ CALL(pipe2), { EMFILE, ENFILE } },
	{ CALL(pivot_root), { EPERM } },
	{ CALL(ppoll), { EINTR, ENOMEM } },
	{ CALL(prctl), { EPERM } },
	{ CALL(pread64), { EIO } },
	{ CALL(prlimit64), { EPERM } },
	{ CALL(pwrite64), { EIO, ENOSPC } },
	{ CALL(read), { EIO }, FILES },
	{ CALL(read), { EINTR }, STREAMS },
	{ CALL(readlinkat), { EIO, ENOMEM } },
	{ CALL(recvmsg), { EINTR } },
	{ CALL(renameat), { ENOSPC, EIO } },
	{ CALL(renameat2), { ENOSPC, EIO } },
	{ CALL(sched_setaffinity), { EPERM } },
	{ CALL(seccomp), { ENOMEM, EPERM } },
	{ CALL(sendfile), { EINTR, EIO } },
	{ CALL(sendmsg), { EINTR, ENOBUFS } },
	{ CALL(setgroups), { EPERM, ENOMEM } },
	{ CALL(sethostname), { EPERM } },
	{ CALL(setns), { EPERM, ENOMEM } },
	{ CALL(setresgid), { EPERM, ENOMEM } },
	{ CALL(setresuid), { EPERM, EAGAIN } },
	{ CALL(setsid), { EPERM } },
	{ CALL(setxattr), { ENOSPC, EIO } },
	{ CALL(signalfd4), { EMFILE, ENOMEM } },
	{ CALL(socket), { EMFILE, ENOMEM } },
	{ CALL(socketpair), { EMFILE, ENOMEM } },
	{ CALL(splice), { EINTR, ENOMEM } },
	{ CALL(statfs), { EIO } },
	{ CALL(statx), { EIO, ENOMEM } },
	{ CALL(symlinkat), { ENOSPC, EIO } },
	{ CALL(timerfd_create), { EMFILE, ENOMEM } },
	{ CALL(umount2), { EPERM, EIO } },
	{ CALL(unlinkat), { EIO, EPERM } },
	{ CALL(unshare), { EPERM, ENOMEM, ENOSPC } },
	{ CALL(wait4), { EINTR } },
	{ CALL(waitid), { EINTR } },
	{ CALL(write), { EIO, ENOSPC }, FILES },
	{ CALL(write), { EINTR }, STREAMS },
	{ CALL(writev), { EIO, ENOSPC }, FILES },
	{ CALL(writev), { EINTR }, STREAMS },
/* The older calls, which newer architectures do not have. */
#ifdef SYS_open
	{ CALL(access), { EIO } },
	{ CALL(dup2), { EMFILE } },
	{ CALL(epoll_wait), { EINTR } },
	{ CALL(mkdir), { ENOSPC, EIO, EACCES } },
	{ CALL(poll), { EINTR, ENOMEM } },
	{ CALL(readlink), { EIO, ENOMEM } },
	{ CALL(rename), { ENOSPC, EIO } },
	{ CALL(rmdir), { EIO, EBUSY } },
	{ CALL(unlink), { EIO, EPERM } },
#endif
};

static enum kind kind_of(pid_t pid, uint64_t fd)
{
	char link[48], target[2] = "";

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, (int)fd);
	/* Others are "pipe:[1]", "socket:[2]", "anon_inode:…"; a terminal waits, too, but is rare.
	 */
	return readlink(link, target, 1) == 1 && *target == '/' ? FILES : STREAMS;
}

static const struct row *find(pid_t pid, uint64_t call, const __u64 *args)
{
	if ((call == SYS_wait4 && args[2] & WNOHANG) || (call == SYS_waitid && args[3] & WNOHANG))
		return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((uint64_t)rows[i].number == call &&
		    (rows[i].kind == ANY || rows[i].kind == kind_of(pid, args[0])))
			return &rows[i];
	return NULL;
}

unsigned int fault_count(pid_t pid, uint64_t call, const __u64 *args)
{
	const struct row *row = find(pid, call, args);
	unsigned int n = 0;

	while (row && n < ERRORS_MAX && row->errors[n])
		n++;
	return n;
}

struct fault fault_of(pid_t pid, uint64_t call, const __u64 *args, unsigned int which)
{
	const struct row *row = find(pid, call, args);

	return (struct fault){ row->name, row->errors[which] };
}

/* What is entered becomes no call at all, whose result nobody writes over. */
bool fault_inject(pid_t pid, int error)
{
	struct user_regs_struct registers;
	struct iovec all = { &registers, sizeof(registers) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &all) < 0)
		return false;
#if defined(__x86_64__)
	registers.orig_rax = (unsigned long long)-1;
	registers.rax = (unsigned long long)-error;
#elif defined(__aarch64__)
	int none = -1;
	struct iovec call = { &none, sizeof(none) };

	registers.regs[0] = (unsigned long long)-error;
	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &call) < 0)
		return false;
#else
#error "how does a process on this architecture leave out a system call?"
#endif
	return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &all) == 0;
}
