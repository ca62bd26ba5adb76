/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.seccomp compiled to a BPF program by libseccomp, in the parent, before
 * any child; loaded by the container's process.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"

struct seccomp_filter {
	struct sock_filter *program; /* in the arena */
	unsigned short length;	     /* instructions */
	unsigned int flags;	     /* SECCOMP_FILTER_FLAG_… for seccomp(2) */
	bool notifies;		     /* some rule asks a listener */
};

/*
 * Compiles. Names of system calls that this libseccomp does not know are left
 * out (with a debug line), unknown actions, operators, architectures, flags
 * are errors. System calls newer than the newest that the profile names give
 * ENOSYS instead of a default action of ERRNO or KILL kind, so that programs
 * probe them right (see seccomp_prologue.c). A NOTIFY rule for write(2), or as
 * default action, is refused: the runtime itself needs it to hand over the
 * listener.
 */
int seccomp_compile(const struct spec_seccomp *config, struct arena *arena,
		    struct seccomp_filter *ret, struct error *err);

/* The flags for seccomp(2), a part of compiling that is done anew for each container. */
int seccomp_read_flags(const struct spec_seccomp *config, bool notifies, unsigned int *ret,
		       struct error *err);

/*
 * Loads, by one system call. Returns the listener descriptor of a notify
 * filter, otherwise 0; -1 with err. (seccomp_load() is a name of libseccomp.)
 */
int seccomp_load_filter(const struct seccomp_filter *filter, struct error *err);

/* Lists for `features`, each ends with NULL. */
extern const char *const seccomp_action_names[];
extern const char *const seccomp_operator_names[];
extern const char *const seccomp_arch_names[];
extern const char *const seccomp_flag_names[];
