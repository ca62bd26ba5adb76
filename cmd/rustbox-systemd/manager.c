/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-systemd/manager.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"

#define BUS_NAME  "org.freedesktop.systemd1"
#define PATH	  "/org/freedesktop/systemd1"
#define INTERFACE "org.freedesktop.systemd1.Manager"

static void unref_message(sd_bus_message **message)
{
	(void)sd_bus_message_unref(*message);
}
#define cleanup_message	  __attribute__((cleanup(unref_message)))
#define cleanup_bus_error __attribute__((cleanup(sd_bus_error_free)))

static int64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* What is left of the time for it all; at least something, so that no call has none. */
static uint64_t left_us(const struct manager *manager)
{
	int64_t left = manager->deadline_us - now_us();

	return left > 1000 ? (uint64_t)left : 1000;
}

/* ---- the connection ----------------------------------------------------------------------- */

/* Without a bus, as early at boot or in small containers: who owns the manager may ask it. */
static int open_private(bool user, sd_bus **ret)
{
	const char *folder = user ? getenv("XDG_RUNTIME_DIR") : "/run";
	struct error ignored;
	cleanup_free char *address =
		folder ? str_format(&ignored, "unix:path=%s/systemd/private", folder) : NULL;
	sd_bus *bus = NULL;
	int r = address ? sd_bus_new(&bus) : -ENOENT;

	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		*ret = bus;
	else
		(void)sd_bus_unref(bus);
	return r;
}

int manager_open(struct manager *manager, bool user, struct error *err)
{
	int r = user ? sd_bus_open_user(&manager->bus) : sd_bus_open_system(&manager->bus);

	if (r < 0 && open_private(user, &manager->bus) >= 0)
		r = 0;
	manager->deadline_us = now_us() + SYSTEMD_TIMEOUT_MS * INT64_C(1000);
	if (r >= 0)
		return 0;
	manager->bus = NULL;
	error_set(err, -r, "connect to the %s bus", user ? "user's" : "system");
	return error_hint(err, user ? "is `systemctl --user` usable here?"
				    : "is dbus-daemon or dbus-broker running?");
}

void manager_close(struct manager *manager)
{
	manager->bus = sd_bus_flush_close_unref(manager->bus);
}

/* ---- calls -------------------------------------------------------------------------------- */

/* r: what an sd-bus function returned. Always -1. */
static int bus_failed(int r, const char *method, const sd_bus_error *error, struct error *err)
{
	if (error && error->message)
		return error_set(err, 0, "%s: %s (%s)", method, error->message, error->name);
	return error_set(err, -r, "%s", method);
}

static int new_call(struct manager *manager, const char *method, sd_bus_message **ret,
		    struct error *err)
{
	int r = sd_bus_message_new_method_call(manager->bus, ret, BUS_NAME, PATH, INTERFACE,
					       method);

	return r < 0 ? bus_failed(r, method, NULL, err) : 0;
}

/* Fetched only where a property depends on it. */
static int fetch_version(struct manager *manager, struct error *err)
{
	cleanup_bus_error sd_bus_error error = SD_BUS_ERROR_NULL;
	cleanup_free char *text = NULL;
	int r;

	if (manager->version)
		return 0;
	r = sd_bus_get_property_string(manager->bus, BUS_NAME, PATH, INTERFACE, "Version", &error,
				       &text);
	if (r < 0)
		return bus_failed(r, "read the version of systemd", &error, err);
	/* "252.39-1~deb12u2", "v257" */
	const char *digits = text + strcspn(text, "0123456789");
	manager->version = (uint32_t)strtoul(digits, NULL, 10);
	return 0;
}

static int append_property(sd_bus_message *message, const struct systemd_property *property,
			   struct error *err)
{
	struct systemd_property empty = *property;
	int r = 0;

	empty.n_values = 0;
	if (property->replaces)
		r = property_append(message, &empty);
	if (r >= 0 && (property->n_values || !property->replaces))
		r = property_append(message, property);
	return r < 0 ? error_set(err, -r, "the property %s as \"%s\"", property->name,
				 property->type)
		     : 0;
}

/* The array of properties that ends most calls. */
static int append_properties(struct manager *manager, sd_bus_message *message,
			     const struct systemd_request *request, struct error *err)
{
	int r = sd_bus_message_open_container(message, 'a', "(sv)");

	if (r < 0)
		return bus_failed(r, "append properties", NULL, err);
	for (size_t i = 0; i < request->n_properties; i++) {
		const struct systemd_property *property = &request->properties[i];

		if (property->since && fetch_version(manager, err) < 0)
			return -1;
		if (property->since <= manager->version || !property->since)
			if (append_property(message, property, err) < 0)
				return -1;
	}
	r = sd_bus_message_close_container(message);
	return r < 0 ? bus_failed(r, "append properties", NULL, err) : 0;
}

/* ---- jobs --------------------------------------------------------------------------------- */

/* What JobRemoved says of the job that we wait for. */
struct job {
	const char *path;
	char result[32]; /* "" until then */
};

static int on_job_removed(sd_bus_message *message, void *data, sd_bus_error *error)
{
	struct job *job = data;
	const char *path, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0 && job->path &&
	    str_equal(path, job->path))
		(void)snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

static int wait_for_job(struct manager *manager, struct job *job, const char *unit,
			struct error *err)
{
	while (!*job->result) {
		int r = sd_bus_process(manager->bus, NULL);

		if (r == 0 && now_us() >= manager->deadline_us)
			return error_set(err, ETIMEDOUT, "wait for systemd's job on %s", unit);
		if (r == 0)
			r = sd_bus_wait(manager->bus, left_us(manager));
		if (r < 0 && r != -EINTR)
			return bus_failed(r, "wait for systemd's job", NULL, err);
	}
	if (str_equal(job->result, "done"))
		return 0;
	error_set(err, 0, "systemd's job on %s: %s", unit, job->result);
	return error_hint(err, "see `systemctl status %s` and `journalctl -u %s`", unit, unit);
}

/* Calls what answers with a job, and waits for its end. *error is the caller's to look at. */
static int call_for_job(struct manager *manager, sd_bus_message *message, const char *unit,
			sd_bus_error *error, struct error *err)
{
	cleanup_message sd_bus_message *reply = NULL;
	sd_bus_slot *slot = NULL;
	struct job job = { NULL, "" };
	/* Before the call, or the signal could be missed. The bus keeps the order. */
	int r = sd_bus_match_signal_async(manager->bus, &slot, NULL, PATH, INTERFACE, "JobRemoved",
					  on_job_removed, NULL, &job);

	if (r >= 0)
		r = sd_bus_call(manager->bus, message, left_us(manager), error, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "o", &job.path);
	/* A call moves what a message holds: its name is asked for only now. */
	r = r < 0 ? bus_failed(r, sd_bus_message_get_member(message), error, err)
		  : wait_for_job(manager, &job, unit, err);
	(void)sd_bus_slot_unref(slot);
	return r;
}

static int reset_failed(struct manager *manager, const char *unit)
{
	return sd_bus_call_method(manager->bus, BUS_NAME, PATH, INTERFACE, "ResetFailedUnit", NULL,
				  NULL, "s", unit);
}

/* ---- verbs -------------------------------------------------------------------------------- */

/* 1 when there is one of that name; err is set then, too. */
static int try_start(struct manager *manager, const struct systemd_request *request,
		     struct error *err)
{
	cleanup_bus_error sd_bus_error error = SD_BUS_ERROR_NULL;
	cleanup_message sd_bus_message *message = NULL;
	int r;

	if (new_call(manager, "StartTransientUnit", &message, err) < 0)
		return -1;
	r = sd_bus_message_append(message, "ss", request->unit, "fail");
	if (r >= 0 && append_properties(manager, message, request, err) < 0)
		return -1;
	if (r >= 0)
		r = sd_bus_message_append(message, "a(sa(sv))", 0);
	if (r < 0)
		return bus_failed(r, "StartTransientUnit", NULL, err);
	if (call_for_job(manager, message, request->unit, &error, err) == 0)
		return 0;
	return sd_bus_error_has_name(&error, "org.freedesktop.systemd1.UnitExists") ? 1 : -1;
}

int manager_start(struct manager *manager, const struct systemd_request *request, struct error *err)
{
	int r = try_start(manager, request, err);

	/* A unit that has failed is kept for looking at it, by some of the makers of such units. */
	if (r > 0 && reset_failed(manager, request->unit) >= 0)
		r = try_start(manager, request, err);
	if (r <= 0)
		return r;
	return error_hint(err,
			  "a container of that name has to be deleted first: `systemctl "
			  "status %s`",
			  request->unit);
}

int manager_set(struct manager *manager, const struct systemd_request *request, struct error *err)
{
	cleanup_bus_error sd_bus_error error = SD_BUS_ERROR_NULL;
	cleanup_message sd_bus_message *message = NULL;
	int r;

	if (new_call(manager, "SetUnitProperties", &message, err) < 0)
		return -1;
	r = sd_bus_message_append(message, "sb", request->unit, 1);
	if (r >= 0 && append_properties(manager, message, request, err) < 0)
		return -1;
	if (r >= 0)
		r = sd_bus_call(manager->bus, message, left_us(manager), &error, NULL);
	return r < 0 ? bus_failed(r, "SetUnitProperties", &error, err) : 0;
}

int manager_stop(struct manager *manager, const struct systemd_request *request, struct error *err)
{
	cleanup_bus_error sd_bus_error error = SD_BUS_ERROR_NULL;
	cleanup_message sd_bus_message *message = NULL;
	int r;

	if (new_call(manager, "StopUnit", &message, err) < 0)
		return -1;
	r = sd_bus_message_append(message, "ss", request->unit, "replace");
	if (r < 0)
		return bus_failed(r, "StopUnit", NULL, err);
	if (call_for_job(manager, message, request->unit, &error, err) < 0 &&
	    !sd_bus_error_has_name(&error, "org.freedesktop.systemd1.NoSuchUnit"))
		return -1;
	(void)reset_failed(manager, request->unit);
	return 0;
}

int manager_attach(struct manager *manager, const struct systemd_request *request,
		   struct error *err)
{
	cleanup_bus_error sd_bus_error error = SD_BUS_ERROR_NULL;
	uint64_t pid;
	int r;

	if (request->n_properties != 1 || request->properties[0].n_values != 1 ||
	    !str_to_uint(request->properties[0].values[0], 10, INT32_MAX, &pid))
		return error_set(err, EINVAL, "attach: one process is wanted");
	r = sd_bus_call_method(manager->bus, BUS_NAME, PATH, INTERFACE, "AttachProcessesToUnit",
			       &error, NULL, "ssau", request->unit,
			       request->subgroup ? request->subgroup : "", 1, (uint32_t)pid);
	return r < 0 ? bus_failed(r, "AttachProcessesToUnit", &error, err) : 0;
}
