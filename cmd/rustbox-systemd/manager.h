/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd's manager on its bus (org.freedesktop.systemd1(5)): the four calls
 * that containers need. Each returns when systemd is done, the jobs that it
 * has queued for them included. All together wait for SYSTEMD_TIMEOUT_MS at most.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/error.h"
#include "runtime/systemd_request.h"

struct manager {
	sd_bus *bus;
	int64_t deadline_us; /* CLOCK_MONOTONIC */
	uint32_t version;    /* of systemd; 0: not asked yet */
};
#define MANAGER_CLOSED                                                                             \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

/*
 * Connects to the machine's systemd, or that of the calling user: by the bus,
 * or without one by the manager's own socket.
 */
int manager_open(struct manager *manager, bool user, struct error *err);
void manager_close(struct manager *manager);
#define cleanup_manager __attribute__((cleanup(manager_close)))

/* A transient unit. One of that name which has failed makes room for it. */
int manager_start(struct manager *manager, const struct systemd_request *request,
		  struct error *err);

/* The properties, until the unit goes. */
int manager_set(struct manager *manager, const struct systemd_request *request, struct error *err);

/* No error when there is none. */
int manager_stop(struct manager *manager, const struct systemd_request *request, struct error *err);

/* The processes of the only property, PIDs. */
int manager_attach(struct manager *manager, const struct systemd_request *request,
		   struct error *err);

/*
 * property.c: adds name and value to a message that expects "(sv)". A negative
 * errno value, as sd-bus's functions do, when it cannot; EINVAL also where type
 * and values do not fit.
 */
int property_append(sd_bus_message *message, const struct systemd_property *property);
