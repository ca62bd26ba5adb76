/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of doctor.c: what is looked at, one function each. */
#pragma once

#include "base/str.h"
#include "cmd/rustbox/command/command.h"

/* What a check says of what it has found; the remedy where something is missing. */
struct finding {
	struct str detail, remedy;
};

/* True when it is as it should be. */
typedef bool doctor_check(const struct invocation *call, struct finding *finding);

/* doctor_kernel.c */
doctor_check doctor_root, doctor_calls, doctor_controllers, doctor_overlay, doctor_idmap,
	doctor_limits, doctor_user_namespaces, doctor_seccomp;
/* doctor_host.c */
doctor_check doctor_runtime, doctor_network, doctor_subuid, doctor_criu, doctor_ps, doctor_space;
/* doctor_leftovers.c */
doctor_check doctor_containers, doctor_leftovers;
