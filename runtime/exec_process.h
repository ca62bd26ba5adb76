/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of exec: from its birth in the container's namespaces to execve.
 */
#pragma once

#include <stdbool.h>

#include "oci/spec.h"
#include "runtime/seccomp.h"

struct exec_process {
	const char *id;
	struct spec_process *process; /* its user may still be `user_text`'s to fill in */
	const char *user_text;	      /* --user as given, resolved inside; NULL */
	const struct seccomp_filter *seccomp;
	const struct spec_personality *personality;
	const struct spec_memory_policy *memory_policy;
	const struct spec_extensions *extensions;
	int procfs;
	int console_socket; /* -1: none */
	int root;	    /* the container's root where it was not pivoted to, else -1 */
	unsigned int keep_fds;
	bool in_user_namespace, no_new_keyring;
	bool attach_listener; /* channel_must_attach_listener() */
	struct arena *arena;
};

/* data: struct exec_process. */
void exec_process_main(void *data, int channel) __attribute__((noreturn));
