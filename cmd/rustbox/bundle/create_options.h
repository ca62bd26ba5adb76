/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of run and create (and in part of exec, sandbox, update): what
 * users type, not yet understood. One table of rows for all commands.
 */
#pragma once

#include "base/options.h"

struct create_options {
	/* what runs */
	const char *name, *image, *platform, *pull, *rootfs, *entrypoint, *workdir, *user,
		*hostname, *domainname;
	struct option_strings env, env_file, label, label_file, annotation;
	bool tty, interactive, init, auto_remove, read_only, privileged;
	const char *stop_signal;
	struct option_int stop_timeout, stopped_timeout;
	const char *restart;
	const char *cidfile, *pidfile;
	/* files */
	struct option_strings volume, mount, tmpfs, device, volumes_from;
	const char *shm_size;
	/* limits */
	const char *memory, *memory_swap, *memory_reservation, *cpus, *cpuset_cpus, *cpuset_mems;
	struct option_int cpu_shares, cpu_quota, cpu_period, pids_limit, oom_score_adj,
		memory_swappiness, blkio_weight, cpu_rt_period, cpu_rt_runtime;
	struct option_strings blkio_weight_device, device_read_bps, device_write_bps,
		device_read_iops, device_write_iops;
	struct option_strings ulimit, sysctl, cgroup_conf, device_cgroup_rule;
	bool oom_kill_disable, oom_group;
	const char *cgroup_manager, *cgroup_parent, *cgroupns, *rdt_class;
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

/* Those of update: a part of the above, and what takes things away again. */
struct update_options {
	struct create_options create;
	struct option_strings env_rm, publish_rm;
};

#define CREATE_AT(m)	    OPTION_AT(create_options, m)
#define CREATE_INT(m, a, b) CREATE_AT(m), .min = (a), .max = (b)

/*
 * The rows, for the tables of commands whose options begin with a struct
 * create_options (run, create, sandbox).
 */
/* clang-format off */
/* Docker's that are not here. */
#define CREATE_REFUSED(option, short_one, use)                                                     \
	{ option, short_one, "VALUE", "", .kind = OPTION_STRING, .hidden = true, .instead = use }

#define CREATE_OPTION_ROWS                                                                         \
	{ "add-host", 0, "NAME:IP", "one more line of /etc/hosts; the IP may be host-gateway",     \
	  CREATE_AT(add_host) },                                                                   \
	{ "annotation", 0, "KEY=VALUE", "annotation of the OCI configuration",                     \
	  CREATE_AT(annotation) },                                                                 \
	{ "blkio-weight", 0, "N", "share of block I/O, 10 to 1000; 0: as all",                     \
	  CREATE_INT(blkio_weight, 0, 1000) },                                                     \
	{ "blkio-weight-device", 0, "DEVICE:N", "the same of one block device, 10 to 1000",        \
	  CREATE_AT(blkio_weight_device) },                                                        \
	{ "cap-add", 0, "CAPABILITY", "grant a capability, or ALL", CREATE_AT(cap_add) },          \
	{ "cap-drop", 0, "CAPABILITY", "take a capability away, or ALL", CREATE_AT(cap_drop) },    \
	{ "cgroup-conf", 0, "FILE=VALUE", "write a file of the cgroup (cgroup v2)",                \
	  CREATE_AT(cgroup_conf) },                                                                \
	{ "cgroup-manager", 0, "NAME", "who makes the cgroup: cgroupfs (rustbox itself), systemd", \
	  CREATE_AT(cgroup_manager) },                                                             \
	{ "cgroup-parent", 0, "PATH", "cgroup to make the container's cgroup in; systemd: slice",  \
	  CREATE_AT(cgroup_parent) },                                                              \
	{ "cgroupns", 0, "host|private", "cgroup namespace, private by default",                   \
	  CREATE_AT(cgroupns) },                                                                   \
	{ "cidfile", 0, "FILE", "write the id to a new file", CREATE_AT(cidfile),                  \
	  .path = OPTION_FILE },                                                                   \
	{ "cpu", 0, "N", "the same as --cpus", CREATE_AT(cpus) },                                  \
	{ "cpu-period", 0, "USEC", "length of the CPU quota's period",                             \
	  CREATE_INT(cpu_period, 0, 1000000) },                                                    \
	{ "cpu-quota", 0, "USEC", "CPU time in each period; 0 or negative: no limit",              \
	  CREATE_AT(cpu_quota) },                                                                  \
	{ "cpu-rt-period", 0, "USEC", "length of the real-time period (cgroup v1)",                \
	  CREATE_INT(cpu_rt_period, 1, 1000000000) },                                              \
	{ "cpu-rt-runtime", 0, "USEC", "real-time CPU time in each period (cgroup v1)",            \
	  CREATE_INT(cpu_rt_runtime, 0, 1000000000) },                                             \
	{ "cpu-shares", 'c', "N", "share of CPU time, 2 to 262144; 0: as all (1024)",              \
	  CREATE_INT(cpu_shares, 0, 262144) },                                                     \
	{ "cpu-time", 0, "TIME", "end it after so much CPU time (30, 500ms, 2m)",                  \
	  CREATE_AT(cpu_time) },                                                                   \
	{ "cpus", 0, "N", "number of CPUs it may use, such as 0.5; 0: no limit",                   \
	  CREATE_AT(cpus) },                                                                       \
	{ "cpuset-cpus", 0, "LIST", "CPUs it may run on (0-3,7)", CREATE_AT(cpuset_cpus) },        \
	{ "cpuset-mems", 0, "LIST", "memory nodes it may use (0,1)", CREATE_AT(cpuset_mems) },     \
	{ "device", 0, "PATH[:PATH][:rwm]", "give it a device of the host, or a folder of them",   \
	  CREATE_AT(device) },                                                                     \
	{ "device-cgroup-rule", 0, "RULE", "allow devices by number: c 1:3 rwm",                   \
	  CREATE_AT(device_cgroup_rule) },                                                         \
	{ "device-read-bps", 0, "DEVICE:SIZE", "bytes a second read from a block device",          \
	  CREATE_AT(device_read_bps) },                                                            \
	{ "device-read-iops", 0, "DEVICE:N", "reads a second from a block device",                 \
	  CREATE_AT(device_read_iops) },                                                           \
	{ "device-write-bps", 0, "DEVICE:SIZE", "bytes a second written to a block device",        \
	  CREATE_AT(device_write_bps) },                                                           \
	{ "device-write-iops", 0, "DEVICE:N", "writes a second to a block device",                 \
	  CREATE_AT(device_write_iops) },                                                          \
	{ "dns", 0, "IP", "name server", CREATE_AT(dns) },                                         \
	{ "dns-option", 0, "OPTION", "option of the resolver", CREATE_AT(dns_option) },            \
	{ "dns-opt", 0, "OPTION", "the same", CREATE_AT(dns_option), .hidden = true },             \
	{ "dns-search", 0, "DOMAIN", "domain to search names in; . for none",                      \
	  CREATE_AT(dns_search) },                                                                 \
	{ "domainname", 0, "NAME", "NIS domain name", CREATE_AT(domainname) },                     \
	{ "entrypoint", 0, "PATH", "program in front of the command, in place of the image's",     \
	  CREATE_AT(entrypoint) },                                                                 \
	{ "env", 'e', "NAME[=VALUE]", "environment variable; without a value: as it is here",      \
	  CREATE_AT(env) },                                                                        \
	{ "env-file", 0, "FILE", "environment variables, one a line", CREATE_AT(env_file) },       \
	{ "expose", 0, "PORT[/PROTOCOL]", "port or range that --publish-all publishes",            \
	  CREATE_AT(expose) },                                                                     \
	{ "gidmap", 0, "INSIDE:HOST:SIZE", "map groups of the user namespace",                     \
	  CREATE_AT(gidmap) },                                                                     \
	{ "group-add", 0, "GROUP", "one more group, by name or number", CREATE_AT(group_add) },    \
	{ "health-cmd", 0, "COMMAND", "check its health by this (sh -c)", CREATE_AT(health_cmd) }, \
	{ "health-interval", 0, "TIME", "between checks, 30s by default",                          \
	  CREATE_AT(health_interval) },                                                            \
	{ "health-retries", 0, "N", "failures in a row until unhealthy, 3 by default",             \
	  CREATE_INT(health_retries, 0, 1000000) },                                                \
	{ "health-start-interval", 0, "TIME", "between checks of the start period",                \
	  CREATE_AT(health_start_interval) },                                                      \
	{ "health-start-period", 0, "TIME", "while failures do not count",                         \
	  CREATE_AT(health_start_period) },                                                        \
	{ "health-timeout", 0, "TIME", "a check that takes longer fails, 30s by default",          \
	  CREATE_AT(health_timeout) },                                                             \
	{ "hostname", 0, "NAME", "host name, the id by default", CREATE_AT(hostname) },            \
	{ "image", 0, "IMAGE", "run this loaded image", CREATE_AT(image) },                        \
	{ "init", 0, NULL, "run a small init in front that forwards signals and reaps",            \
	  CREATE_AT(init) },                                                                       \
	{ "interactive", 'i', NULL, "keep standard input open", CREATE_AT(interactive) },          \
	{ "ip", 0, "IP", "IPv4 address within the network", CREATE_AT(ip) },                       \
	{ "ip6", 0, "IP", "IPv6 address within the network", CREATE_AT(ip6) },                     \
	{ "ipc", 0, "MODE", "IPC namespace: private, host, container:ID", CREATE_AT(ipc) },        \
	{ "isolate-network", 0, NULL, "loopback only; the same as --network none",                 \
	  CREATE_AT(isolate_network) },                                                            \
	{ "isolate-user", 0, NULL, "user namespace: its root is nobody outside",                   \
	  CREATE_AT(isolate_user) },                                                               \
	{ "label", 'l', "KEY[=VALUE]", "label, for filters", CREATE_AT(label) },                   \
	{ "label-file", 0, "FILE", "labels, one a line", CREATE_AT(label_file) },                  \
	{ "log-driver", 0, "local", "where output goes; local is all there is",                    \
	  CREATE_AT(log_driver) },                                                                 \
	{ "log-max-file", 0, "N", "log files that are kept", CREATE_INT(log_max_file, 1, 1000) },  \
	{ "log-max-size", 0, "SIZE", "a log file that grows above it is rotated; 0: never",        \
	  CREATE_AT(log_max_size) },                                                               \
	{ "log-opt", 0, "KEY=VALUE", "max-size, max-file: as above", CREATE_AT(log_opt) },         \
	{ "mac-address", 0, "MAC", "hardware address within the network",                          \
	  CREATE_AT(mac_address) },                                                                \
	{ "memory", 'm', "SIZE", "memory limit: 256M, 1G, bytes; 0 or negative: none",             \
	  CREATE_AT(memory) },                                                                     \
	{ "memory-reservation", 0, "SIZE", "memory that is left to it when others need some",      \
	  CREATE_AT(memory_reservation) },                                                         \
	{ "memory-swap", 0, "SIZE", "memory and swap together, twice --memory by default; "        \
	  "-1: no limit", CREATE_AT(memory_swap) },                                                \
	{ "memory-swappiness", 0, "N", "0 to 100 (cgroup v1)",                                     \
	  CREATE_INT(memory_swappiness, -1, 100) },                                                \
	{ "mount", 0, "KEY=VALUE,...", "type=bind|volume|tmpfs,src=...,dst=...,readonly",          \
	  CREATE_AT(mount) },                                                                      \
	{ "name", 0, "NAME", "name of the container (made up when left out)", CREATE_AT(name) },   \
	{ "net", 0, "MODE", "the same", CREATE_AT(network), .hidden = true },                      \
	{ "network", 0, "MODE", "host (the default), none, container:ID, or a network's name",     \
	  CREATE_AT(network) },                                                                    \
	{ "network-alias", 0, "NAME", "one more name within the network",                          \
	  CREATE_AT(network_alias) },                                                              \
	{ "no-healthcheck", 0, NULL, "switch the image's health check off",                        \
	  CREATE_AT(no_healthcheck) },                                                             \
	{ "oom-group", 0, NULL, "without memory, kill all of its processes at once (cgroup v2)",    \
	  CREATE_AT(oom_group) },                                                                  \
	{ "oom-kill-disable", 0, NULL, "pause instead of killing without memory (cgroup v1)",      \
	  CREATE_AT(oom_kill_disable) },                                                           \
	{ "oom-score-adj", 0, "N", "who dies first without memory: -1000 to 1000",                 \
	  CREATE_INT(oom_score_adj, -1000, 1000) },                                                \
	{ "output-limit", 0, "SIZE", "end it after so much output", CREATE_AT(output_limit) },     \
	{ "pid", 0, "MODE", "PID namespace: private, host, container:ID", CREATE_AT(pid) },        \
	{ "pidfile", 0, "FILE", "write the pid of its first process", CREATE_AT(pidfile),          \
	  .path = OPTION_FILE },                                                                   \
	{ "pids-limit", 0, "N", "number of processes and threads; 0 or -1: no limit",              \
	  CREATE_INT(pids_limit, -1, 4194304) },                                                   \
	{ "platform", 0, "OS/ARCHITECTURE", "what the image has to be for",                        \
	  CREATE_AT(platform) },                                                                   \
	{ "privileged", 0, NULL, "all capabilities and devices, no seccomp filter, no masks",      \
	  CREATE_AT(privileged) },                                                                 \
	{ "publish", 'p', "[[IP:]PORT:]PORT[/PROTOCOL]", "make a port reachable from outside",     \
	  CREATE_AT(publish) },                                                                    \
	{ "publish-all", 'P', NULL, "publish all exposed ports", CREATE_AT(publish_all) },         \
	{ "pull", 0, "never", "whether images are fetched; never is all there is",                 \
	  CREATE_AT(pull) },                                                                       \
	{ "rdt-class", 0, "NAME", "class of service of the processor's cache (Intel RDT)",         \
	  CREATE_AT(rdt_class) },                                                                  \
	{ "read-only", 0, NULL, "the root file system cannot be written",                          \
	  CREATE_AT(read_only) },                                                                  \
	{ "report", 0, "FILE", "at its end, write exit code, times, memory as JSON",               \
	  CREATE_AT(report), .path = OPTION_FILE },                                                \
	{ "restart", 0, "POLICY", "no, on-failure[:N], always, unless-stopped",                    \
	  CREATE_AT(restart) },                                                                    \
	{ "rm", 0, NULL, "remove it when it ends", CREATE_AT(auto_remove) },                       \
	{ "rootfs", 0, "DIR", "root file system, ./rootfs or the installed one by default",        \
	  CREATE_AT(rootfs), .path = OPTION_DIRECTORY },                                           \
	{ "security-opt", 0, "OPTION", "seccomp=unconfined|FILE, no-new-privileges[=false], "      \
	  "apparmor=PROFILE, label=..., systempaths=unconfined", CREATE_AT(security_opt) },        \
	{ "shm-size", 0, "SIZE", "size of /dev/shm, 64M by default", CREATE_AT(shm_size) },        \
	{ "stop-signal", 0, "SIGNAL", "what stop sends first, SIGTERM by default",                 \
	  CREATE_AT(stop_signal) },                                                                \
	{ "stop-timeout", 0, "SECONDS", "stop kills after that, 10 by default; -1: never",         \
	  CREATE_INT(stop_timeout, -1, 1000000000) },                                              \
	{ "stopped-timeout", 0, "SECONDS", "drop its files when it is Stopped so long",            \
	  CREATE_INT(stopped_timeout, 0, 1000000000) },                                            \
	{ "sysctl", 0, "NAME=VALUE", "kernel parameter of its namespaces", CREATE_AT(sysctl) },    \
	{ "timeout", 0, "TIME", "end it after that time (30, 500ms, 2m)", CREATE_AT(timeout) },    \
	{ "tmpfs", 0, "PATH[:OPTIONS]", "empty folder in memory", CREATE_AT(tmpfs) },              \
	{ "tty", 't', NULL, "terminal; implies --interactive", CREATE_AT(tty) },                   \
	{ "uidmap", 0, "INSIDE:HOST:SIZE", "map users of the user namespace",                      \
	  CREATE_AT(uidmap) },                                                                     \
	{ "ulimit", 0, "NAME=SOFT[:HARD]", "resource limit of its processes",                      \
	  CREATE_AT(ulimit) },                                                                     \
	{ "umask", 0, "OCTAL", "file mode creation mask, 0022 by default", CREATE_AT(umask) },     \
	{ "user", 'u', "USER[:GROUP]", "who it runs as, by name or number", CREATE_AT(user) },     \
	{ "userns", 0, "host|auto", "auto: the same as --isolate-user", CREATE_AT(userns) },       \
	{ "uts", 0, "MODE", "host name's namespace: private, host, container:ID",                  \
	  CREATE_AT(uts) },                                                                        \
	{ "volume", 'v', "[SOURCE:]TARGET[:OPTIONS]", "folder of the host or volume",              \
	  CREATE_AT(volume) },                                                                     \
	{ "volumes-from", 0, "ID[:ro]", "mount what that container has mounted",                   \
	  CREATE_AT(volumes_from) },                                                               \
	{ "workdir", 'w', "DIR", "working directory, made if absent; / by default",                \
	  CREATE_AT(workdir) },                                                                    \
	CREATE_REFUSED("attach", 'a', "all streams are; --detach attaches none"),                  \
	CREATE_REFUSED("gpus", 0, "--device passes devices, --volume their libraries"),            \
	CREATE_REFUSED("init-binary", 0, "--init has its own; another one goes in by --volume"),   \
	CREATE_REFUSED("link", 0, "containers of one --network find each other by name"),          \
	CREATE_REFUSED("quiet", 'q', "nothing is fetched, so nothing is said of it"),              \
	CREATE_REFUSED("runtime", 0, "it is rustbox-runtime"),                                     \
	CREATE_REFUSED("storage-opt", 0, "files are limited by the file system of --root"),        \
	CREATE_REFUSED("systemd", 0, "--tmpfs /run --tmpfs /tmp --stop-signal SIGRTMIN+3"),        \
	CREATE_REFUSED("volume-driver", 0, "mount it on the host, and name the folder")
/* clang-format on */
