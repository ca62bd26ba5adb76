/* SPDX-License-Identifier: Apache-2.0 */
/* What its supervisor does with it: restarts, logs, limits of time and output, health. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"

enum {
	LOG_SIZE = 128 * 1024 * 1024, /* SECURITY.md S24: a container cannot fill the disk */
	LOG_FILES = 4,
	NANOSECONDS = 1000000, /* of a millisecond */
};
#define LEAST_OF_IMAGE INT64_C(1000000000) /* between two health checks */

/* ---- files that are written later ---- */

/*
 * By the supervisor, when nobody could be told any more that it cannot be. path:
 * absolute, or NULL, which is none.
 */
static int set_file(struct plan *plan, const char *option, const char *path, char **ret,
		    struct error *err)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	char *folder;

	if (!path)
		return 0;
	folder = arena_strndup(plan->arena, path, slash ? (size_t)(slash - path) + 1 : 0, err);
	if (!folder)
		return -1;
	if (slash && access(folder, W_OK | X_OK) < 0)
		return error_set(err, errno, "--%s %s: the folder %s", option, path, folder);
	if (fd_check_replaceable(AT_FDCWD, path, err) < 0)
		return error_wrap(err, "--%s", option);
	*ret = arena_strdup(plan->arena, path, err);
	return *ret ? 0 : -1;
}

/* ---- start, stop ---- */

static int set_start_and_stop(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct record_policy *policy = plan->record->policy;

	if (set_file(plan, "pidfile", options->pidfile, &policy->pidfile, err) < 0)
		return -1;
	if (options->stop_timeout.set)
		policy->stop_timeout = (struct json_int){ true, options->stop_timeout.value };
	if (options->stopped_timeout.set && options->auto_remove)
		return error_set(err, 0, "--stopped-timeout does not go with --rm");
	if (options->stopped_timeout.set)
		policy->stopped_timeout =
			(struct json_uint){ true, (uint64_t)options->stopped_timeout.value };
	return 0;
}

/* ---- logs ---- */

static int set_log_size(struct plan *plan, const char *option, const char *text, struct error *err)
{
	int64_t bytes = LOG_SIZE;

	/* -1 is Docker's "never". */
	if (plan_read_size(option, text, true, &bytes, err) < 0)
		return -1;
	plan->record->policy->log_max_size = bytes > 0 ? (uint64_t)bytes : 0;
	return 0;
}

static int set_log_option(struct plan *plan, const char *text, struct error *err)
{
	struct record_policy *policy = plan->record->policy;
	const char *value = strchr(text, '=');

	if (value && str_starts_with(text, "max-size="))
		return set_log_size(plan, "log-opt max-size", value + 1, err);
	if (value && str_starts_with(text, "max-file=")) {
		if (str_to_uint(value + 1, 10, 1000, &policy->log_max_file) && policy->log_max_file)
			return 0;
		return error_set(err, 0, "--log-opt %s: not a number from 1 to 1000", text);
	}
	return error_set(err, 0, "--log-opt %s: only max-size= and max-file= are known", text);
}

static int set_logs(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct record_policy *policy = plan->record->policy;

	if (options->log_driver && strcmp(options->log_driver, "local") != 0)
		return error_set(err, 0,
				 "--log-driver %s: output goes to local files, and "
				 "\"local\" is the only driver (leave it out; --log-max-size "
				 "and --log-max-file rotate them)",
				 options->log_driver);
	policy->log_max_file = LOG_FILES;
	if (set_log_size(plan, "log-max-size", options->log_max_size, err) < 0)
		return -1;
	for (size_t i = 0; i < options->log_opt.count; i++)
		if (set_log_option(plan, options->log_opt.items[i], err) < 0)
			return -1;
	if (options->log_max_file.set)
		policy->log_max_file = (uint64_t)options->log_max_file.value;
	return 0;
}

/* ---- untrusted code ---- */

static int set_limits(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct record_policy *policy = plan->record->policy;
	int64_t bytes = 0;

	if (plan_read_duration("timeout", options->timeout, &policy->timeout_ms, err) < 0 ||
	    plan_read_duration("cpu-time", options->cpu_time, &policy->cpu_time_ms, err) < 0 ||
	    plan_read_size("output-limit", options->output_limit, false, &bytes, err) < 0)
		return -1;
	policy->output_limit = (uint64_t)bytes;
	return set_file(plan, "report", options->report, &policy->report, err);
}

/* ---- health ---- */

static bool mentions_health(const struct create_options *options)
{
	return options->health_cmd || options->health_interval || options->health_timeout ||
	       options->health_start_period || options->health_start_interval ||
	       options->health_retries.set;
}

static int read_time(const char *option, const char *text, int64_t *ret, struct error *err)
{
	uint64_t ms = 0;

	if (!text)
		return 0;
	if (plan_read_duration(option, text, &ms, err) < 0)
		return -1;
	if (ms > INT64_MAX / NANOSECONDS)
		return error_set(err, 0, "--%s %s: too long", option, text);
	*ret = (int64_t)ms * NANOSECONDS;
	return 0;
}

static int set_test(struct image_health *health, const char *command, struct arena *arena,
		    struct error *err)
{
	health->test = NULL;
	health->n_test = 0;
	if (vector_add_text(&health->test, &health->n_test, "CMD-SHELL", arena, err) < 0)
		return -1;
	return vector_add_text(&health->test, &health->n_test, command, arena, err);
}

static int set_times(struct image_health *health, const struct create_options *options,
		     struct error *err)
{
	const struct {
		const char *option, *text;
		int64_t *time;
	} times[] = {
		{ "health-interval", options->health_interval, &health->interval },
		{ "health-timeout", options->health_timeout, &health->timeout },
		{ "health-start-period", options->health_start_period, &health->start_period },
		{ "health-start-interval", options->health_start_interval,
		  &health->start_interval },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		if (read_time(times[i].option, times[i].text, times[i].time, err) < 0)
			return -1;
	return 0;
}

/* An image has no right to keep the host busy; who runs it may say what he wants. */
static void set_least(int64_t *interval)
{
	if (*interval > 0 && *interval < LEAST_OF_IMAGE)
		*interval = LEAST_OF_IMAGE;
}

static int set_health(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	const struct image_health *image = plan->defaults->health;
	bool image_has = image && image->n_test && !str_equal(image->test[0], "NONE");
	struct image_health *health;

	if (options->no_healthcheck && mentions_health(options))
		return error_set(err, 0, "--no-healthcheck does not go with the --health options");
	if (options->no_healthcheck)
		return 0;
	if (!options->health_cmd && !image_has)
		return mentions_health(options)
			       ? error_set(err, 0,
					   "--health options without a check: --health-cmd "
					   "is missing")
			       : 0;
	health = arena_alloc(plan->arena, sizeof(*health), err);
	if (!health)
		return -1;
	if (image) {
		*health = *image;
		set_least(&health->interval);
		set_least(&health->start_interval);
	}
	if (options->health_cmd && set_test(health, options->health_cmd, plan->arena, err) < 0)
		return -1;
	if (set_times(health, options, err) < 0)
		return -1;
	if (options->health_retries.set)
		health->retries = options->health_retries.value;
	plan->record->health = health;
	plan->record->settings->health = health;
	return 0;
}

int plan_policy(struct plan *plan, struct error *err)
{
	const char *restart = plan->options->restart;

	if (restart && *restart &&
	    record_set_restart(plan->record->policy, restart, plan->options->auto_remove, err) < 0)
		return -1;
	if (set_start_and_stop(plan, err) < 0 || set_logs(plan, err) < 0 ||
	    set_limits(plan, err) < 0)
		return -1;
	return set_health(plan, err);
}
