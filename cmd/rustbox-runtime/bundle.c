/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox-runtime/bundle.h"

#include <stdlib.h>

#include "base/path.h"

static const char *current_folder(struct arena *arena, struct error *err)
{
	cleanup_free char *with_dot = path_absolute(".", err);
	cleanup_free char *folder = with_dot ? path_clean(with_dot, err) : NULL;

	return folder ? arena_strdup(arena, folder, err) : NULL;
}

int bundle_create_options(const struct invocation *call, struct container_create_options *ret,
			  struct error *err)
{
	const struct bundle_options *options = call->options;
	struct container_create_options create = {
		.id = call->args[0],
		.bundle = options->bundle,
		.config = options->config,
		.no_pivot = options->no_pivot,
		.no_new_keyring = options->no_new_keyring,
		.no_subreaper = options->no_subreaper,
		.keep = options->keep,
	};

	if (!create.bundle)
		create.bundle = current_folder(call->arena, err);
	if (!create.bundle || payload_io(&options->payload, call, &create.io, err) < 0)
		return -1;
	*ret = create;
	return 0;
}
