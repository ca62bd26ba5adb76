/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses the type, the rest is the Any's value. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "shim/runtime_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ignore(void *data, enum log_level level, const char *text)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "containerd.runc.v1.Options", "x/unknown.Options",
					     "types.containerd.io/runtimeoptions.v1.Options" };
	cleanup_arena struct arena arena = ARENA_EMPTY;
	Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
	struct runtime_options options;
	struct error err;

	if (!size)
		return 0;
	log_redirect(ignore, NULL);
	any.type_url = (char *)(uintptr_t)types[data[0] % 3];
	any.value = (ProtobufCBinaryData){ size - 1, (uint8_t *)(uintptr_t)data + 1 };
	if (runtime_options_read(&any, &arena, &options, &err) == 0 &&
	    (!options.root || options.root[0] != '/'))
		abort();
	return 0;
}
