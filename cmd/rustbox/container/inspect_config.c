/* SPDX-License-Identifier: Apache-2.0 */
/* What the container was made with: Config and HostConfig. */
#include "cmd/rustbox/container/inspect.h"

#include <stdio.h>

#include "cmd/rustbox/bundle/bundle.h"

/* ---- Config ---- */

static void put_keys(struct inspect *in, struct value *object, const char *key,
		     const struct image_empty *keys, size_t n)
{
	struct value *map = inspect_object(in);

	for (size_t i = 0; i < n; i++)
		inspect_put(in, map, keys[i].key, inspect_object(in));
	inspect_put(in, object, key, map);
}

static void put_health_check(struct inspect *in, struct value *config)
{
	const struct image_health *health = in->record->health;
	struct value *check;

	if (!health)
		return;
	check = inspect_object(in);
	inspect_texts(in, check, "Test", health->test, health->n_test);
	inspect_number(in, check, "Interval", health->interval);
	inspect_number(in, check, "Timeout", health->timeout);
	inspect_number(in, check, "StartPeriod", health->start_period);
	inspect_number(in, check, "StartInterval", health->start_interval);
	inspect_number(in, check, "Retries", health->retries);
	inspect_put(in, config, "Healthcheck", check);
}

struct value *inspect_config(struct inspect *in)
{
	const struct record *record = in->record;
	const struct image_settings *settings = record->settings;
	const struct record_policy *policy = record->policy;
	struct value *config = inspect_object(in);

	inspect_text(in, config, "Hostname", record->hostname);
	inspect_text(in, config, "Domainname", in->spec->domainname);
	inspect_text(in, config, "User", settings->user);
	put_keys(in, config, "ExposedPorts", settings->exposed_ports, settings->n_exposed_ports);
	inspect_bool(in, config, "Tty", record->tty);
	inspect_bool(in, config, "OpenStdin", record->interactive || record->tty);
	inspect_texts(in, config, "Env", settings->env, settings->n_env);
	inspect_texts(in, config, "Cmd", settings->cmd, settings->n_cmd);
	put_health_check(in, config);
	inspect_text(in, config, "Image", record->image);
	inspect_text(in, config, "Rootfs", record->rootfs);
	put_keys(in, config, "Volumes", settings->volumes, settings->n_volumes);
	inspect_text(in, config, "WorkingDir", settings->working_dir);
	inspect_texts(in, config, "Entrypoint", settings->entrypoint, settings->n_entrypoint);
	inspect_pairs(in, config, "Labels", record->labels, record->n_labels);
	inspect_text(in, config, "StopSignal",
		     policy->stop_signal ? policy->stop_signal : "SIGTERM");
	inspect_number(in, config, "StopTimeout",
		       policy->stop_timeout.set ? policy->stop_timeout.value : 10);
	return config;
}

/* ---- HostConfig ---- */

static int64_t int_of(const struct json_int *number)
{
	return number->set ? number->value : 0;
}

static void put_cpu(struct inspect *in, struct value *host, const struct spec_cpu *cpu)
{
	static const struct spec_cpu none;
	const struct spec_cpu *c = cpu ? cpu : &none;
	int64_t period = c->period.set && c->period.value ? (int64_t)c->period.value : 100000;
	int64_t quota = int_of(&c->quota) > 0 ? int_of(&c->quota) : 0;

	inspect_number(in, host, "CpuShares", c->shares.set ? (int64_t)c->shares.value : 0);
	inspect_number(in, host, "CpuPeriod", c->period.set ? (int64_t)c->period.value : 0);
	inspect_number(in, host, "CpuQuota", quota);
	/* a thousand-millionth of a CPU; a quota is microseconds */
	inspect_number(in, host, "NanoCpus", (int64_t)((double)quota / (double)period * 1e9 + 0.5));
	inspect_text(in, host, "CpusetCpus", c->cpus);
	inspect_text(in, host, "CpusetMems", c->mems);
}

static void put_memory(struct inspect *in, struct value *host, const struct spec_memory *memory)
{
	static const struct spec_memory none;
	const struct spec_memory *m = memory ? memory : &none;

	inspect_number(in, host, "Memory", int_of(&m->limit) > 0 ? int_of(&m->limit) : 0);
	inspect_number(in, host, "MemoryReservation", int_of(&m->reservation));
	inspect_number(in, host, "MemorySwap", int_of(&m->swap));
	inspect_bool(in, host, "OomKillDisable", m->disable_oom_killer);
}

static void put_limits(struct inspect *in, struct value *host)
{
	const struct spec_resources *resources = in->spec->linux->resources;
	const struct spec_process *process = in->spec->process;
	struct value *limits = inspect_list(in);

	put_memory(in, host, resources ? resources->memory : NULL);
	put_cpu(in, host, resources ? resources->cpu : NULL);
	inspect_number(in, host, "PidsLimit",
		       resources && resources->pids && resources->pids->limit > 0
			       ? resources->pids->limit
			       : 0);
	inspect_number(in, host, "OomScoreAdj", process ? int_of(&process->oom_score_adj) : 0);
	for (size_t i = 0; process && i < process->n_rlimits; i++) {
		struct value *limit = inspect_object(in);
		inspect_text(in, limit, "Name", process->rlimits[i].type);
		inspect_number(in, limit, "Soft", (int64_t)process->rlimits[i].soft);
		inspect_number(in, limit, "Hard", (int64_t)process->rlimits[i].hard);
		inspect_append(in, limits, limit);
	}
	inspect_put(in, host, "Ulimits", limits);
	inspect_text(in, host, "CgroupPath", in->spec->linux->cgroups_path);
}

static const char *namespace_mode(struct inspect *in, enum spec_namespace_type type)
{
	const struct spec_namespace *namespace = spec_find_namespace(in->spec, type);
	const char *other = namespace ? bundle_shared_with(in->spec, namespace) : NULL;

	if (!namespace)
		return "host";
	if (other)
		return arena_format(&in->arena, in->err, "container:%s", other);
	return namespace->path ? namespace->path : "private";
}

static void put_namespaces(struct inspect *in, struct value *host)
{
	inspect_text(in, host, "NetworkMode", in->record->network->mode);
	inspect_text(in, host, "PidMode", namespace_mode(in, NAMESPACE_PID));
	inspect_text(in, host, "IpcMode", namespace_mode(in, NAMESPACE_IPC));
	inspect_text(in, host, "UTSMode", namespace_mode(in, NAMESPACE_UTS));
	inspect_text(in, host, "UsernsMode", namespace_mode(in, NAMESPACE_USER));
	inspect_text(in, host, "CgroupnsMode", namespace_mode(in, NAMESPACE_CGROUP));
}

static void put_digits(struct inspect *in, struct value *object, const char *key, uint64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	inspect_text(in, object, key, text);
}

static void put_policy(struct inspect *in, struct value *host)
{
	const struct record_policy *policy = in->record->policy;
	struct value *restart = inspect_object(in), *log = inspect_object(in);
	struct value *config = inspect_object(in);

	inspect_text(in, restart, "Name", record_restart_names[policy->restart]);
	inspect_number(in, restart, "MaximumRetryCount", (int64_t)policy->restart_most);
	inspect_put(in, host, "RestartPolicy", restart);
	inspect_text(in, log, "Type", "local");
	if (policy->log_max_size) {
		/* Texts, as they are given to --log-opt. */
		put_digits(in, config, "max-size", policy->log_max_size);
		put_digits(in, config, "max-file", policy->log_max_file);
	}
	inspect_put(in, log, "Config", config);
	inspect_put(in, host, "LogConfig", log);
}

static void put_security(struct inspect *in, struct value *host)
{
	const struct spec_linux *linux_part = in->spec->linux;
	const struct spec_process *process = in->spec->process;
	const struct spec_capabilities *capabilities = process ? process->capabilities : NULL;

	inspect_bool(in, host, "Privileged", in->record->privileged);
	inspect_bool(in, host, "ReadonlyRootfs", in->record->read_only);
	inspect_bool(in, host, "Init", in->record->init);
	inspect_bool(in, host, "NoNewPrivileges", process && process->no_new_privileges);
	inspect_bool(in, host, "Seccomp", linux_part->seccomp);
	inspect_texts(in, host, "Capabilities", capabilities ? capabilities->bounding : NULL,
		      capabilities ? capabilities->n_bounding : 0);
	inspect_texts(in, host, "MaskedPaths", linux_part->masked_paths,
		      linux_part->n_masked_paths);
	inspect_texts(in, host, "ReadonlyPaths", linux_part->readonly_paths,
		      linux_part->n_readonly_paths);
}

/* "source:target:ro" of what is mounted from the host. */
static void put_binds(struct inspect *in, struct value *host)
{
	const struct record *record = in->record;
	struct value *binds = inspect_list(in);

	for (size_t i = 0; i < record->n_mounts; i++) {
		const struct record_mount *mount = &record->mounts[i];
		const char *source = mount->name ? mount->name : mount->source;
		if (!source)
			continue;
		const char *text = arena_format(&in->arena, in->err, "%s:%s%s", source,
						mount->destination, mount->read_only ? ":ro" : "");
		inspect_append(in, binds, text ? value_text(&in->arena, text, in->err) : NULL);
	}
	inspect_put(in, host, "Binds", binds);
}

struct value *inspect_host_config(struct inspect *in)
{
	const struct record_network *network = in->record->network;
	struct value *host = inspect_object(in);

	put_binds(in, host);
	put_policy(in, host);
	inspect_bool(in, host, "AutoRemove", in->record->auto_remove);
	inspect_put(in, host, "PortBindings", inspect_ports(in));
	inspect_texts(in, host, "Dns", network->dns, network->n_dns);
	inspect_texts(in, host, "DnsOptions", network->dns_options, network->n_dns_options);
	inspect_texts(in, host, "DnsSearch", network->dns_search, network->n_dns_search);
	inspect_texts(in, host, "ExtraHosts", network->extra_hosts, network->n_extra_hosts);
	put_namespaces(in, host);
	put_security(in, host);
	put_limits(in, host);
	inspect_pairs(in, host, "Annotations", in->record->annotations, in->record->n_annotations);
	inspect_text(in, host, "Runtime", "rustbox-runtime");
	return host;
}
