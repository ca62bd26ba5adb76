/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What users want mounted: --volume, --mount, --tmpfs, --volumes-from and the
 * image's volumes. The record tells of them; volumes are made by bundle_write().
 */
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/vector.h"

enum { ANONYMOUS_BYTES = 32 };

static struct mount_request *find_request(const struct plan *plan, const char *destination)
{
	for (size_t i = 0; i < plan->n_mounts; i++)
		if (strcmp(plan->mounts[i].destination, destination) == 0)
			return &plan->mounts[i];
	return NULL;
}

static int add_request(struct plan *plan, const struct mount_request *request, struct error *err)
{
	struct mount_request *element;

	if (find_request(plan, request->destination))
		return error_set(err, 0, "two mounts at %s", request->destination);
	element = VECTOR_ADD(plan->mounts, plan->n_mounts, plan->arena, err);
	if (!element)
		return -1;
	*element = *request;
	return 0;
}

static int add_given(struct plan *plan, const struct option_strings *given,
		     int (*parse)(const char *, struct arena *, struct mount_request *,
				  struct error *),
		     struct error *err)
{
	for (size_t i = 0; i < given->count; i++) {
		struct mount_request request;

		if (parse(given->items[i], plan->arena, &request, err) < 0 ||
		    add_request(plan, &request, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- --volumes-from ---- */

static int inherit(struct plan *plan, const struct record_mount *mount, bool read_only,
		   struct error *err)
{
	struct mount_request request = {
		.kind = mount->name ? MOUNT_VOLUME : MOUNT_BIND,
		.source = mount->name ? mount->name : mount->source,
		.destination = mount->destination,
		.read_only = mount->read_only || read_only,
		.no_copy = true,
	};

	/* What is said of this container counts more; a tmpfs has nothing to share. */
	if (strcmp(mount->type, "tmpfs") == 0 || find_request(plan, mount->destination))
		return 0;
	return add_request(plan, &request, err);
}

static int inherit_from(struct plan *plan, const char *text, struct error *err)
{
	size_t n = strcspn(text, ":");
	const char *mode = text[n] ? text + n + 1 : "rw";
	char *name = arena_strndup(plan->arena, text, n, err);
	struct record *other;

	if (strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0)
		return error_set(err, 0, "write ID, ID:ro or ID:rw");
	if (!name || store_find(plan->store, name, plan->arena, &other, err) < 0)
		return -1;
	for (size_t i = 0; i < other->n_mounts; i++)
		if (inherit(plan, &other->mounts[i], strcmp(mode, "ro") == 0, err) < 0)
			return -1;
	return 0;
}

/* ---- the image's ---- */

static int add_image_volumes(struct plan *plan, struct error *err)
{
	const struct image_settings *settings = plan->record->settings;

	for (size_t i = 0; i < settings->n_volumes; i++) {
		struct mount_request request;

		if (mount_request_parse_volume(settings->volumes[i].key, plan->arena, &request,
					       err) < 0 ||
		    request.source)
			return error_set(err, 0,
					 "the image's volume \"%s\" is not an absolute path",
					 settings->volumes[i].key);
		request.from_image = true;
		if (!find_request(plan, request.destination) &&
		    add_request(plan, &request, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the record's side ---- */

/* 64 hex digits. */
static char *make_name(struct arena *arena, struct error *err)
{
	unsigned char bytes[ANONYMOUS_BYTES];
	char *name = arena_alloc(arena, 2 * sizeof(bytes) + 1, err);

	if (name && getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes)) {
		error_set(err, errno, "getrandom");
		return NULL;
	}
	for (size_t i = 0; name && i < sizeof(bytes); i++) {
		name[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		name[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	return name;
}

static int check_bind(const struct mount_request *request, struct error *err)
{
	struct stat st;

	if (request->relabel && access("/sys/fs/selinux/enforce", F_OK) == 0)
		return error_set(err, 0,
				 "mount at %s: z and Z (SELinux labels) are not supported; "
				 "chcon -R -t container_file_t %s does it",
				 request->destination, request->source ? request->source : "");
	if (request->kind != MOUNT_BIND || stat(request->source, &st) == 0)
		return 0;
	if (errno == ENOENT && request->makes_source)
		return 0;
	return error_set(err, errno, "mount at %s: %s", request->destination, request->source);
}

static int note_no_copy(struct plan *plan, const char *destination, struct error *err)
{
	char *key = arena_format(plan->arena, err, BUNDLE_ANNOTATION_NO_COPY "%s", destination);

	return key ? plan_annotate(plan, key, "", err) : -1;
}

static int tell_record(struct plan *plan, struct mount_request *request, struct error *err)
{
	static const char *const types[] = { "bind", "volume", "tmpfs" };
	struct record *record = plan->record;
	struct record_mount *mount = VECTOR_ADD(record->mounts, record->n_mounts, plan->arena, err);

	if (!mount || !(mount->type = arena_strdup(plan->arena, types[request->kind], err)))
		return -1;
	mount->destination = request->destination;
	mount->read_only = request->read_only;
	if (request->kind == MOUNT_BIND)
		mount->source = request->source;
	if (request->kind != MOUNT_VOLUME)
		return 0;
	mount->anonymous = !request->source;
	if (!request->source && !(request->source = make_name(plan->arena, err)))
		return -1;
	mount->name = request->source;
	if (request->no_copy && note_no_copy(plan, request->destination, err) < 0)
		return -1;
	cleanup_free char *data = store_path(plan->store, "volumes", request->source, "data", err);
	mount->source = data ? arena_strdup(plan->arena, data, err) : NULL;
	return mount->source ? 0 : -1;
}

int plan_volumes(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;

	if (add_given(plan, &options->mount, mount_request_parse_mount, err) < 0 ||
	    add_given(plan, &options->volume, mount_request_parse_volume, err) < 0 ||
	    add_given(plan, &options->tmpfs, mount_request_parse_tmpfs, err) < 0)
		return -1;
	for (size_t i = 0; i < options->volumes_from.count; i++)
		if (inherit_from(plan, options->volumes_from.items[i], err) < 0)
			return error_wrap(err, "--volumes-from %s", options->volumes_from.items[i]);
	if (add_image_volumes(plan, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_mounts; i++)
		if (check_bind(&plan->mounts[i], err) < 0 ||
		    tell_record(plan, &plan->mounts[i], err) < 0)
			return -1;
	return 0;
}
