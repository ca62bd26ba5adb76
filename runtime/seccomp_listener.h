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
 * Sends the listener with the process's state to the agent, and answers
 * LISTENER_SENT on the channel. It is the process's descriptor number `remote`,
 * which is fetched unless it has come along: take_attached, or -1.
 */
int seccomp_listener_serve(int channel, int pidfd, pid_t pid, int remote, int take_attached,
			   const struct spec_seccomp *config, const struct state *state,
			   const char *status, struct error *err);
