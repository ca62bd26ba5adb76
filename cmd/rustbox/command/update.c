/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/container/containers.h"

#define UPDATE_AT(m) OPTION_AT(update_options, m)

static const struct option_row rows[] = {
	{ "blkio-weight", 0, "N", "share of block I/O, 10 to 1000",
	  CREATE_INT(blkio_weight, 10, 1000) },
	{ "cpu", 0, "N", "the same as --cpus", CREATE_AT(cpus), .hidden = true },
	{ "cpu-period", 0, "USEC", "length of the CPU quota's period; 0: the default",
	  CREATE_INT(cpu_period, 0, 1000000) },
	{ "cpu-quota", 0, "USEC", "CPU time in each period; 0 or negative: no limit",
	  CREATE_AT(cpu_quota) },
	{ "cpu-shares", 'c', "N", "share of CPU time, 2 to 262144; 0: as all (1024)",
	  CREATE_INT(cpu_shares, 0, 262144) },
	{ "cpus", 0, "N", "number of CPUs it may use, such as 0.5; 0: no limit", CREATE_AT(cpus) },
	{ "cpuset-cpus", 0, "LIST", "CPUs it may run on (0-3,7)", CREATE_AT(cpuset_cpus) },
	{ "cpuset-mems", 0, "LIST", "memory nodes it may use (0,1)", CREATE_AT(cpuset_mems) },
	{ "env", 'e', "NAME[=VALUE]", "environment variable, for what is executed from now on",
	  CREATE_AT(env) },
	{ "env-rm", 0, "NAME", "take an environment variable away", UPDATE_AT(env_rm) },
	{ "memory", 'm', "SIZE", "memory limit: 256M, 1G, bytes; 0 or negative: none",
	  CREATE_AT(memory) },
	{ "memory-reservation", 0, "SIZE",
	  "memory that is left to it when others need some; 0 or negative: none",
	  CREATE_AT(memory_reservation) },
	{ "memory-swap", 0, "SIZE", "memory and swap together; -1: no limit",
	  CREATE_AT(memory_swap) },
	{ "pids-limit", 0, "N", "number of processes and threads; 0 or -1: no limit",
	  CREATE_INT(pids_limit, -1, 4194304) },
	{ "publish", 'p', "[[IP:]PORT:]PORT[/PROTOCOL]",
	  "make one more port reachable from outside", CREATE_AT(publish) },
	{ "publish-rm", 0, "PORT[/PROTOCOL]", "publish a port of the container no more",
	  UPDATE_AT(publish_rm) },
	{ "restart", 0, "POLICY", "no, on-failure[:N], always, unless-stopped",
	  CREATE_AT(restart) },
	{ "volume", 'v', "SOURCE:TARGET[:OPTIONS]",
	  "mount a file or folder of the host, as mount add does", CREATE_AT(volume) },
	{ NULL },
};

static int update_one(const struct invocation *call, const char *name, struct error *err)
{
	return containers_update(call->store, name, call->options, err);
}

static bool is_given(const struct option_row *row, const void *options)
{
	const char *at = (const char *)options + row->offset;
	const char *text;

	if (row->kind == OPTION_INT)
		return ((const struct option_int *)(const void *)at)->set;
	if (row->kind == OPTION_STRINGS)
		return ((const struct option_strings *)(const void *)at)->count > 0;
	memcpy(&text, at, sizeof(text));
	return text != NULL;
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	for (const struct option_row *row = rows; row->name; row++)
		if (is_given(row, call->options))
			return command_each(call, true, update_one, ret_exit_code, err);
	return error_set(err, 0, "nothing to change was given (rustbox update --help)");
}

const struct command command_update = {
	.about = {
		.name = "update",
		.summary = "change limits, environment, ports and more of containers",
		.arguments = "CONTAINER...",
		.description =
			"At once where it runs, and for all its coming runs. What is not given "
			"stays. A process that runs keeps its environment; the next run and every "
			"exec have the new one.\n\n"
			"   rustbox update --memory 1G -p 8080:80 -e LEVEL=debug web",
		.rows = rows,
		.takes_container = true,
	},
	.options_size = sizeof(struct update_options),
	.args_least = 1,
	.args_most = ARGS_ANY,
	.run = run,
};
