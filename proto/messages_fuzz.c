/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of every kind: the first byte says which one the others are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bootstrap.pb-c.h"
#include "proto/empty.pb-c.h"
#include "proto/events.pb-c.h"
#include "proto/forward.pb-c.h"
#include "proto/info.pb-c.h"
#include "proto/metrics_v1.pb-c.h"
#include "proto/metrics_v2.pb-c.h"
#include "proto/options.pb-c.h"
#include "proto/runtime_options.pb-c.h"
#include "proto/task.pb-c.h"
#include "proto/ttrpc.pb-c.h"
#include "proto/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The seeds know their places: new ones go last. Parts of others need none. */
static const ProtobufCMessageDescriptor *const kinds[] = {
	&ttrpc__request__descriptor,
	&ttrpc__response__descriptor,
	&containerd__task__v2__create_task_request__descriptor,
	&containerd__task__v2__create_task_response__descriptor,
	&containerd__task__v2__start_request__descriptor,
	&containerd__task__v2__start_response__descriptor,
	&containerd__task__v2__delete_request__descriptor,
	&containerd__task__v2__delete_response__descriptor,
	&containerd__task__v2__exec_process_request__descriptor,
	&containerd__task__v2__resize_pty_request__descriptor,
	&containerd__task__v2__state_request__descriptor,
	&containerd__task__v2__state_response__descriptor,
	&containerd__task__v2__kill_request__descriptor,
	&containerd__task__v2__close_iorequest__descriptor,
	&containerd__task__v2__pids_request__descriptor,
	&containerd__task__v2__pids_response__descriptor,
	&containerd__task__v2__checkpoint_task_request__descriptor,
	&containerd__task__v2__update_task_request__descriptor,
	&containerd__task__v2__wait_request__descriptor,
	&containerd__task__v2__wait_response__descriptor,
	&containerd__task__v2__stats_request__descriptor,
	&containerd__task__v2__stats_response__descriptor,
	&containerd__task__v2__connect_request__descriptor,
	&containerd__task__v2__connect_response__descriptor,
	&containerd__task__v2__shutdown_request__descriptor,
	&containerd__task__v2__pause_request__descriptor,
	&containerd__task__v2__resume_request__descriptor,
	&containerd__runtime__bootstrap__v1__bootstrap_params__descriptor,
	&containerd__events__task_create__descriptor,
	&containerd__events__task_start__descriptor,
	&containerd__events__task_exit__descriptor,
	&containerd__events__task_delete__descriptor,
	&containerd__events__task_oom__descriptor,
	&containerd__events__task_exec_added__descriptor,
	&containerd__events__task_exec_started__descriptor,
	&containerd__events__task_paused__descriptor,
	&containerd__events__task_resumed__descriptor,
	&containerd__events__task_checkpointed__descriptor,
	&containerd__services__events__ttrpc__v1__forward_request__descriptor,
	&containerd__types__runtime_info__descriptor,
	&io__containerd__cgroups__v1__metrics__descriptor,
	&io__containerd__cgroups__v2__metrics__descriptor,
	&io__containerd__cgroups__v2__psistats__descriptor,
	&containerd__runc__v1__options__descriptor,
	&containerd__runc__v1__checkpoint_options__descriptor,
	&containerd__runc__v1__process_details__descriptor,
	&runtimeoptions__v1__options__descriptor,
	&google__protobuf__empty__descriptor,
	&google__protobuf__any__descriptor,
	&google__protobuf__timestamp__descriptor,
};

struct packed {
	uint8_t *data;
	size_t size;
};

static struct packed pack(ProtobufCMessage *message)
{
	struct packed p = { .size = protobuf_c_message_get_packed_size(message) };

	p.data = malloc(p.size + 1);
	if (!p.data || !protobuf_c_message_check(message) ||
	    protobuf_c_message_pack(message, p.data) != p.size)
		abort();
	protobuf_c_message_free_unpacked(message, NULL);
	return p;
}

/* What was understood can be written, and is understood alike then. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err;

	if (!size)
		return 0;
	const ProtobufCMessageDescriptor *kind = kinds[data[0] % (sizeof(kinds) / sizeof(*kinds))];
	ProtobufCMessage *message = unpack_message(kind, size - 1, data + 1, NULL, &err);
	if (!message)
		return 0;
	struct packed once = pack(message);
	message = unpack_message(kind, once.size, once.data, NULL, &err);
	if (!message)
		abort();
	struct packed twice = pack(message);
	if (once.size != twice.size || memcmp(once.data, twice.data, once.size) != 0)
		abort();
	free(once.data);
	free(twice.data);
	return 0;
}
