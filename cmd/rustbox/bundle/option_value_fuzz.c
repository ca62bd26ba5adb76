/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte says which option it is the value of. */
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/bundle/device_spec.h"
#include "cmd/rustbox/bundle/id_map.h"
#include "cmd/rustbox/bundle/mount_request.h"
#include "cmd/rustbox/bundle/port_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_mount(int (*parse)(const char *, struct arena *, struct mount_request *,
				     struct error *),
			const char *text, struct arena *arena)
{
	struct mount_request request;
	struct error err;

	if (parse(text, arena, &request, &err) < 0)
		return;
	if (!request.destination || request.destination[0] != '/' || !request.destination[1])
		abort();
	if (request.kind == MOUNT_BIND && (!request.source || request.source[0] != '/'))
		abort();
}

static void check_port(const char *text, struct arena *arena)
{
	struct record_port *ports = NULL;
	struct port_range range;
	struct error err;
	size_t n = 0;

	if (port_spec_parse_published(text, arena, &ports, &n, &err) == 0) {
		for (size_t i = 0; i < n; i++)
			if (!ports[i].container_port || !ports[i].protocol)
				abort();
	}
	if (port_spec_parse_exposed(text, &range, &err) == 0 && range.first > range.last)
		abort();
}

static void check_others(const char *text, struct arena *arena)
{
	struct spec_id_mapping *maps = NULL;
	struct device_request device;
	struct spec_device_rule rule;
	uint64_t highest = 0;
	uint32_t first;
	struct error err;
	size_t n = 0;

	if (device_spec_parse(text, arena, &device, &err) == 0 && *device.destination != '/')
		abort();
	(void)device_spec_parse_rule(text, arena, &rule, &err);
	(void)id_map_parse(text, arena, &maps, &n, &err);
	(void)id_map_find(text, &first, &highest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_EMPTY;
	struct error err;
	char *text = size ? arena_strndup(&arena, (const char *)data + 1, size - 1, &err) : NULL;

	if (!text)
		return 0;
	switch (data[0]) {
	case 'v':
		check_mount(mount_request_parse_volume, text, &arena);
		break;
	case 'm':
		check_mount(mount_request_parse_mount, text, &arena);
		break;
	case 't':
		check_mount(mount_request_parse_tmpfs, text, &arena);
		break;
	case 'p':
		check_port(text, &arena);
		break;
	default:
		check_others(text, &arena);
	}
	arena_free(&arena);
	return 0;
}
