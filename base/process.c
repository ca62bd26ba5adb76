/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

pid_t process_clone(uint64_t flags, int cgroup, int *ret_pidfd)
{
	struct clone_args args = {
		.flags = flags,
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};

	if (ret_pidfd) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)ret_pidfd;
	}
	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)(unsigned int)cgroup;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

int process_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int process_pidfd_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int process_pidfd_getfd(int pidfd, int remote)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, remote, 0);
}

bool process_pidfd_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

int process_wait(pid_t pid, int *ret_status)
{
	pid_t got;

	do
		got = waitpid(pid, ret_status, 0);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -1 : 0;
}

int process_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool process_start_time(int procfs, pid_t pid, uint64_t *ret_ticks, char *ret_state)
{
	char path[32], text[1024];

	(void)snprintf(path, sizeof(path), "%d/stat", pid);
	if (fd_read_short(procfs, path, text, sizeof(text)) <= 0) {
		if (errno == ENOENT)
			errno = ESRCH;
		return false;
	}
	errno = EPROTO;
	char *p = strrchr(text, ')'); /* the name before it may hold anything */
	if (!p || p[1] != ' ')
		return false;
	p += 2;
	char state = *p;
	for (int field = 3; field < 22 && p; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return false;
	p[strcspn(p, " ")] = '\0';
	if (!str_to_uint(p, 10, UINT64_MAX, ret_ticks))
		return false;
	if (ret_state)
		*ret_state = state;
	return true;
}

/* The mask of a line of /proc/PID/status ("SigCgt"). */
static bool read_mask(const char *status, const char *key, uint64_t *ret)
{
	char line[32], digits[17];
	const char *found;

	(void)snprintf(line, sizeof(line), "\n%s:\t", key);
	found = strstr(status, line);
	if (!found)
		return false;
	(void)snprintf(digits, sizeof(digits), "%s", found + strlen(line));
	return str_to_uint(digits, 16, UINT64_MAX, ret);
}

bool process_handles_signal(pid_t pid, int signal)
{
	char path[40], status[4096];
	uint64_t caught, blocked;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (fd_read_short(AT_FDCWD, path, status, sizeof(status)) < 0 ||
	    !read_mask(status, "SigCgt", &caught) || !read_mask(status, "SigBlk", &blocked))
		return true;
	return (caught | blocked) >> (signal - 1) & 1;
}

enum { ALL_IDS = UINT32_MAX };

uint64_t process_user_ids(void)
{
	char text[4096];
	uint64_t sum = 0;
	ssize_t n = fd_read_short(AT_FDCWD, "/proc/self/uid_map", text, sizeof(text));

	for (char *line = text, *next; n > 0 && *line; line = next) {
		size_t length = strcspn(line, "\n"), digits = length;
		uint64_t count;

		next = line + length + (line[length] == '\n');
		line[length] = '\0';
		while (digits > 0 && line[digits - 1] != ' ')
			digits--;
		if (str_to_uint(line + digits, 10, ALL_IDS, &count))
			sum += count;
	}
	return sum;
}

bool process_in_user_namespace(void)
{
	uint64_t n = process_user_ids();

	return n > 0 && n < ALL_IDS;
}

uint64_t process_pidfd_inode(int pidfd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(pidfd, &fs) < 0 || fs.f_type != PID_FS_MAGIC || fstat(pidfd, &st) < 0)
		return 0;
	return st.st_ino;
}

void process_kill_and_reap(pid_t pid)
{
	int status;

	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	(void)process_wait(pid, &status);
}

void process_reset_signals(uint64_t signals, bool blocked)
{
	/* The kernel's struct sigaction, which is smaller: SIG_DFL, no flags, an empty mask. */
	static const char defaults[256];
	sigset_t mask;

	/* Before anything is reset: what comes in between is lost to process 1 of a namespace. */
	(void)(blocked ? sigfillset(&mask) : sigemptyset(&mask));
	if (blocked)
		(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	for (int i = 1; i <= 64; i++) /* fails for SIGKILL and SIGSTOP */
		if (signals & UINT64_C(1) << (i - 1))
			(void)syscall(SYS_rt_sigaction, i, defaults, NULL, sizeof(uint64_t));
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* What the child of process_spawn() could not do. */
enum spawn_step { SPAWN_DONE, SPAWN_PREPARE, SPAWN_EXECUTE };

/*
 * The child's stack and what it tells us. It is shared by the mapping, too, so
 * that this works where clone(2) copies the memory after all (valgrind).
 */
struct spawn_memory {
	char stack[(64 << 10) - 64];	     /* only the pages that are used are ever there */
	_Alignas(16) char between[16 << 10]; /* the stack of the one between, see run_between() */
	_Alignas(16) volatile enum spawn_step failed;
	volatile int code;
};

#define END_OF(stack) ((stack) + sizeof(stack))

struct spawn_plan {
	const struct process_spawn *spawn;
	char *const *env;
	int fds[PROCESS_SPAWN_FDS];
	int program; /* -1: by path */
	pid_t parent;
	sigset_t held; /* signals that stay blocked */
	struct spawn_memory *memory;
};

/* Sources that lie among the targets go above them first: no order of them hurts then. */
static int place_fds(struct spawn_plan *plan)
{
	int n = (int)plan->spawn->n_fds;

	if (plan->program >= 0 && plan->program < n &&
	    (plan->program = fcntl(plan->program, F_DUPFD_CLOEXEC, n)) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (plan->fds[i] < n) {
			plan->fds[i] = fcntl(plan->fds[i], F_DUPFD_CLOEXEC, n);
			if (plan->fds[i] < 0)
				return -1;
		}
	for (int i = 0; i < n; i++)
		if (dup2(plan->fds[i], i) < 0)
			return -1;
	return (int)syscall(SYS_close_range, (unsigned int)n, ~0U, CLOSE_RANGE_CLOEXEC);
}

/*
 * Whose address is taken is in the plan, and not a variable here: execve leaves
 * this stack as it is, and ASan would take the next one at its place for used.
 */
static int prepare_spawned(struct spawn_plan *plan)
{
	process_reset_signals(UINT64_MAX, false);
	(void)sigprocmask(SIG_BLOCK, &plan->held, NULL);
	if (plan->spawn->dies_with_parent) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
			return -1;
		if (getppid() != plan->parent) { /* it was too late for the signal */
			errno = ESRCH;
			return -1;
		}
	}
	if (plan->spawn->new_session && setsid() < 0)
		return -1;
	if (plan->spawn->new_group && setpgid(0, 0) < 0)
		return -1;
	return place_fds(plan);
}

/* Returns with errno. */
static void execute(const struct spawn_plan *plan)
{
	const struct process_spawn *spawn = plan->spawn;

	if (plan->program >= 0)
		(void)syscall(SYS_execveat, plan->program, "", spawn->args, plan->env,
			      AT_EMPTY_PATH);
	else
		(void)execve(spawn->path, spawn->args, plan->env);
}

/*
 * The child, in our memory while we wait. Of what is ours it changes nothing but
 * errno and the plan: descriptors, mask and handlers are its own copies. What
 * it returns is its exit code.
 */
static int run_spawned(void *data)
{
	struct spawn_plan *plan = data;

	plan->memory->failed = SPAWN_PREPARE;
	if (prepare_spawned(plan) == 0) {
		plan->memory->failed = SPAWN_DONE; /* which nobody is there to say later */
		execute(plan);
		plan->memory->failed = SPAWN_EXECUTE;
	}
	plan->memory->code = errno;
	return 127;
}

/* As in vfork(2): returns when `run` has executed or ended. */
static pid_t clone_sharing(int (*run)(void *data), char *stack_end, struct spawn_plan *plan)
{
	return clone(run, stack_end, CLONE_VM | CLONE_VFORK | SIGCHLD, plan);
}

/* A child that ends as soon as its own has executed, which is an orphan then. */
static int run_between(void *data)
{
	struct spawn_plan *plan = data;

	plan->memory->failed = SPAWN_PREPARE;
	if (clone_sharing(run_spawned, END_OF(plan->memory->stack), plan) < 0)
		plan->memory->code = errno;
	return 0;
}

static pid_t clone_spawned(struct spawn_plan *plan, struct error *err)
{
	struct spawn_memory *memory = plan->memory;
	const bool between = plan->spawn->new_session;
	const char *path = plan->spawn->path;
	sigset_t all, before;
	int status;

	/* A handler of ours that ran in the child would run on our memory. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = between ? clone_sharing(run_between, END_OF(memory->between), plan)
			    : clone_sharing(run_spawned, END_OF(memory->stack), plan);
	int code = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return error_set(err, code, "clone a child for %s", path);
	if (between || memory->failed != SPAWN_DONE)
		(void)process_wait(pid, &status);
	if (memory->failed == SPAWN_DONE)
		return between ? 0 : pid;
	code = memory->code;
	return error_set(err, code, "%s %s",
			 memory->failed == SPAWN_EXECUTE ? "execute" : "prepare a child for", path);
}

pid_t process_spawn(const struct process_spawn *spawn, struct error *err)
{
	struct spawn_plan plan = { .spawn = spawn,
				   .env = spawn->env ? spawn->env : environ,
				   .program = spawn->program ? *spawn->program : -1,
				   .parent = getpid() };
	cleanup_fd int null = -1;

	if (spawn->n_fds < 3 || spawn->n_fds > PROCESS_SPAWN_FDS)
		return error_set(err, EINVAL, "start %s with %zu descriptors", spawn->path,
				 spawn->n_fds);
	for (size_t i = 0; i < spawn->n_fds; i++) {
		if (spawn->fds[i] < 0 && null < 0) {
			null = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
			if (null < 0)
				return error_set(err, errno, "open /dev/null");
		}
		plan.fds[i] = spawn->fds[i] < 0 ? null : spawn->fds[i];
	}
	(void)sigemptyset(&plan.held);
	if (spawn->holds_termination) {
		(void)sigaddset(&plan.held, SIGTERM);
		(void)sigaddset(&plan.held, SIGINT);
	}
	plan.memory = mmap(NULL, sizeof(*plan.memory), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (plan.memory == MAP_FAILED)
		return error_set(err, errno, "mmap a stack for %s", spawn->path);
	pid_t pid = clone_spawned(&plan, err);
	(void)munmap(plan.memory, sizeof(*plan.memory));
	return pid;
}
