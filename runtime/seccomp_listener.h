/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers what a seccomp filter asks: the agent of
 * linux.seccomp.listenerPath gets the notify descriptor (runtime-spec
 * config-linux.md, "The Container Process State"), or plugins do it.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"
#include "oci/state.h"

/*
 * The caller's RUN_OCI_SECCOMP_RECEIVER (crun(1)) becomes listenerPath where a
 * filter asks and the configuration names nobody. An error where it names
 * plugins, or when the value is no absolute path.
 */
int seccomp_listener_choose(struct spec *spec, struct arena *arena, struct error *err);

/* The same with what `create` has found, for the verbs after it. */
void seccomp_listener_recall(struct spec *spec, const struct state *state);

/* A process whose filter asks. */
struct seccomp_listener {
	const char *root; /* the engine's */
	int channel, pidfd;
	pid_t pid;
	const struct spec_seccomp *config;
	const struct state *state;
};

/*
 * Sends the listener with the process's state to the agent, or starts the
 * plugins, and answers LISTENER_SENT on the channel. It is the process's
 * descriptor number `remote`, which is fetched unless it has come along:
 * take_attached, or -1.
 */
int seccomp_listener_serve(const struct seccomp_listener *process, int remote, int take_attached,
			   struct error *err);
