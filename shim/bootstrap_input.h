/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `start` gets on standard input besides its flags: nothing, the runtime's
 * options in an Any, or (containerd 2.3 and later) BootstrapParams, which are
 * to replace the flags one day.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"
#include "shim/flags.h"
#include "shim/runtime_options.h"

struct bootstrap_input {
	struct shim_flags flags;   /* completed by BootstrapParams, and checked */
	const char *ttrpc_address; /* NULL: that of the environment */
	const char *socket_directory;
	struct runtime_options options;
};

/* The bytes of standard input up to its end, which waits for the writer. */
int bootstrap_input_receive(char **ret_data, size_t *ret_size, struct error *err);

/*
 * Texts are the arena's, or borrowed from the flags. Any and BootstrapParams
 * may each parse as the other; the bytes are BootstrapParams when these name
 * the very id and namespace of the flags.
 */
int bootstrap_input_read(const struct shim_flags *flags, const void *data, size_t size,
			 struct arena *arena, struct bootstrap_input *ret, struct error *err);
