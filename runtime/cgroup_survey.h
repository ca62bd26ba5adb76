/* SPDX-License-Identifier: Apache-2.0 */
/* What cgroups the machine has, for those who tell it or judge it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * version: "1", "2", "hybrid" (controllers on v1, with a cgroup2 hierarchy beside
 * them). The controllers' names, each once, are in the arena.
 */
struct cgroup_survey {
	const char *version;
	const char **controllers;
	size_t n;
};

/* Of where a container's cgroup would be made. -1 with err where there are no cgroups. */
int cgroup_survey_take(struct arena *arena, struct cgroup_survey *ret, struct error *err);

/* "freezer" and "devices" are no controllers of v2, but always there. */
bool cgroup_survey_has(const struct cgroup_survey *survey, const char *name);
