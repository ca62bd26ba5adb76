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
 * inode must be the saved ones (S26). *ret_pidfd is -1 when it has ended. That
 * it cannot be known is an error: who took it for an end would remove the state
 * of a container that runs.
 */
int status_open_init(const struct state *state, int procfs, int *ret_pidfd, struct error *err);

/*
 * folder: the state folder; cgroup may be NULL (then PAUSED is not told from
 * RUNNING). *ret_pidfd (may be NULL) is init's, or -1.
 */
int status_derive(int folder, const struct state *state, const struct cgroup *cgroup, int procfs,
		  enum container_status *ret, int *ret_pidfd, struct error *err);
