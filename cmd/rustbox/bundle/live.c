/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/live.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/device_spec.h"
#include "cmd/rustbox/bundle/mount_request.h"

/* A list that was read has no room: a copy of it with a zeroed element at the end; NULL with err.
 */
static void *add_element(void *items, size_t *n, size_t size, struct arena *arena,
			 struct error *err)
{
	char *copy = arena_array(arena, *n + 1, size, err);

	if (!copy)
		return NULL;
	if (*n)
		memcpy(copy, items, *n * size);
	(*n)++;
	return copy;
}
#define ADD_ELEMENT(items, n, arena, err)                                                          \
	({                                                                                         \
		__typeof__(items) copy_ =                                                          \
			add_element((items), &(n), sizeof(*(items)), (arena), (err));              \
		if (copy_)                                                                         \
			(items) = copy_;                                                           \
		copy_ ? &copy_[(n)-1] : NULL;                                                      \
	})
#define REMOVE_ELEMENT(items, n, i)                                                                \
	do {                                                                                       \
		memmove(&(items)[i], &(items)[(i) + 1], ((n) - (i)-1) * sizeof(*(items)));         \
		(n)--;                                                                             \
	} while (0)

/* ---- mounts ---- */

static bool is_of_every_container(const char *target)
{
	static const char *const targets[] = {
		"/proc", "/dev",	   "/dev/pts",	"/dev/shm",
		"/sys",	 "/sys/fs/cgroup", "/dev/init", "/dev/mqueue"
	};

	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		if (strcmp(targets[i], target) == 0)
			return true;
	return false;
}

static int add_option(struct spec_mount *mount, const char *word, struct arena *arena,
		      struct error *err)
{
	char **place;

	if (!word)
		return 0;
	place = ADD_ELEMENT(mount->options, mount->n_options, arena, err);
	if (!place)
		return -1;
	*place = arena_strdup(arena, word, err);
	return *place ? 0 : -1;
}

static int add_options(struct spec_mount *mount, const struct mount_request *request,
		       const struct record *record, struct arena *arena, struct error *err)
{
	const char *const words[] = {
		request->not_recursive ? "bind" : "rbind",
		request->propagation ? request->propagation : "rprivate",
		request->read_only ? "ro" : NULL,
		request->read_only && !request->writable_below && !request->not_recursive ? "rro"
											  : NULL,
		record->isolate_user ? "idmap" : NULL,
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (add_option(mount, words[i], arena, err) < 0)
			return -1;
	for (size_t i = 0; i < request->n_options; i++)
		if (add_option(mount, request->options[i], arena, err) < 0)
			return -1;
	return 0;
}

static int parse_mount(const struct spec *spec, const char *text, struct arena *arena,
		       struct mount_request *ret, struct error *err)
{
	if (mount_request_parse_volume(text, arena, ret, err) < 0)
		return -1;
	if (ret->kind != MOUNT_BIND)
		return error_set(err, EINVAL,
				 "\"%s\": a path of the host is expected (/SOURCE:/TARGET)", text);
	if (access(ret->source, F_OK) < 0)
		return error_set(err, errno, "%s", ret->source);
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (strcmp(spec->mounts[i].destination, ret->destination) == 0)
			return error_set(err, EEXIST, "something is mounted at %s already",
					 ret->destination);
	return 0;
}

int live_add_mount(struct spec *spec, const struct record *record, const char *text,
		   struct arena *arena, struct spec_mount **ret, struct error *err)
{
	struct mount_request request = { 0 };
	struct spec_mount *mount;

	if (parse_mount(spec, text, arena, &request, err) < 0)
		return -1;
	mount = ADD_ELEMENT(spec->mounts, spec->n_mounts, arena, err);
	if (!mount)
		return -1;
	mount->destination = request.destination;
	mount->source = request.source;
	mount->type = arena_strdup(arena, "bind", err);
	*ret = mount;
	return mount->type ? add_options(mount, &request, record, arena, err) : -1;
}

int live_remove_mount(struct spec *spec, const char *target, struct error *err)
{
	if (is_of_every_container(target))
		return error_set(err, EINVAL, "%s is a mount that every container has", target);
	for (size_t i = 0; i < spec->n_mounts; i++)
		if (strcmp(spec->mounts[i].destination, target) == 0) {
			REMOVE_ELEMENT(spec->mounts, spec->n_mounts, i);
			return 0;
		}
	return error_set(err, ENOENT, "nothing is mounted at %s (rustbox inspect shows the mounts)",
			 target);
}

/* ---- devices ---- */

static int allow(struct spec *spec, const struct spec_device *device, const char *access_text,
		 struct arena *arena, struct error *err)
{
	struct spec_resources *resources = spec->linux->resources;
	struct spec_device_rule *rule;

	if (!resources) {
		resources = arena_alloc(arena, sizeof(*resources), err);
		spec->linux->resources = resources;
	}
	rule = resources ? ADD_ELEMENT(resources->devices, resources->n_devices, arena, err) : NULL;
	if (!rule)
		return -1;
	rule->allow = true;
	rule->type = device->type;
	rule->major = (struct json_int){ true, device->major };
	rule->minor = (struct json_int){ true, device->minor };
	rule->access = arena_strdup(arena, access_text, err);
	return rule->access ? 0 : -1;
}

static int look_at_device(const char *source, struct stat *ret, struct error *err)
{
	if (stat(source, ret) < 0)
		return error_set(err, errno, "%s", source);
	if (!S_ISCHR(ret->st_mode) && !S_ISBLK(ret->st_mode))
		return error_set(err, EINVAL, "%s is no device", source);
	return 0;
}

int live_add_device(struct spec *spec, const char *text, struct arena *arena,
		    struct spec_device **ret, char **ret_source, struct error *err)
{
	struct device_request request;
	struct spec_device *device;
	struct stat st;

	if (device_spec_parse(text, arena, &request, err) < 0 ||
	    look_at_device(request.source, &st, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->linux->n_devices; i++)
		if (strcmp(spec->linux->devices[i].path, request.destination) == 0)
			return error_set(err, EEXIST, "there is a device %s already",
					 request.destination);
	device = ADD_ELEMENT(spec->linux->devices, spec->linux->n_devices, arena, err);
	if (!device)
		return -1;
	device->path = request.destination;
	device->type = arena_strdup(arena, S_ISCHR(st.st_mode) ? "c" : "b", err);
	if (!device->type)
		return -1;
	device->major = major(st.st_rdev);
	device->minor = minor(st.st_rdev);
	device->file_mode = (struct json_uint){ true, st.st_mode & 07777 };
	device->uid = (struct json_uint){ true, st.st_uid };
	device->gid = (struct json_uint){ true, st.st_gid };
	*ret = device;
	*ret_source = request.source;
	return allow(spec, device, request.access, arena, err);
}

static bool has_number(const struct spec_linux *linux, const struct spec_device *device)
{
	for (size_t i = 0; i < linux->n_devices; i++)
		if (linux->devices[i].major == device->major &&
		    linux->devices[i].minor == device->minor &&
		    strcmp(linux->devices[i].type, device->type) == 0)
			return true;
	return false;
}

static void disallow(struct spec_resources *resources, const struct spec_device *device)
{
	for (size_t i = resources ? resources->n_devices : 0; i > 0; i--) {
		const struct spec_device_rule *rule = &resources->devices[i - 1];
		if (rule->allow && rule->major.set && rule->minor.set &&
		    rule->major.value == device->major && rule->minor.value == device->minor &&
		    str_equal(rule->type, device->type))
			REMOVE_ELEMENT(resources->devices, resources->n_devices, i - 1);
	}
}

int live_remove_device(struct spec *spec, const char *path, struct error *err)
{
	struct spec_linux *linux = spec->linux;

	for (size_t i = 0; i < linux->n_devices; i++) {
		struct spec_device device = linux->devices[i];
		if (strcmp(device.path, path) != 0)
			continue;
		REMOVE_ELEMENT(linux->devices, linux->n_devices, i);
		if (!has_number(linux, &device))
			disallow(linux->resources, &device);
		return 0;
	}
	return error_set(err, ENOENT, "there is no device %s (rustbox inspect shows them)", path);
}
