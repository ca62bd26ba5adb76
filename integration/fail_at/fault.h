/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that fail instead of being made: which may, with what, and how (ptrace(2)). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/types.h>

struct fault {
	const char *call;
	int error;
};

/*
 * How many ways there are for this call to fail, that the process is about to
 * make with these arguments; 0 for one that does not.
 */
unsigned int fault_count(pid_t pid, uint64_t call, const __u64 *args);

/* One of them. */
struct fault fault_of(pid_t pid, uint64_t call, const __u64 *args, unsigned int which);

/*
 * Of a process that has stopped where it enters a system call: the call is not
 * made, and returns the error. False with errno when ptrace refuses.
 */
bool fault_inject(pid_t pid, int error);
