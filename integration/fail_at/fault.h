/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that fail instead of being made: which may, with what, and how (ptrace(2)). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct fault {
	const char *call;
	int error;
};

/* How many ways there are for this call to fail; 0 for one that does not. */
unsigned int fault_count(uint64_t call);

/* One of them. */
struct fault fault_of(uint64_t call, unsigned int which);

/*
 * Of a process that has stopped where it enters a system call: the call is not
 * made, and returns the error. False with errno when ptrace refuses.
 */
bool fault_inject(pid_t pid, int error);
