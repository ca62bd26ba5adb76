/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps of a new user namespace and offsets of a new time namespace, written
 * by the parent for its child (user_namespaces(7), time_namespaces(7)).
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"
#include "oci/spec.h"

/* "container host size\n" lines. */
void user_mapping_format(const struct spec_id_mapping *mappings, size_t count, struct str *text);

/*
 * Writes uid_map and gid_map of the process. As root: directly. Otherwise a
 * map of one's own id alone directly (with setgroups denied), others through
 * newuidmap and newgidmap.
 */
int user_mapping_write(int procfs, pid_t pid, const struct spec *spec, struct error *err);

/* Writes timens_offsets, before a process is in that time namespace. */
int user_mapping_write_time_offsets(int procfs, pid_t pid, const struct spec *spec,
				    struct error *err);
