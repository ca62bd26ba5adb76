/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/metrics_message.h"

#include "base/str.h"

void metrics_fill_message(void *message, const struct metrics_key *keys, size_t n_keys,
			  const struct cgroup_number *numbers, size_t n_numbers)
{
	for (size_t i = 0; i < n_numbers; i++)
		for (size_t k = 0; k < n_keys; k++)
			if (str_equal(numbers[i].name, keys[k].name)) {
				void *field = (char *)message + keys[k].offset;
				*(uint64_t *)field += numbers[i].value;
				break;
			}
}

void *metrics_make_list(struct arena *arena, const ProtobufCMessageDescriptor *type, size_t count,
			struct error *err)
{
	void **list = arena_array(arena, count, sizeof(*list), err);
	char *messages = list ? arena_array(arena, count, type->sizeof_message, err) : NULL;

	if (!messages)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		list[i] = messages + i * type->sizeof_message;
		protobuf_c_message_init(type, list[i]);
	}
	return list;
}

int metrics_pack_message(const ProtobufCMessage *message, struct arena *arena,
			 Google__Protobuf__Any *ret, struct error *err)
{
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;

	any.type_url = arena_strdup(arena, message->descriptor->name, err);
	any.value.len = protobuf_c_message_get_packed_size(message);
	any.value.data = any.type_url ? arena_alloc(arena, any.value.len, err) : NULL;
	if (!any.value.data)
		return -1;
	(void)protobuf_c_message_pack(message, any.value.data);
	*ret = any;
	return 0;
}
