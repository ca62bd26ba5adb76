/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of run and create (and in part of exec, sandbox, update): what
 * users type, not yet understood. One table of rows for all commands.
 */
#pragma once

#include "base/options.h"

struct create_options {
	/* what runs */
	const char *name, *image, *rootfs, *entrypoint, *workdir, *user, *hostname, *domainname;
	struct option_strings env, env_file, label, label_file, annotation;
	bool tty, interactive, init, auto_remove, read_only, privileged;
	const char *stop_signal;
	struct option_int stop_timeout, stopped_timeout;
	const char *restart;
	const char *cidfile, *pidfile;
	/* files */
	struct option_strings volume, mount, tmpfs, device, volumes_from;
	const char *shm_size, *storage_size;
	/* limits */
	const char *memory, *memory_swap, *memory_reservation, *cpus, *cpuset_cpus, *cpuset_mems;
	struct option_int cpu_shares, cpu_quota, cpu_period, pids_limit, oom_score_adj,
		memory_swappiness, blkio_weight;
	struct option_strings ulimit, sysctl, cgroup_conf, device_cgroup_rule;
	bool oom_kill_disable;
	const char *cgroup_parent, *cgroupns;
	/* isolation */
	bool isolate_user, isolate_network;
	struct option_strings uidmap, gidmap, cap_add, cap_drop, security_opt, group_add;
	const char *pid, *ipc, *uts, *userns, *umask;
	/* network */
	const char *network, *ip, *ip6, *mac_address;
	struct option_strings publish, expose, dns, dns_search, dns_option, add_host, network_alias;
	bool publish_all;
	/* logs, health */
	const char *log_max_size, *log_driver;
	struct option_int log_max_file;
	struct option_strings log_opt;
	const char *health_cmd, *health_interval, *health_timeout, *health_start_period,
		*health_start_interval;
	struct option_int health_retries;
	bool no_healthcheck;
	/* untrusted code */
	const char *timeout, *cpu_time, *output_limit, *report;
};

/*
 * The rows, for the tables of commands whose options begin with a struct
 * create_options (run, create, sandbox).
 */
#define CREATE_OPTION_ROWS                                                                         \
	{                                                                                          \
		"name", 0, "NAME", "name of the container (made up when left out)",                \
			OPTION_AT(create_options, name)                                            \
	}
