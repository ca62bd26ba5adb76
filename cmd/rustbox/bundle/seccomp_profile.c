/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/seccomp_profile.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/rustbox/bundle/vector.h"

/* The machine's own calls and those of its smaller siblings: i386's programs on x86_64. */
#if defined(__x86_64__)
#define ARCHITECTURES "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32"
#elif defined(__aarch64__)
#define ARCHITECTURES "SCMP_ARCH_AARCH64 SCMP_ARCH_ARM"
#elif defined(__riscv)
#define ARCHITECTURES "SCMP_ARCH_RISCV64"
#elif defined(__powerpc64__)
#define ARCHITECTURES "SCMP_ARCH_PPC64LE"
#elif defined(__s390x__)
#define ARCHITECTURES "SCMP_ARCH_S390X SCMP_ARCH_S390"
#else
#define ARCHITECTURES ""
#endif

enum { ENOSYS_NUMBER = 38, EPERM_NUMBER = 1 }; /* of every machine: what filters return */

/* What everybody may call, by subject. Names that a machine does not know are left out there. */
static const char *const allowed[] = {
	/* files and folders */
	"access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 "
	"faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 "
	"fchown fchown32 fchownat fcntl fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs "
	"fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents getdents64 lchown "
	"lchown32 link linkat listmount _llseek lseek lstat lstat64 mkdir mkdirat mknod mknodat "
	"name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev "
	"pwritev2 read readahead readlink readlinkat readv rename renameat renameat2 rmdir "
	"sendfile sendfile64 splice stat stat64 statfs statfs64 statmount statx symlink symlinkat "
	"sync sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat utime "
	"utimensat utimensat_time64 utimes vmsplice write writev",
	/* extended attributes */
	"fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr "
	"listxattrat llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr "
	"setxattrat",
	/* waiting for files, and watching them */
	"epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
	"epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init "
	"inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents "
	"io_pgetevents_time64 io_setup io_submit ioctl ioprio_get ioprio_set _newselect pipe "
	"pipe2 poll ppoll ppoll_time64 pselect6 pselect6_time64 select",
	/* memory */
	"brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore "
	"mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap "
	"pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages",
	/* processes and threads */
	"arch_prctl capget capset execve execveat exit exit_group fork futex futex_requeue "
	"futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area getcpu "
	"getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid gettid pidfd_open "
	"pidfd_send_signal prctl prlimit64 process_vm_readv process_vm_writev ptrace "
	"restart_syscall rseq sched_get_priority_max sched_get_priority_min sched_getaffinity "
	"sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval "
	"sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam "
	"sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address "
	"setpgid setpriority setrlimit setsid sysinfo times ugetrlimit uname uretprobe vfork "
	"wait4 waitid waitpid",
	/* who they are */
	"getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid "
	"getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid "
	"setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid "
	"setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32",
	/* signals */
	"alarm kill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn "
	"rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack "
	"signalfd signalfd4 sigprocmask sigreturn tgkill tkill",
	/* time; setting the clock needs a capability besides */
	"adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime "
	"clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep "
	"setitimer time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 "
	"timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 "
	"timerfd_settime timerfd_settime64",
	/* sockets; socket itself has a condition */
	"accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom "
	"recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown "
	"socketcall socketpair",
	/* System V and POSIX IPC */
	"ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
	"mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop "
	"semtimedop semtimedop_time64 shmat shmctl shmdt shmget",
	/* shutting oneself in, and randomness */
	"getrandom landlock_add_rule landlock_create_ruleset landlock_restrict_self",
#if defined(__x86_64__) || defined(__i386__)
	"modify_ldt",
#elif defined(__aarch64__) || defined(__arm__)
	"arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls",
#elif defined(__riscv)
	"riscv_flush_icache riscv_hwprobe",
#elif defined(__powerpc64__)
	"sync_file_range2 swapcontext",
#elif defined(__s390x__)
	"s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr",
#endif
};

/* What a capability opens. */
static const struct {
	int capability;
	const char *names;
} by_capability[] = {
	{ CAP_DAC_READ_SEARCH, "open_by_handle_at" },
	{ CAP_SYS_ADMIN,
	  "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie "
	  "mount mount_setattr move_mount open_tree "
	  "perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount "
	  "umount2 unshare" },
	{ CAP_SYS_BOOT, "reboot" },
	{ CAP_SYS_CHROOT, "chroot" },
	{ CAP_SYS_MODULE, "delete_module init_module finit_module" },
	{ CAP_SYS_PACCT, "acct" },
	{ CAP_SYS_PTRACE, "kcmp pidfd_getfd process_madvise" },
	{ CAP_SYS_RAWIO, "iopl ioperm" },
	{ CAP_SYS_TIME, "settimeofday stime clock_settime clock_settime64" },
	{ CAP_SYS_TTY_CONFIG, "vhangup" },
	{ CAP_SYS_NICE, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node" },
	{ CAP_SYSLOG, "syslog" },
	{ CAP_BPF, "bpf" },
	{ CAP_PERFMON, "perf_event_open" },
};

/* CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
#define CLONE_NAMESPACES 0x7E020000u

/* s390 has clone's first two arguments the other way round. */
#if defined(__s390x__)
enum { CLONE_FLAGS_ARGUMENT = 1 };
#else
enum { CLONE_FLAGS_ARGUMENT = 0 };
#endif

/* PER_LINUX, PER_LINUX32, the same with UNAME26, and the question what it is. */
static const uint64_t personalities[] = { 0x0, 0x8, 0x20000, 0x20008, 0xffffffff };

static int split(const char *text, char ***ret, size_t *ret_n, struct arena *arena,
		 struct error *err)
{
	while (*text) {
		size_t n = strcspn(text, " ");

		if (vector_take_text(ret, ret_n, arena_strndup(arena, text, n, err), arena, err) <
		    0)
			return -1;
		text += n + strspn(text + n, " ");
	}
	return 0;
}

static struct spec_syscall *add_rule(struct spec_seccomp *profile, const char *names,
				     const char *action, struct arena *arena, struct error *err)
{
	struct spec_syscall *rule = VECTOR_ADD(profile->syscalls, profile->n_syscalls, arena, err);

	if (!rule || split(names, &rule->names, &rule->n_names, arena, err) < 0 ||
	    !(rule->action = arena_strdup(arena, action, err)))
		return NULL;
	return rule;
}

static int add_condition(struct spec_seccomp *profile, const char *name, const char *op,
			 uint32_t index, uint64_t value, uint64_t value_two, struct arena *arena,
			 struct error *err)
{
	struct spec_syscall *rule = add_rule(profile, name, "SCMP_ACT_ALLOW", arena, err);
	struct spec_syscall_arg *arg =
		rule ? VECTOR_ADD(rule->args, rule->n_args, arena, err) : NULL;

	if (!arg || !(arg->op = arena_strdup(arena, op, err)))
		return -1;
	arg->index = index;
	arg->value = value;
	arg->value_two = value_two;
	return 0;
}

static bool has(uint64_t capabilities, int capability)
{
	return capabilities & (UINT64_C(1) << capability);
}

/* New namespaces are for who may mount. clone3's flags cannot be seen: programs go back to clone.
 */
static int restrict_clone(struct spec_seccomp *profile, struct arena *arena, struct error *err)
{
	struct spec_syscall *clone3;

	if (add_condition(profile, "clone", "SCMP_CMP_MASKED_EQ", CLONE_FLAGS_ARGUMENT,
			  CLONE_NAMESPACES, 0, arena, err) < 0)
		return -1;
	clone3 = add_rule(profile, "clone3", "SCMP_ACT_ERRNO", arena, err);
	if (!clone3)
		return -1;
	clone3->errno_ret = (struct json_uint){ true, ENOSYS_NUMBER };
	return 0;
}

static int add_conditions(struct spec_seccomp *profile, struct arena *arena, struct error *err)
{
	/* Sockets of virtual machines know no network namespace. */
	if (add_condition(profile, "socket", "SCMP_CMP_NE", 0, AF_VSOCK, 0, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(personalities) / sizeof(*personalities); i++)
		if (add_condition(profile, "personality", "SCMP_CMP_EQ", 0, personalities[i], 0,
				  arena, err) < 0)
			return -1;
	return 0;
}

static int add_calls(struct spec_seccomp *profile, uint64_t capabilities, struct arena *arena,
		     struct error *err)
{
	struct spec_syscall *rule = add_rule(profile, "", "SCMP_ACT_ALLOW", arena, err);

	if (!rule)
		return -1;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (split(allowed[i], &rule->names, &rule->n_names, arena, err) < 0)
			return -1;
	for (size_t i = 0; i < sizeof(by_capability) / sizeof(*by_capability); i++)
		if (has(capabilities, by_capability[i].capability) &&
		    split(by_capability[i].names, &rule->names, &rule->n_names, arena, err) < 0)
			return -1;
	return 0;
}

int seccomp_profile_default(uint64_t capabilities, struct arena *arena, struct spec_seccomp **ret,
			    struct error *err)
{
	struct spec_seccomp *profile = arena_alloc(arena, sizeof(*profile), err);

	if (!profile || !(profile->default_action = arena_strdup(arena, "SCMP_ACT_ERRNO", err)))
		return -1;
	profile->default_errno_ret = (struct json_uint){ true, EPERM_NUMBER };
	if (split(ARCHITECTURES, &profile->architectures, &profile->n_architectures, arena, err) <
		    0 ||
	    add_calls(profile, capabilities, arena, err) < 0 ||
	    add_conditions(profile, arena, err) < 0)
		return -1;
	if (!has(capabilities, CAP_SYS_ADMIN) && restrict_clone(profile, arena, err) < 0)
		return -1;
	*ret = profile;
	return 0;
}
