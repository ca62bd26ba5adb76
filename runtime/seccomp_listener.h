/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing a seccomp notify descriptor to the agent of linux.seccomp.listenerPath
 * (runtime-spec config-linux.md, "The Container Process State").
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "oci/spec.h"
#include "oci/state.h"

/*
 * Fetches descriptor number `remote` from the process, sends it with the
 * process's state to the agent, and answers LISTENER_SENT on the channel.
 */
int seccomp_listener_serve(int channel, int pidfd, pid_t pid, int remote,
			   const struct spec_seccomp *config, const struct state *state,
			   const char *status, struct error *err);
