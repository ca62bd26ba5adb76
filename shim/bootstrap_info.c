/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proto/info.pb-c.h"
#include "proto/unpack.h"
#include "shim/bootstrap.h"
#include "shim/bootstrap_input.h"
#include "shim/engine.h"

#define FEATURES_TYPE "types.containerd.io/opencontainers/runtime-spec/1/features/Features"

/* protobuf-c's texts are not const, though it only reads them. */
static char *text(const char *constant)
{
	return (char *)(uintptr_t)constant;
}

static char *read_features(const struct runtime_options *options, struct error *err)
{
	static const char *const args[] = { "features", NULL };
	const struct engine_verb verb = {
		.options = options, .args = args, .directory = -1, .wants_output = true
	};
	char *features = NULL;

	/* Features are those of no namespace; the runtime's command line wants one. */
	if (engine_run_and_wait("default", &verb, -1, &features, err) < 0)
		return error_wrap(err, "ask the runtime for its features"), NULL;
	if (!features)
		error_set(err, 0, "the runtime has printed no features");
	return features;
}

static int print_info(Google__Protobuf__Any *options, char *features, struct error *err)
{
	Containerd__Types__RuntimeInfo info = CONTAINERD__TYPES__RUNTIME_INFO__INIT;
	Containerd__Types__RuntimeVersion version = CONTAINERD__TYPES__RUNTIME_VERSION__INIT;
	Google__Protobuf__Any feature = GOOGLE__PROTOBUF__ANY__INIT;
	cleanup_free uint8_t *packed = NULL;

	version.version = text(RUSTBOX_VERSION);
	version.revision = text(RUSTBOX_COMMIT);
	feature.type_url = text(FEATURES_TYPE);
	feature.value = (ProtobufCBinaryData){ strlen(features), (uint8_t *)features };
	info.name = text(SHIM_RUNTIME_NAME);
	info.version = &version;
	info.options = options;
	info.features = &feature;
	size_t size = containerd__types__runtime_info__get_packed_size(&info);
	packed = malloc(size);
	if (!packed)
		return error_memory(err);
	(void)containerd__types__runtime_info__pack(&info, packed);
	return fd_write_all(STDOUT_FILENO, "standard output", packed, size, err);
}

int bootstrap_info(struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *input = NULL, *features = NULL;
	struct runtime_options options;
	Google__Protobuf__Any *any;
	size_t size;

	if (bootstrap_input_receive(&input, &size, err) < 0)
		return -1;
	any = unpack_message_in_arena(&google__protobuf__any__descriptor, size, input, &arena, err);
	if (!any || runtime_options_read(any, &arena, &options, err) < 0)
		return error_wrap(err, "standard input");
	features = read_features(&options, err);
	if (!features)
		return -1;
	return print_info(size ? any : NULL, features, err);
}

void bootstrap_version(void)
{
	(void)printf(
		"containerd-shim-rustbox-v1:\n  Version:  %s\n  Revision: %s\n  Runtime:  %s\n",
		RUSTBOX_VERSION, *RUSTBOX_COMMIT ? RUSTBOX_COMMIT : "unknown", SHIM_RUNTIME_NAME);
}
