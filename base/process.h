/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: clone3, pidfds, waiting, identity, and running a host program
 * with its output captured.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * clone3(2) without sharing memory, exit signal SIGCHLD (none of its own with
 * CLONE_PARENT, which takes the caller's). cgroup: an O_PATH or directory
 * descriptor for CLONE_INTO_CGROUP, or -1. ret_pidfd: NULL or where the pidfd
 * (close-on-exec) goes. Returns the pid, 0 in the child, -1 with errno and no
 * message.
 */
pid_t process_clone(uint64_t flags, int cgroup, int *ret_pidfd);

int process_pidfd_open(pid_t pid);		 /* fd, or -1 with errno */
int process_pidfd_signal(int pidfd, int signal); /* 0, or -1 with errno */
int process_pidfd_getfd(int pidfd, int remote);	 /* fd (close-on-exec), or -1 with errno */

/* True when the process of the pidfd has ended (zombies count as ended). */
bool process_pidfd_ended(int pidfd);

/*
 * Waits for the end of a child, EINTR retried. *ret_status as of waitpid(2).
 * 0, or -1 with errno.
 */
int process_wait(pid_t pid, int *ret_status);

/* What a shell's $? would be: exit code, or 128 + signal. */
int process_exit_code(int status);

/*
 * Start time of a process in clock ticks since boot (/proc/PID/stat field
 * 22), and its state letter (may be NULL). False with errno, which is ESRCH
 * when there is none. procfs is a descriptor of /proc.
 */
bool process_start_time(int procfs, pid_t pid, uint64_t *ret_ticks, char *ret_state);

/*
 * Whether the process has a handler for the signal, or holds it back to ask for
 * it: the first one of a PID namespace gets no others from inside, nor, but for
 * SIGKILL and SIGSTOP, from outside. In doubt: true. By /proc.
 */
bool process_handles_signal(pid_t pid, int signal);

/*
 * How many user ids there are in our user namespace: 4294967295 in the first
 * one, 1 in one that an ordinary user made without help, 0 when unknown.
 */
uint64_t process_user_ids(void);
bool process_in_user_namespace(void);

/* The inode of a pidfd: unique for each process of this boot on pidfs (Linux 6.9), else 0. */
uint64_t process_pidfd_inode(int pidfd);

/* Kills by pidfd and reaps the child; for a half-made child. Ignores pid <= 0. */
void process_kill_and_reap(pid_t pid);

/*
 * Default handling: bit n - 1 of `signals` is signal n (UINT64_MAX: all). And
 * an empty mask, or, from before that on, one with everything in it. execve keeps ignored signals
 * ignored, and the C library refuses to touch two of its own, which a caller may have left us
 * ignored.
 */
void process_reset_signals(uint64_t signals, bool blocked);

struct process_run {
	const char *path;  /* absolute */
	char *const *args; /* NULL-terminated, args[0] included */
	char *const *env;  /* NULL-terminated; NULL is an empty environment */
	const char *input; /* given on standard input, then end of file; NULL: none */
	size_t input_size;
	int timeout_ms; /* -1: none */
	char *output;	/* may be NULL; keeps the last output_size - 1 bytes of stdout and stderr */
	size_t output_size;
	const int *to_stdout, *to_stderr; /* descriptors that get them instead; NULL: none */
};

/*
 * Runs a program of the host to its end, with only descriptors 0 to 2 open.
 * Returns 0 when it could be started and ended; *ret_status as of waitpid(2).
 * On time-out it is killed (SIGKILL) and the result is -1 with ETIMEDOUT.
 * A program that cannot be executed: -1 with the reason. The caller's program
 * ignores SIGPIPE (the child has it back at its default).
 */
int process_run(const struct process_run *run, int *ret_status, struct error *err);

/* A program to start in the background. */
struct process_spawn {
	const char *path;  /* absolute; "/proc/self/fd/N", N >= n_fds, executes an open file */
	char *const *args; /* NULL-terminated, args[0] included */
	char *const *env;  /* NULL-terminated; NULL: the caller's */
	/*
	 * The child's descriptors 0, 1, 2, 3, …: borrowed, -1 is /dev/null. It
	 * gets no others, whatever the caller has open. Entries may repeat, and
	 * may lie in any order.
	 */
	const int *fds;
	size_t n_fds;		/* at least 3, at most PROCESS_SPAWN_FDS */
	bool new_group;		/* a process group of its own */
	bool holds_termination; /* SIGTERM and SIGINT stay blocked, until it asks for them */
	bool dies_with_parent;	/* SIGKILL when the calling thread ends (PR_SET_PDEATHSIG) */
	bool new_session;	/* and nobody's child from its beginning: nobody waits for it */
	/*
	 * NULL, or the program as a close-on-exec descriptor (borrowed), which is
	 * executed instead of the path, if it is not -1. Not a script.
	 */
	const int *program;
};
enum { PROCESS_SPAWN_FDS = 8 };

/*
 * Starts it with default signal handling and an otherwise empty mask. Does not copy the
 * caller's memory (vfork). The child's pid (0: nobody's child); -1 with err
 * when the program could not be executed (then there is no child).
 */
pid_t process_spawn(const struct process_spawn *spawn, struct error *err);
