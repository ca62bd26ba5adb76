/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/number_list.h"
#include "base/str.h"
#include "oci/spec_check_parts.h"

static const char *const propagations[] = {
	"private", "shared", "slave",	    "unbindable", "rprivate",
	"rshared", "rslave", "runbindable", NULL,
};
static const char *const domains[] = { "LINUX", "LINUX32", NULL };

/* -- Namespaces -- */

static int check_namespaces(const struct spec_linux *linux, struct error *err)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < linux->n_namespaces; i++) {
		const struct spec_namespace *ns = &linux->namespaces[i];
		unsigned int bit = 1U << (unsigned int)ns->type;
		if (seen & bit)
			return error_set(err, 0, "namespaces[%zu].type: %s is there twice", i,
					 spec_namespace_name((enum spec_namespace_type)ns->type));
		seen |= bit;
		if (ns->path && *ns->path != '/')
			return error_set(err, 0, "namespaces[%zu].path: \"%.200s\" is not absolute",
					 i, ns->path);
	}
	return 0;
}

static int check_user_namespace(const struct spec *spec, struct error *err)
{
	const struct spec_linux *linux = spec->linux;
	const struct spec_namespace *ns = spec_find_namespace(spec, NAMESPACE_USER);

	if (!ns && (linux->n_uid_mappings || linux->n_gid_mappings))
		return error_set(err, 0, "%s: needs a user namespace",
				 linux->n_uid_mappings ? "uidMappings" : "gidMappings");
	if (ns && !ns->path && (!linux->n_uid_mappings || !linux->n_gid_mappings))
		return error_set(err, 0, "%s: user namespaces enabled, but no mappings found",
				 linux->n_uid_mappings ? "gidMappings" : "uidMappings");
	if (spec_check_mappings(linux->uid_mappings, linux->n_uid_mappings, err) < 0)
		return spec_check_within(err, "uidMappings");
	if (spec_check_mappings(linux->gid_mappings, linux->n_gid_mappings, err) < 0)
		return spec_check_within(err, "gidMappings");
	return 0;
}

static int check_time_offset(const struct spec_time_offset *offset, struct error *err)
{
	if (!str_equal(offset->clock, "boottime") && !str_equal(offset->clock, "monotonic"))
		return error_set(err, 0, "timeOffsets.%s: no clock of a time namespace",
				 offset->clock);
	if (offset->nanosecs > 999999999)
		return error_set(err, 0, "timeOffsets.%s.nanosecs: more than 999999999",
				 offset->clock);
	return 0;
}

static int check_time_namespace(const struct spec *spec, struct error *err)
{
	const struct spec_linux *linux = spec->linux;
	const struct spec_namespace *ns = spec_find_namespace(spec, NAMESPACE_TIME);

	if (!linux->n_time_offsets)
		return 0;
	if (!ns)
		return error_set(err, 0, "timeOffsets: needs a time namespace");
	if (ns->path)
		return error_set(err, 0,
				 "timeOffsets: cannot be set in a time namespace that is "
				 "joined by path");
	for (size_t i = 0; i < linux->n_time_offsets; i++)
		if (check_time_offset(&linux->time_offsets[i], err) < 0)
			return -1;
	return 0;
}

/* -- Memory policy -- */

static bool is_listed(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(name, names[i]))
			return true;
	return false;
}

static int check_memory_policy(const struct spec_memory_policy *policy, struct error *err)
{
	static const char *const modes[] = { "MPOL_DEFAULT",	"MPOL_BIND",
					     "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE",
					     "MPOL_PREFERRED",	"MPOL_PREFERRED_MANY",
					     "MPOL_LOCAL" };
	static const char *const flags[] = { "MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES",
					     "MPOL_F_STATIC_NODES" };
	static const char *const without_nodes[] = { "MPOL_DEFAULT", "MPOL_LOCAL" };
	struct number_list nodes = { { 0 } };

	if (!policy)
		return 0;
	if (!policy->mode || !is_listed(policy->mode, modes, sizeof(modes) / sizeof(*modes)))
		return error_set(err, 0, "memoryPolicy.mode: invalid memory policy mode \"%s\"",
				 policy->mode ? policy->mode : "");
	for (size_t i = 0; i < policy->n_flags; i++)
		if (!is_listed(policy->flags[i], flags, sizeof(flags) / sizeof(*flags)))
			return error_set(
				err, 0,
				"memoryPolicy.flags[%zu]: invalid memory policy flag \"%s\"", i,
				policy->flags[i]);
	if (policy->nodes && !number_list_parse(policy->nodes, &nodes))
		return error_set(err, 0, "memoryPolicy.nodes: invalid memory policy nodes \"%s\"",
				 policy->nodes);
	size_t count = number_list_count(&nodes);
	if (count && is_listed(policy->mode, without_nodes, 2))
		return error_set(err, 0, "memoryPolicy.nodes: %s mode requires 0 nodes but got %zu",
				 policy->mode, count);
	return 0;
}

/* -- Devices -- */

/* makedev(3) on Linux: 12 bits and 20. */
static int check_device_number(const struct spec_device *device, struct error *err)
{
	if (device->major < 0 || device->major > 0xfff)
		return error_set(err, 0, "major: missing, or not within 0 and %d", 0xfff);
	if (device->minor < 0 || device->minor > 0xfffff)
		return error_set(err, 0, "minor: missing, or not within 0 and %d", 0xfffff);
	return 0;
}

static uint64_t type_bits(char type)
{
	return type == 'b' ? 0060000 : type == 'p' ? 0010000 : 0020000;
}

static int check_device(const struct spec_device *device, struct error *err)
{
	uint64_t mode = device->file_mode.value;

	if (strlen(device->type) != 1 || !strchr("cubp", *device->type))
		return error_set(err, 0, "type: \"%.64s\" is none of c, u, b, p", device->type);
	if (*device->path != '/')
		return error_set(err, 0, "path: \"%.200s\" is not absolute", device->path);
	if (*device->type != 'p' && check_device_number(device, err) < 0)
		return -1;
	/* Some callers pass st_mode as it is. */
	if (mode > 07777 && (mode & ~UINT64_C(07777)) != type_bits(*device->type))
		return error_set(err, 0, "fileMode: %" PRIu64 " is more than 4095 (octal 7777)",
				 mode);
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct spec_device *const *x = a, *const *y = b;
	int order = strcmp((*x)->path, (*y)->path);

	/* By place in the list then, so that the message names the later one. */
	return order ? order : (*x > *y) - (*x < *y);
}

static bool is_same_device(const struct spec_device *a, const struct spec_device *b)
{
	return strcmp(a->type, b->type) == 0 && a->major == b->major && a->minor == b->minor;
}

/* A device that is listed twice does no harm, two devices at one path do. */
static int check_device_paths(const struct spec_linux *linux, struct error *err)
{
	cleanup_free const struct spec_device **sorted =
		calloc(linux->n_devices + 1, sizeof(*sorted));

	if (!sorted)
		return error_memory(err);
	for (size_t i = 0; i < linux->n_devices; i++)
		sorted[i] = &linux->devices[i];
	qsort(sorted, linux->n_devices, sizeof(*sorted), compare_paths);
	for (size_t i = 1; i < linux->n_devices; i++)
		if (strcmp(sorted[i - 1]->path, sorted[i]->path) == 0 &&
		    !is_same_device(sorted[i - 1], sorted[i]))
			return error_set(err, 0,
					 "devices[%td].path: %.200s is another device already",
					 sorted[i] - linux->devices, sorted[i]->path);
	return 0;
}

static int check_devices(const struct spec_linux *linux, struct error *err)
{
	for (size_t i = 0; i < linux->n_devices; i++)
		if (check_device(&linux->devices[i], err) < 0)
			return spec_check_within(err, "devices[%zu]", i);
	return check_device_paths(linux, err);
}

/* -- Paths, names -- */

static int check_absolute(char *const *paths, size_t n, const char *key, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (*paths[i] != '/')
			return error_set(err, 0, "%s[%zu]: \"%.200s\" is not absolute", key, i,
					 paths[i]);
	return 0;
}

/* Leaving the place that the runtime chose, by way of "..": SECURITY.md S16. */
static int check_cgroups_path(const char *path, struct error *err)
{
	if (!path)
		return 0;
	for (const char *s = path; s; s = strchr(s, '/')) {
		s += *s == '/';
		if (strcspn(s, "/") == 2 && s[0] == '.' && s[1] == '.')
			return error_set(err, 0, "cgroupsPath: must not contain \"..\"");
	}
	return spec_check_line(path, "cgroupsPath", err);
}

static int check_personality(const struct spec_personality *personality, struct error *err)
{
	if (!personality)
		return 0;
	if (!spec_check_known(domains, personality->domain))
		return error_set(err, 0, "personality.domain: \"%.64s\" is none of LINUX, LINUX32",
				 personality->domain);
	if (personality->n_flags)
		return error_set(err, 0, "personality.flags[0]: \"%.64s\" is not known",
				 personality->flags[0]);
	return 0;
}

static int check_names(const struct spec_linux *linux, struct error *err)
{
	if (linux->rootfs_propagation && !spec_check_known(propagations, linux->rootfs_propagation))
		return error_set(err, 0, "rootfsPropagation: \"%.64s\" is not known",
				 linux->rootfs_propagation);
	if (check_absolute(linux->masked_paths, linux->n_masked_paths, "maskedPaths", err) < 0 ||
	    check_absolute(linux->readonly_paths, linux->n_readonly_paths, "readonlyPaths", err) <
		    0)
		return -1;
	if (spec_check_line(linux->mount_label, "mountLabel", err) < 0 ||
	    check_cgroups_path(linux->cgroups_path, err) < 0)
		return -1;
	return check_personality(linux->personality, err);
}

/* -- Network devices -- */

/* Linux, dev_valid_name(); "%d" may stand at the end of a name in the container. */
static bool is_interface_name(const char *name, bool may_be_template)
{
	enum { LENGTH_MAX = 15 };
	size_t n = strlen(name);

	if (may_be_template && str_ends_with(name, "%d"))
		n -= 2;
	for (size_t i = 0; i < n; i++)
		if (strchr("/:% \t\n\v\f\r", name[i]))
			return false;
	return n > 0 && strlen(name) <= LENGTH_MAX && !str_equal(name, ".") &&
	       !str_equal(name, "..");
}

static int check_net_devices(const struct spec *spec, struct error *err)
{
	const struct spec_linux *linux = spec->linux;

	for (size_t i = 0; i < linux->n_net_devices; i++) {
		const struct spec_net_device *device = &linux->net_devices[i];
		if (!is_interface_name(device->host_name, false))
			return error_set(err, 0, "netDevices: \"%.64s\" is no name of an interface",
					 device->host_name);
		if (device->name && !is_interface_name(device->name, true))
			return error_set(err, 0,
					 "netDevices[\"%s\"].name: \"%.64s\" is no name of an "
					 "interface",
					 device->host_name, device->name);
		for (size_t j = 0; j < i; j++)
			if (device->name && !str_ends_with(device->name, "%d") &&
			    str_equal(device->name, linux->net_devices[j].name))
				return error_set(err, 0,
						 "netDevices[\"%s\"].name: \"%s\" is there twice",
						 device->host_name, device->name);
	}
	if (linux->n_net_devices && !spec_find_namespace(spec, NAMESPACE_NETWORK))
		return error_set(err, 0, "netDevices: needs a network namespace");
	return 0;
}

/* -- Intel RDT -- */

/* It becomes the name of a folder; "/" is the root of them all. */
static bool is_class_name(const char *name)
{
	static const char *const kernels[] = { ".", "..", "info", "mon_groups", "mon_data", NULL };

	return str_equal(name, "/") || (!strpbrk(name, "/\n") && !spec_check_known(kernels, name));
}

int spec_check_rdt_schema(const char *text, const char *key, const char *prefix, struct error *err)
{
	if (text && !str_starts_with(text, prefix))
		return error_set(err, 0, "%s: \"%.64s\" does not begin with %s", key, text, prefix);
	return spec_check_line(text, key, err);
}

static int check_intel_rdt(const struct spec_intel_rdt *rdt, struct error *err)
{
	if (!rdt)
		return 0;
	if (rdt->clos_id && !is_class_name(rdt->clos_id))
		return error_set(err, 0, "intelRdt.closID: \"%.64s\" is not the name of a class",
				 rdt->clos_id);
	if (spec_check_rdt_schema(rdt->l3_cache_schema, "intelRdt.l3CacheSchema", "L3", err) < 0 ||
	    spec_check_rdt_schema(rdt->mem_bw_schema, "intelRdt.memBwSchema", "MB:", err) < 0)
		return -1;
	for (size_t i = 0; i < rdt->n_schemata; i++)
		if (strpbrk(rdt->schemata[i], "\n\r"))
			return error_set(
				err, 0, "intelRdt.schemata[%zu]: must not contain a line break", i);
	return 0;
}

static int check_all(const struct spec *spec, struct error *err)
{
	const struct spec_linux *linux = spec->linux;

	if (check_namespaces(linux, err) < 0 || check_user_namespace(spec, err) < 0 ||
	    check_time_namespace(spec, err) < 0 ||
	    check_memory_policy(linux->memory_policy, err) < 0)
		return -1;
	if (check_devices(linux, err) < 0 || check_net_devices(spec, err) < 0 ||
	    check_intel_rdt(linux->intel_rdt, err) < 0 || spec_check_sysctl(spec, err) < 0)
		return -1;
	return check_names(linux, err);
}

int spec_check_linux(const struct spec *spec, struct error *err)
{
	const struct spec_linux *linux = spec->linux;

	if (check_all(spec, err) < 0)
		return spec_check_within(err, "linux");
	if (linux->resources && spec_check_resources(linux->resources, "linux.resources", err) < 0)
		return -1;
	return linux->seccomp ? spec_check_seccomp(linux->seccomp, err) : 0;
}
