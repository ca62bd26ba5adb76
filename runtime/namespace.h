/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.namespaces as a plan: which ones to make, which ones to join. The plan
 * is made in the runtime's own namespaces, where paths mean what the caller
 * meant, and carried out by the intermediate process (namespaces(7)).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "oci/spec.h"

struct namespace_join {
	uint64_t flag; /* CLONE_NEW… */
	int fd;	       /* of the namespace */
	const char *path;
};

struct namespace_plan {
	uint64_t create; /* CLONE_NEW… of the ones to make */
	struct namespace_join joins[NAMESPACE_TYPES];
	int n_joins;
	bool writes_time_offsets; /* a new time namespace with linux.timeOffsets */
};

/* CLONE_NEW… of a type of the configuration. */
uint64_t namespace_flag(enum spec_namespace_type type);

/*
 * Opens the paths and checks their kinds. A user namespace that is our own
 * already is left out, since the kernel refuses to join it again.
 */
int namespace_plan_prepare(const struct spec *spec, struct namespace_plan *plan, struct error *err);

void namespace_plan_done(struct namespace_plan *plan);

/*
 * The plan of exec: joins, through init's pidfd and in one call, exactly what
 * the container does not share with us. *ret_flags for setns(2).
 */
int namespace_flags_for_exec(const struct spec *spec, int procfs, pid_t init, uint64_t *ret_flags,
			     struct error *err);

/*
 * Carries the plan out in the calling process. `map_ids` is called when a new
 * user or time namespace has been made and the parent has to write its maps
 * and offsets (NULL data where neither is). pid and time namespaces count for
 * the next child only.
 */
int namespace_plan_enter(const struct namespace_plan *plan,
			 int (*map_ids)(void *data, struct error *err), void *data,
			 struct error *err);

/* Becomes root of the user namespace that the process has just entered, where it has a root. */
int namespace_become_root(struct error *err);
