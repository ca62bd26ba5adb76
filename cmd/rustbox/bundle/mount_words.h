/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a mount request's options, for its three notations. */
#pragma once

#include "cmd/rustbox/bundle/mount_request.h"

/* One word of --volume's third part. */
int mount_words_add_volume(struct mount_request *request, const char *word, struct arena *arena,
			   struct error *err);
/* One word of --tmpfs' second part: flags, "size=64m", "mode=1777", … */
int mount_words_add_tmpfs(struct mount_request *request, const char *word, struct arena *arena,
			  struct error *err);
/* "rshared" and its like. */
int mount_words_set_propagation(struct mount_request *request, const char *word, struct error *err);
/* What a tmpfs has unless it was said otherwise. */
int mount_words_finish_tmpfs(struct mount_request *request, struct arena *arena, struct error *err);
/* Sets the destination: absolute, clean, not "/". */
int mount_words_set_destination(struct mount_request *request, const char *path,
				struct arena *arena, struct error *err);
