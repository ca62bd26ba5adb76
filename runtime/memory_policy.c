/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/memory_policy.h"

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/number_list.h"
#include "base/str.h"

#ifndef MPOL_F_NUMA_BALANCING
#define MPOL_F_NUMA_BALANCING (1 << 13)
#endif

/* The kernel's numbers, which older headers lack the last of. */
static const unsigned int mode_numbers[] = { 0, 2, 3, 6, 1, 5, 4 };
const char *const memory_policy_mode_names[] = {
	"MPOL_DEFAULT",	  "MPOL_BIND",		 "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
	"MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_LOCAL",	    NULL,
};

static const unsigned int flag_numbers[] = { MPOL_F_NUMA_BALANCING, MPOL_F_RELATIVE_NODES,
					     MPOL_F_STATIC_NODES };
const char *const memory_policy_flag_names[] = { "MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES",
						 "MPOL_F_STATIC_NODES", NULL };

static bool find(const char *name, const char *const *names, const unsigned int *numbers,
		 unsigned int *ret)
{
	for (size_t i = 0; names[i]; i++) {
		if (!str_equal(name, names[i]))
			continue;
		*ret = numbers[i];
		return true;
	}
	return false;
}

int memory_policy_set(const struct spec_memory_policy *config, struct error *err)
{
	struct number_list nodes = { { 0 } };
	unsigned int mode, flag;

	if (!config)
		return 0;
	if (!find(config->mode, memory_policy_mode_names, mode_numbers, &mode))
		return error_set(err, EINVAL, "linux.memoryPolicy.mode \"%s\"", config->mode);
	for (size_t i = 0; i < config->n_flags; i++) {
		if (!find(config->flags[i], memory_policy_flag_names, flag_numbers, &flag))
			return error_set(err, EINVAL, "linux.memoryPolicy.flags[%zu] \"%s\"", i,
					 config->flags[i]);
		mode |= flag;
	}
	if (config->nodes && !number_list_parse(config->nodes, &nodes))
		return error_set(err, EINVAL, "linux.memoryPolicy.nodes \"%s\"", config->nodes);
	/* The kernel counts one bit less than it is told. */
	bool none = number_list_count(&nodes) == 0;
	if (syscall(SYS_set_mempolicy, mode, none ? NULL : nodes.mask,
		    none ? 0 : NUMBER_LIST_MAX + 1) == 0)
		return 0;
	error_set(err, errno, "set linux.memoryPolicy %s of nodes \"%s\"", config->mode,
		  config->nodes ? config->nodes : "");
	if (err->code == EINVAL)
		return error_hint(err,
				  "modes and flags that go together, and nodes that exist and that "
				  "linux.resources.cpu.mems allows, are needed");
	return -1;
}
