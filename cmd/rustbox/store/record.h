/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's metadata: containers/<id>.json, one document, replaced at once
 * or not at all. What the OCI bundle says (environment of the process, mounts,
 * limits, capabilities) is in its config.json and not repeated, but for what a
 * new image needs (commit).
 *
 * One writer at a time, without a lock of its own: the supervisor while it
 * lives, else who holds the operation lock (store.h).
 */
#pragma once

#include "oci/image.h"
#include "oci/json.h"

enum record_status {
	RECORD_CREATED,
	RECORD_RUNNING,
	RECORD_PAUSED,
	RECORD_RESTARTING, /* waits for its next start */
	RECORD_STOPPED,	   /* by `stop`: `start` goes on with it */
	RECORD_EXITED,	   /* by itself, by `kill`, or cleaned up: only `restart` makes it run */
	RECORD_STATUSES
};
extern const char *const record_status_names[]; /* "Created", …; ends with NULL */

enum record_restart { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };
extern const char *const record_restart_names[]; /* "no", "on-failure", … */

enum record_health { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };
extern const char *const record_health_names[]; /* "none", "starting", … */

/* Times are RFC 3339 with nanoseconds, UTC; NULL: has not happened. */
struct record_state {
	int status;    /* enum record_status */
	char *boot_id; /* of the boot in which it was written */
	int32_t pid;   /* of init while it runs, else 0 */
	char *started, *finished;
	int32_t exit_code; /* 0 to 255 as a shell's $? */
	int32_t signal;	   /* that has ended it, 0: none */
	bool oom_killed;
	int32_t oom_pid; /* whom the kernel killed last, as it says; 0: it does not */
	char *oom_task;	 /* what that called itself */
	uint64_t restart_count;
	bool manually_stopped; /* by stop or kill: no restart, and none at boot for unless-stopped
				*/
	bool lost;	       /* its files were dropped: prune, --stopped-timeout */
	char *error;	       /* why the last start failed, or what was lost with a supervisor */
	char *ended_by;	       /* "timeout", "cpu-time", "output-limit", "client"; NULL: none */
	int health;	       /* enum record_health */
	uint64_t failing_streak;
	char *health_output; /* of the last check, cut to 4 KiB */
};

/* What restarts, watches and ends it. */
struct record_policy {
	int restart;			  /* enum record_restart */
	uint64_t restart_most;		  /* of on-failure; 0: without end */
	char *stop_signal;		  /* "SIGTERM" when NULL; a name or a number as text */
	struct json_int stop_timeout;	  /* seconds until SIGKILL; unset: 10; -1: never */
	struct json_uint stopped_timeout; /* seconds until a Stopped one is cleaned up */
	uint64_t log_max_size;		  /* bytes of a log file; 0: no rotation */
	uint64_t log_max_file;		  /* how many are kept, the current one included */
	uint64_t timeout_ms, cpu_time_ms, output_limit; /* 0: none */
	char *report;					/* file of --report, absolute */
	char *pidfile; /* where the supervisor writes the pid at each start, absolute */
};

struct record_port {
	uint16_t host_port, container_port;
	char *protocol; /* "tcp", "udp", "sctp" */
	char *host_ip;	/* NULL: all */
};

struct record_network {
	char *mode; /* "host", "none", "container:<id>", or a network's name */
	struct record_port *ports;
	char **aliases, **dns, **dns_search, **dns_options, **extra_hosts; /* "name:ip" */
	char *ip, *ip6, *mac_address;
	size_t n_ports, n_aliases, n_dns, n_dns_search, n_dns_options, n_extra_hosts;
};

struct record_mount {
	char *type;   /* "bind", "volume", "tmpfs" */
	char *name;   /* of a volume */
	char *source; /* on the host; NULL for tmpfs */
	char *destination;
	bool read_only;
	bool anonymous; /* a volume that goes with the container */
};

struct record {
	char *id, *name;
	char *created;
	char *image, *image_id; /* as named, and "sha256:…"; NULL without an image */
	char *rootfs;		/* of --rootfs: absolute; NULL with an image */
	char **lower;		/* the overlay's lower folders, the uppermost first */
	size_t n_lower;
	struct image_settings
		*settings; /* Entrypoint, Cmd, Env, …: as merged from image and options */
	struct record_policy *policy;
	struct record_network *network;
	struct record_mount *mounts;
	size_t n_mounts;
	struct image_health *health; /* NULL: none */
	bool tty, interactive, auto_remove, init, privileged, isolate_user, read_only;
	char *hostname;
	struct json_pair *labels, *annotations;
	size_t n_labels, n_annotations;
	struct record_state *state; /* never NULL */
};

extern const struct json_type record_type;

/* True for Running, Paused, Restarting: there has to be a supervisor. */
bool record_is_live(const struct record *record);

/*
 * From and to JSON. What is read is checked: id, name, no pointer to a struct
 * is NULL but health. What containers or libraries may have put into error and
 * health_output is written as valid UTF-8. record_write(): malloc'd, NULL with err.
 */
int record_read(const char *text, size_t size, struct arena *arena, struct record **ret,
		struct error *err);
char *record_write(const struct record *record, struct error *err);

/* An empty one for bundle_plan(): no pointer to a struct is NULL but health. NULL with err. */
struct record *record_new(struct arena *arena, struct error *err);

/* What --restart takes: "no", "on-failure:3". Unchanged with an error. */
int record_set_restart(struct record_policy *policy, const char *text, bool auto_remove,
		       struct error *err);

/* Seconds since 1970 of a time that clock_date_text() wrote; 0 for NULL and what is none. */
int64_t record_seconds(const char *time);
