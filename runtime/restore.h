/* SPDX-License-Identifier: Apache-2.0 */
/* A restore under way: what its two files share. Nobody else includes this. */
#pragma once

#include "runtime/checkpoint.h"
#include "runtime/container.h"
#include "runtime/lifecycle.h"
#include "runtime/namespace.h"

/* Where CRIU finds what it is given by path: it does not see the host's /tmp. */
#define RESTORE_PROGRAM	    "/tmp/criu"
#define RESTORE_CONFIG_FILE "/tmp/criu.conf"

/* One restore: everything lives in the container's arena. */
struct restore {
	struct lifecycle *container;
	const struct container_create_options *options;
	struct checkpoint_folders folders;
	struct external_mounts mounts;
	struct checkpoint_record record;
	struct namespace_plan namespaces;
	struct criu_options criu; /* the caller's, and what the record adds */
	struct criu_request request;
	const char *program, *config_file; /* on the host; the second may be NULL */
	int fds[CRIU_FDS];
	size_t n_fds;
	int console;  /* where the terminal's master goes, -1: nowhere */
	pid_t holder; /* a child that keeps systemd's scope, 0: none */
	bool hooks_have_run;
};

/* Fills restore->request and restore->fds from what has been opened. */
int restore_make_request(struct restore *restore, struct error *err);
