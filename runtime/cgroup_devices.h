/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which devices a container may use (runtime-spec config-linux.md, "Allowed
 * Device list"). Everything is denied but what the rules allow; a later rule
 * overrides an earlier one, bit by bit of its access; behind the rules of the
 * configuration come those of the default devices, which cannot be taken away.
 *
 * cgroup2 gets a BPF program that reads the rules from the last to the first.
 * v1 keeps a default and a list of exceptions, so there the rules are worked
 * out first; what v1 cannot express (an exception from a wildcard exception) is
 * an error, never something similar.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "oci/spec.h"
#include "runtime/cgroup_backend.h"

/* One rule; types and access are the BPF program's bits. */
enum { CGROUP_DEVICE_ANY = -1 };
enum {
	CGROUP_DEVICE_BLOCK = 1 << 0,
	CGROUP_DEVICE_CHAR = 1 << 1,
	CGROUP_DEVICE_BOTH = CGROUP_DEVICE_BLOCK | CGROUP_DEVICE_CHAR
};
enum {
	CGROUP_DEVICE_MKNOD = BPF_DEVCG_ACC_MKNOD,
	CGROUP_DEVICE_READ = BPF_DEVCG_ACC_READ,
	CGROUP_DEVICE_WRITE = BPF_DEVCG_ACC_WRITE,
	CGROUP_DEVICE_ALL = CGROUP_DEVICE_MKNOD | CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE
};

struct cgroup_device_rule {
	bool allow;
	unsigned int types;   /* CGROUP_DEVICE_CHAR … */
	unsigned int access;  /* CGROUP_DEVICE_READ … */
	int64_t major, minor; /* CGROUP_DEVICE_ANY */
};

/*
 * The rules that count: those behind the last one about everything, which has
 * become the default.
 */
struct cgroup_device_rules {
	bool allow_by_default;
	struct cgroup_device_rule *rules;
	size_t count, capacity;
};
#define CGROUP_DEVICE_RULES_EMPTY                                                                  \
	{                                                                                          \
		false, NULL, 0, 0                                                                  \
	}
void cgroup_device_rules_done(struct cgroup_device_rules *rules);

/* The configuration's rules with the default devices behind them. */
int cgroup_device_rules_of_spec(const struct spec_device_rule *rules, size_t n_rules,
				struct cgroup_device_rules *ret, struct error *err);

/* Adds one rule at the end. */
int cgroup_device_rules_add(struct cgroup_device_rules *rules, struct cgroup_device_rule rule,
			    struct error *err);

/*
 * The same policy in v1's form: every rule is an exception from the default,
 * for one type, no two for the same devices.
 */
int cgroup_device_exceptions(const struct cgroup_device_rules *rules,
			     struct cgroup_device_rules *ret, struct error *err);

/* The text of a v1 devices.list as exceptions. Lines of another shape are left out. */
int cgroup_device_list_parse(const char *text, struct cgroup_device_rules *ret, struct error *err);

/* Puts them into force in a v1 devices cgroup, with the fewest steps. */
int cgroup_device_write_v1(const struct cgroup_dir *dir, const struct cgroup_device_rules *rules,
			   struct error *err);

/* ---- cgroup_device_program.c --------------------------------------------------------------- */

/* The BPF program of the rules: malloc'd. */
int cgroup_device_program(const struct cgroup_device_rules *rules, struct bpf_insn **ret,
			  size_t *ret_count, struct error *err);

/*
 * Loads the program and attaches it to the cgroup2 directory in place of what
 * is attached there.
 */
int cgroup_device_attach(const struct cgroup_dir *dir, const struct bpf_insn *program, size_t count,
			 struct error *err);
