/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From linux.resources to the properties of systemd.resource-control(5). What
 * systemd has no property for, or knows less exactly, is written into the
 * cgroup as well (cgroup_set_limits()); here is what it must know so that it
 * does not take it back when it next writes what it knows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "oci/spec.h"
#include "runtime/systemd_request.h"

/* What an update that gives only a part counts from; SYSTEMD_LIMITS_NEW of a new container. */
struct systemd_limits_now {
	int64_t memory;	 /* bytes; -1: no limit; 0: not known */
	int64_t quota;	 /* microseconds; -1: none */
	uint64_t period; /* microseconds */
};
#define SYSTEMD_LIMITS_NEW                                                                         \
	{                                                                                          \
		0, -1, 100000                                                                      \
	}

/*
 * Adds the properties of what is given. v2: the machine has its controllers on
 * cgroup2. Device rules are translated where `with_devices` says so: always
 * for a new container, since everything else is denied; where systemd cannot
 * express them it is left to allow all, because the rules that count are those
 * of cgroup_set_limits().
 */
int systemd_limits_add(struct systemd_properties *list, const struct spec_resources *resources,
		       bool v2, bool with_devices, const struct systemd_limits_now *now,
		       struct error *err);

/* systemd_devices.c: DevicePolicy and DeviceAllow alone. */
int systemd_devices_add(struct systemd_properties *list, const struct spec_resources *resources,
			struct error *err);
