/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container is doing, derived from its process and its start socket
 * rather than stored, so that it is true whoever has died.
 */
#pragma once

#include "base/error.h"
#include "oci/state.h"
#include "runtime/cgroup.h"
#include "runtime/container.h"

/*
 * Opens a pidfd of init if that very process lives: pid, start time and pidfd
 * inode must be the saved ones (S26). -1 when it has ended; no message.
 */
int status_open_init(const struct state *state, int procfs);

/*
 * folder: the state folder; cgroup may be NULL (then PAUSED is not told from
 * RUNNING). *ret_pidfd (may be NULL) is init's, or -1.
 */
int status_derive(int folder, const struct state *state, const struct cgroup *cgroup, int procfs,
		  enum container_status *ret, int *ret_pidfd, struct error *err);
