/* SPDX-License-Identifier: Apache-2.0 */
/* Devices of the host, and which ones the container's cgroup lets it use. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/directory.h"
#include "base/fd.h"
#include "base/str.h"
#include "cmd/rustbox/bundle/device_spec.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"

enum { DEPTH_MAX = 8 };

struct walk {
	struct plan *plan;
	const char *access;
	bool all; /* of --privileged: what is not for containers is passed over */
	size_t found;
};

static void close_folder(DIR **folder)
{
	if (*folder)
		(void)closedir(*folder);
}
#define cleanup_folder __attribute__((cleanup(close_folder)))

static int allow(struct plan *plan, const struct spec_device_rule *rule, struct error *err)
{
	struct spec_resources *resources = plan->spec->linux->resources;
	struct spec_device_rule *element =
		VECTOR_ADD(resources->devices, resources->n_devices, plan->arena, err);

	if (!element)
		return -1;
	*element = *rule;
	return 0;
}

/* The last one at a place counts. */
static struct spec_device *place_for(struct plan *plan, const char *path, struct error *err)
{
	struct spec_linux *linux = plan->spec->linux;

	for (size_t i = 0; i < linux->n_devices; i++)
		if (strcmp(linux->devices[i].path, path) == 0)
			return &linux->devices[i];
	return VECTOR_ADD(linux->devices, linux->n_devices, plan->arena, err);
}

static int add_device(struct walk *walk, const struct stat *st, const char *path, struct error *err)
{
	struct plan *plan = walk->plan;
	struct spec_device *device = place_for(plan, path, err);
	struct spec_device_rule rule = {
		.allow = true,
		.major = { true, major(st->st_rdev) },
		.minor = { true, minor(st->st_rdev) },
	};

	if (!device || !(device->path = arena_strdup(plan->arena, path, err)) ||
	    !(device->type = arena_strdup(plan->arena, S_ISCHR(st->st_mode) ? "c" : "b", err)))
		return -1;
	device->major = major(st->st_rdev);
	device->minor = minor(st->st_rdev);
	device->file_mode = (struct json_uint){ true, st->st_mode & 07777 };
	device->uid = (struct json_uint){ true, st->st_uid };
	device->gid = (struct json_uint){ true, st->st_gid };
	walk->found++;
	if (walk->all)
		return 0; /* one rule allows all */
	rule.type = device->type;
	rule.access = arena_strdup(plan->arena, walk->access, err);
	return rule.access ? allow(plan, &rule, err) : -1;
}

static int add_folder(struct walk *walk, int parent, const char *name, const char *path, int depth,
		      struct error *err);

static bool is_passed_over(const struct walk *walk, const char *name, int depth)
{
	/* File systems of their own, of the container; the terminal is its own, too. */
	static const char *const others[] = { "pts", "shm", "mqueue", "fd", "console", "ptmx" };

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	for (size_t i = 0; walk->all && depth == 0 && i < sizeof(others) / sizeof(*others); i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	return walk->all && *name == '.';
}

static int add_entry(struct walk *walk, int folder, const char *name, const char *path, int depth,
		     struct error *err)
{
	char *inside;
	struct stat st;

	/* A link is no device; what has gone meanwhile is none either. */
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	inside = arena_format(walk->plan->arena, err, "%s/%s", path, name);
	if (!inside)
		return -1;
	if (S_ISDIR(st.st_mode))
		return add_folder(walk, folder, name, inside, depth + 1, err);
	return S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ? add_device(walk, &st, inside, err) : 0;
}

static int add_folder(struct walk *walk, int parent, const char *name, const char *path, int depth,
		      struct error *err)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_folder DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder) {
		error_set(err, errno, "open %s", name);
		fd_close(&fd);
		return -1;
	}
	if (depth > DEPTH_MAX)
		return 0;
	int rc;
	for (const struct dirent *entry; (rc = directory_next(folder, name, &entry, err)) > 0;)
		if (!is_passed_over(walk, entry->d_name, depth) &&
		    add_entry(walk, dirfd(folder), entry->d_name, path, depth, err) < 0)
			return -1;
	return rc;
}

static int add_given(struct plan *plan, const char *text, struct error *err)
{
	struct walk walk = { .plan = plan };
	struct device_request request;
	struct stat st;

	if (device_spec_parse(text, plan->arena, &request, err) < 0)
		return -1;
	walk.access = request.access;
	if (stat(request.source, &st) < 0)
		return error_set(err, errno, "%s", request.source);
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return add_device(&walk, &st, request.destination, err);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, 0, "%s is no device", request.source);
	if (add_folder(&walk, AT_FDCWD, request.source, request.destination, 0, err) < 0)
		return -1;
	return walk.found ? 0 : error_set(err, 0, "no device is in %s", request.source);
}

static int add_all(struct plan *plan, struct error *err)
{
	struct walk walk = { .plan = plan, .all = true };
	struct spec_device_rule everything = { .allow = true };

	everything.access = arena_strdup(plan->arena, "rwm", err);
	if (!everything.access || allow(plan, &everything, err) < 0)
		return -1;
	/* Where the host's own is mounted there is nothing to make. */
	for (size_t i = 0; i < plan->n_mounts; i++)
		if (strcmp(plan->mounts[i].destination, "/dev") == 0)
			return 0;
	return add_folder(&walk, AT_FDCWD, "/dev", "/dev", 0, err);
}

static int add_rule(struct plan *plan, const char *text, struct error *err)
{
	struct spec_device_rule rule;

	if (device_spec_parse_rule(text, plan->arena, &rule, err) < 0 ||
	    allow(plan, &rule, err) < 0)
		return error_wrap(err, "--device-cgroup-rule");
	return 0;
}

int plan_devices(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct spec_device_rule nothing = { .allow = false };

	plan->spec->linux->resources =
		arena_alloc(plan->arena, sizeof(*plan->spec->linux->resources), err);
	if (!plan->spec->linux->resources ||
	    !(nothing.access = arena_strdup(plan->arena, "rwm", err)) ||
	    allow(plan, &nothing, err) < 0)
		return -1;
	if (options->privileged && add_all(plan, err) < 0)
		return error_wrap(err, "--privileged");
	for (size_t i = 0; i < options->device.count; i++)
		if (add_given(plan, options->device.items[i], err) < 0)
			return error_wrap(err, "--device %s", options->device.items[i]);
	for (size_t i = 0; i < options->device_cgroup_rule.count; i++)
		if (add_rule(plan, options->device_cgroup_rule.items[i], err) < 0)
			return -1;
	return 0;
}
