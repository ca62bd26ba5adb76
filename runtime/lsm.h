/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.apparmorProfile and process.selinuxLabel: the label that the payload
 * gets at its execve. Written only to what is proved to be our own attr file
 * of the host's procfs (SECURITY.md S5, S6).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"

/* True where the host's kernel enforces it. In the runtime's own namespaces. */
bool lsm_apparmor_enabled(void);
bool lsm_selinux_enabled(void);

/*
 * On the host, before any child: fails when a label is asked for that this
 * machine cannot apply, or that is no label.
 */
int lsm_check(const struct spec_process *process, struct error *err);

/*
 * In the process that will call execve (a process may write only its own):
 * procfs is the host's, host_pid what it calls us.
 */
int lsm_apply(const struct spec_process *process, int procfs, pid_t host_pid, struct error *err);

/*
 * What a process that was given one is under: the label as the kernel writes it,
 * without AppArmor's mode; of the arena. NULL where none is asked for.
 */
int lsm_read(const struct spec_process *process, int procfs, pid_t pid, struct arena *arena,
	     char **ret, struct error *err);
