/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the spec_check*.c files alone: the parts of spec_check() and what they
 * share.
 *
 * A check's message begins with the path relative to what it was given
 * ("soft: …", "[3].soft: …"); who called puts its own part of the path in
 * front with spec_check_within().
 */
#pragma once

#include <stdbool.h>

#include "oci/spec_check.h"

/* Puts the path in front of the path that *err begins with. Returns -1. */
int spec_check_within(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

int spec_check_linux(const struct spec *spec, struct error *err);
int spec_check_sysctl(const struct spec *spec, struct error *err);
int spec_check_seccomp(const struct spec_seccomp *seccomp, struct error *err);
/* Of a new container: somebody answers what the filter asks. Names the whole path. */
int spec_check_seccomp_agent(const struct spec_seccomp *seccomp, struct error *err);

/* Is the name in the list, which ends with NULL? */
bool spec_check_known(const char *const *names, const char *name);

/* NULL, or without characters that would end the line in a file of the kernel. */
int spec_check_line(const char *text, const char *key, struct error *err);

/* Every entry must be NAME=value. */
int spec_check_env(char *const *env, size_t n, struct error *err);

/* Sizes, ranges and overlaps of id mappings. */
int spec_check_mappings(const struct spec_id_mapping *mappings, size_t n, struct error *err);
