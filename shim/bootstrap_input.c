/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/bootstrap_input.h"

#include <string.h>

#include "base/fd.h"
#include "base/str.h"
#include "proto/bootstrap.pb-c.h"
#include "proto/unpack.h"
#include "shim/socket_address.h"

typedef Containerd__Runtime__Bootstrap__V1__BootstrapParams BootstrapParams;

enum { INPUT_MAX = 10 << 20, LOG_LEVEL_DEBUG = -4 };

int bootstrap_input_receive(char **ret_data, size_t *ret_size, struct error *err)
{
	return fd_read_all(STDIN_FILENO, "standard input", INPUT_MAX, ret_data, ret_size, err);
}

/* Without the flags, only fields that no Any has can tell. */
static bool is_meant_for(const BootstrapParams *params, const struct shim_flags *flags)
{
	if (!flags->id && !flags->namespace)
		return *params->containerd_grpc_address || *params->containerd_binary;
	return (!flags->id || str_equal(flags->id, params->instance_id)) &&
	       (!flags->namespace || str_equal(flags->namespace, params->namespace_));
}

static void prefer(const char **text, const char *value)
{
	if (*value)
		*text = value;
}

static int find_options(const BootstrapParams *params, struct arena *arena,
			struct runtime_options *ret, struct error *err)
{
	const Google__Protobuf__Any *found = NULL;

	for (size_t i = 0; i < params->n_extensions && !found; i++) {
		const Google__Protobuf__Any *any = params->extensions[i]->value;
		if (any && runtime_options_is_known(any))
			found = any;
	}
	return runtime_options_read(found, arena, ret, err);
}

static int take_params(const BootstrapParams *params, struct arena *arena,
		       struct bootstrap_input *out, struct error *err)
{
	prefer(&out->flags.id, params->instance_id);
	prefer(&out->flags.namespace, params->namespace_);
	prefer(&out->flags.address, params->containerd_grpc_address);
	prefer(&out->flags.publish_binary, params->containerd_binary);
	prefer(&out->ttrpc_address, params->containerd_ttrpc_address);
	prefer(&out->socket_directory, params->socket_dir);
	out->flags.debug = out->flags.debug || params->log_level <= LOG_LEVEL_DEBUG;
	if (out->socket_directory[0] != '/')
		return error_set(err, EINVAL, "socket_dir \"%s\": must be an absolute path",
				 out->socket_directory);
	return find_options(params, arena, &out->options, err);
}

static int take_bytes(const void *data, size_t size, struct arena *arena,
		      struct bootstrap_input *out, struct error *err)
{
	struct error refused;
	const Google__Protobuf__Any *any;
	const BootstrapParams *params = unpack_message_in_arena(
		&containerd__runtime__bootstrap__v1__bootstrap_params__descriptor, size, data,
		arena, &refused);

	if (size && params && is_meant_for(params, &out->flags))
		return take_params(params, arena, out, err);
	any = unpack_message_in_arena(&google__protobuf__any__descriptor, size, data, arena, err);
	if (!any)
		return -1;
	/* Both have the fields 1 and 2, but only params have others. */
	if (!params && any->base.n_unknown_fields) {
		*err = refused;
		return -1;
	}
	return runtime_options_read(any, arena, &out->options, err);
}

int bootstrap_input_read(const struct shim_flags *flags, const void *data, size_t size,
			 struct arena *arena, struct bootstrap_input *ret, struct error *err)
{
	struct bootstrap_input input = { .flags = *flags,
					 .socket_directory = SOCKET_ADDRESS_DIRECTORY };

	if (take_bytes(data, size, arena, &input, err) < 0)
		return error_wrap(err, "standard input");
	if (shim_flags_check(&input.flags, err) < 0)
		return -1;
	*ret = input;
	return 0;
}
