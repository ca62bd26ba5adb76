/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules for systemd: DevicePolicy=strict and a list of what is allowed.
 * On cgroup2 its program and ours must both allow; on v1 both write the same
 * list, and systemd writes its own again whenever it reloads: a container
 * whose rules it did not know would have all devices then.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "runtime/cgroup_devices.h"
#include "runtime/systemd_limits.h"

/* Majors by number are known from here on. */
enum { SINCE_MAJORS = 240 };

#define cleanup_rules __attribute__((cleanup(cgroup_device_rules_done)))

/* What systemd calls the devices of an exception; NULL with err. It has no "any major, this minor".
 */
static char *device_name(const struct cgroup_device_rule *rule, struct arena *arena,
			 struct error *err)
{
	const char *type = rule->types == CGROUP_DEVICE_BLOCK ? "block" : "char";

	if (rule->major == CGROUP_DEVICE_ANY)
		return arena_format(arena, err, "%s-*", type);
	if (rule->minor == CGROUP_DEVICE_ANY)
		return arena_format(arena, err, "%s-%" PRId64, type, rule->major);
	return arena_format(arena, err, "/dev/%s/%" PRId64 ":%" PRId64, type, rule->major,
			    rule->minor);
}

static char *access_text(const struct cgroup_device_rule *rule, struct arena *arena,
			 struct error *err)
{
	return arena_format(arena, err, "%s%s%s", rule->access & CGROUP_DEVICE_READ ? "r" : "",
			    rule->access & CGROUP_DEVICE_WRITE ? "w" : "",
			    rule->access & CGROUP_DEVICE_MKNOD ? "m" : "");
}

static bool can_be_expressed(const struct cgroup_device_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (!rules->rules[i].allow || (rules->rules[i].major == CGROUP_DEVICE_ANY &&
					       rules->rules[i].minor != CGROUP_DEVICE_ANY))
			return false;
	return !rules->allow_by_default;
}

/* rules: all of them allow. */
static int set(struct systemd_properties *list, const char *policy,
	       const struct cgroup_device_rule *rules, size_t n_rules, struct error *err)
{
	const char **values = arena_array(list->arena, 2 * n_rules, sizeof(*values), err);
	size_t n = 0;

	if (!values)
		return -1;
	for (size_t i = 0; i < n_rules; i++) {
		values[n] = device_name(&rules[i], list->arena, err);
		values[n + 1] = access_text(&rules[i], list->arena, err);
		if (!values[n] || !values[n + 1])
			return -1;
		n += 2;
	}
	if (systemd_property_set(list, "DevicePolicy", "s", &policy, 1, err) < 0)
		return -1;
	systemd_property_since(list, SINCE_MAJORS);
	if (systemd_property_set(list, "DeviceAllow", "a(ss)", values, n, err) < 0)
		return -1;
	systemd_property_since(list, SINCE_MAJORS);
	systemd_property_replaces(list);
	return 0;
}

int systemd_devices_add(struct systemd_properties *list, const struct spec_resources *resources,
			struct error *err)
{
	cleanup_rules struct cgroup_device_rules rules = CGROUP_DEVICE_RULES_EMPTY;
	cleanup_rules struct cgroup_device_rules exceptions = CGROUP_DEVICE_RULES_EMPTY;
	struct error reason;

	if (cgroup_device_rules_of_spec(resources->devices, resources->n_devices, &rules, err) < 0)
		return -1;
	if (cgroup_device_exceptions(&rules, &exceptions, &reason) == 0 &&
	    can_be_expressed(&exceptions))
		return set(list, "strict", exceptions.rules, exceptions.count, err);
	log_debug("systemd cannot express the device rules: they are ours alone");
	return set(list, "auto", NULL, 0, err);
}
