/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/store/record.h"

#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cmd/rustbox/store/store.h"
#include "oci/json_text.h"

const char *const record_status_names[] = { "Created", "Running", "Paused", "Restarting",
					    "Stopped", "Exited",  NULL };
const char *const record_restart_names[] = { "no", "on-failure", "always", "unless-stopped", NULL };
const char *const record_health_names[] = { "none", "starting", "healthy", "unhealthy", NULL };

static const struct json_field state_fields[] = {
	REQUIRED_ENUM(record_state, status, "status", record_status_names),
	FIELD(record_state, boot_id, "bootId"),
	FIELD(record_state, pid, "pid"),
	FIELD(record_state, started, "started"),
	FIELD(record_state, finished, "finished"),
	REQUIRED(record_state, exit_code, "exitCode"),
	FIELD(record_state, signal, "signal"),
	FIELD(record_state, oom_killed, "oomKilled"),
	FIELD(record_state, oom_pid, "oomPid"),
	FIELD(record_state, oom_task, "oomTask"),
	FIELD(record_state, restart_count, "restartCount"),
	FIELD(record_state, manually_stopped, "manuallyStopped"),
	FIELD(record_state, lost, "lost"),
	FIELD(record_state, error, "error"),
	FIELD(record_state, ended_by, "endedBy"),
	ENUM(record_state, health, "health", record_health_names),
	FIELD(record_state, failing_streak, "failingStreak"),
	FIELD(record_state, health_output, "healthOutput"),
	{ NULL },
};
static const struct json_type state_type = { sizeof(struct record_state), state_fields, NULL };

static const struct json_field policy_fields[] = {
	ENUM(record_policy, restart, "restart", record_restart_names),
	FIELD(record_policy, restart_most, "restartMost"),
	FIELD(record_policy, stop_signal, "stopSignal"),
	FIELD(record_policy, stop_timeout, "stopTimeout"),
	FIELD(record_policy, stopped_timeout, "stoppedTimeout"),
	FIELD(record_policy, log_max_size, "logMaxSize"),
	FIELD(record_policy, log_max_file, "logMaxFile"),
	FIELD(record_policy, timeout_ms, "timeoutMs"),
	FIELD(record_policy, cpu_time_ms, "cpuTimeMs"),
	FIELD(record_policy, output_limit, "outputLimit"),
	FIELD(record_policy, report, "report"),
	FIELD(record_policy, pidfile, "pidfile"),
	{ NULL },
};
static const struct json_type policy_type = { sizeof(struct record_policy), policy_fields, NULL };

static const struct json_field port_fields[] = {
	FIELD(record_port, host_port, "hostPort"),
	REQUIRED(record_port, container_port, "containerPort"),
	REQUIRED(record_port, protocol, "protocol"),
	FIELD(record_port, host_ip, "hostIp"),
	{ NULL },
};
static const struct json_type port_type = { sizeof(struct record_port), port_fields, NULL };

static const struct json_field network_fields[] = {
	FIELD(record_network, mode, "mode"),
	ARRAY(record_network, ports, "ports", &port_type),
	LIST(record_network, aliases, "aliases"),
	LIST(record_network, dns, "dns"),
	LIST(record_network, dns_search, "dnsSearch"),
	LIST(record_network, dns_options, "dnsOptions"),
	LIST(record_network, extra_hosts, "extraHosts"),
	FIELD(record_network, ip, "ip"),
	FIELD(record_network, ip6, "ip6"),
	FIELD(record_network, mac_address, "macAddress"),
	{ NULL },
};
static const struct json_type network_type = { sizeof(struct record_network), network_fields,
					       NULL };

static const struct json_field mount_fields[] = {
	REQUIRED(record_mount, type, "type"),
	FIELD(record_mount, name, "name"),
	FIELD(record_mount, source, "source"),
	REQUIRED(record_mount, destination, "destination"),
	FIELD(record_mount, read_only, "readOnly"),
	FIELD(record_mount, anonymous, "anonymous"),
	{ NULL },
};
static const struct json_type mount_type = { sizeof(struct record_mount), mount_fields, NULL };

static const struct json_field record_fields[] = {
	REQUIRED(record, id, "id"),
	REQUIRED(record, name, "name"),
	REQUIRED(record, created, "created"),
	OBJECT(record, state, "state", &state_type),
	FIELD(record, image, "image"),
	FIELD(record, image_id, "imageId"),
	FIELD(record, rootfs, "rootfs"),
	LIST(record, lower, "lower"),
	OBJECT(record, settings, "settings", &image_settings_type),
	OBJECT(record, policy, "policy", &policy_type),
	OBJECT(record, network, "network", &network_type),
	ARRAY(record, mounts, "mounts", &mount_type),
	OBJECT(record, health, "health", &image_health_type),
	FIELD(record, tty, "tty"),
	FIELD(record, interactive, "interactive"),
	FIELD(record, auto_remove, "autoRemove"),
	FIELD(record, init, "init"),
	FIELD(record, privileged, "privileged"),
	FIELD(record, isolate_user, "isolateUser"),
	FIELD(record, read_only, "readOnly"),
	FIELD(record, hostname, "hostname"),
	PAIRS(record, labels, "labels"),
	PAIRS(record, annotations, "annotations"),
	{ NULL },
};
const struct json_type record_type = { sizeof(struct record), record_fields, NULL };

bool record_is_live(const struct record *record)
{
	int status = record->state->status;

	return status == RECORD_RUNNING || status == RECORD_PAUSED || status == RECORD_RESTARTING;
}

/* Makes what *member points to, unless there is something. */
#define COMPLETE(member, arena, err)                                                               \
	((member) || ((member) = arena_alloc((arena), sizeof(*(member)), (err))) ? 0 : -1)

static int complete(struct record *record, struct arena *arena, struct error *err)
{
	if (COMPLETE(record->state, arena, err) < 0 || COMPLETE(record->policy, arena, err) < 0 ||
	    COMPLETE(record->network, arena, err) < 0 || COMPLETE(record->settings, arena, err) < 0)
		return -1;
	return 0;
}

struct record *record_new(struct arena *arena, struct error *err)
{
	struct record *record = arena_alloc(arena, sizeof(*record), err);

	return record && complete(record, arena, err) == 0 ? record : NULL;
}

int record_read(const char *text, size_t size, struct arena *arena, struct record **ret,
		struct error *err)
{
	struct record *record = arena_alloc(arena, sizeof(*record), err);

	if (!record || json_read(&record_type, text, size, record, arena, err) < 0)
		return -1;
	if (!store_is_id(record->id))
		return error_set(err, 0, "id: \"%.200s\" is not %d hex digits", record->id,
				 STORE_ID_LENGTH);
	if (store_check_name(record->name, err) < 0)
		return error_wrap(err, "name");
	if (!record->state)
		return error_set(err, 0, "state: missing");
	if (complete(record, arena, err) < 0)
		return -1;
	*ret = record;
	return 0;
}

/* The text with '?' for each byte that is not part of valid UTF-8. NULL stays NULL. */
static int clean_text(char **text, struct arena *arena, struct error *err)
{
	size_t size, valid;

	if (!*text)
		return 0;
	size = strlen(*text);
	if (json_text_utf8(*text, size) == size)
		return 0;
	*text = arena_strndup(arena, *text, size, err);
	if (!*text)
		return -1;
	for (size_t done = 0; (valid = json_text_utf8(*text + done, size - done)) < size - done;) {
		done += valid;
		(*text)[done] = '?';
	}
	return 0;
}

char *record_write(const struct record *record, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct record_state state = *record->state;
	struct record copy = *record;

	copy.state = &state;
	if (clean_text(&state.error, &arena, err) < 0 ||
	    clean_text(&state.health_output, &arena, err) < 0)
		return NULL;
	return json_write(&record_type, &copy, true, err);
}

int64_t record_seconds(const char *time)
{
	struct tm tm = { 0 };
	const char *rest = time ? strptime(time, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

	return rest ? timegm(&tm) : 0;
}

int record_set_restart(struct record_policy *policy, const char *text, bool auto_remove,
		       struct error *err)
{
	size_t n = strcspn(text, ":");
	uint64_t most = 0;
	int i = 0;

	while (record_restart_names[i] && (strlen(record_restart_names[i]) != n ||
					   memcmp(record_restart_names[i], text, n) != 0))
		i++;
	if (!record_restart_names[i] || (text[n] && i != RESTART_ON_FAILURE))
		return error_set(err, 0,
				 "--restart %s: not one of no, on-failure[:N], always, "
				 "unless-stopped",
				 text);
	if (text[n] && !str_to_uint(text + n + 1, 10, INT32_MAX, &most))
		return error_set(err, 0, "--restart %s: \"%s\" is not a number", text,
				 text + n + 1);
	if (i != RESTART_NO && auto_remove)
		return error_set(err, 0,
				 "--restart %s does not go with --rm: the container is removed at "
				 "its end",
				 text);
	policy->restart = i;
	policy->restart_most = most;
	return 0;
}
