/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intermediate process: between the parent, in the host's namespaces, and
 * the container's process. It enters or makes the namespaces, clones the last
 * process (the parent's child, by CLONE_PARENT), hands over its pidfd and ends.
 */
#pragma once

#include "runtime/namespace.h"

struct intermediate {
	int channel;				 /* our end to the parent */
	const struct namespace_plan *namespaces; /* create */
	int target_pidfd;			 /* exec: join these instead … */
	uint64_t target_flags;			 /* … as far as CLONE_NEW… says */
	/* The last process: runs in it, never returns. */
	void (*last)(void *data, int channel) __attribute__((noreturn));
	void *data;
	int last_channel; /* the last process's end to the parent */
};

/* Runs in the child; never returns. */
_Noreturn void intermediate_main(const struct intermediate *plan);
