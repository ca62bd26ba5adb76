/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions of a Dockerfile that say what an image's containers begin with
 * (`commit --change`, `import --change`): CMD, ENTRYPOINT, ENV, EXPOSE,
 * HEALTHCHECK, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR, SHELL. Arguments are words
 * as a shell's, with quotes, or a list in JSON.
 */
#pragma once

#include "base/mem.h"
#include "oci/image.h"

/* Applies one; texts are in the arena. */
int instruction_apply(const char *instruction, struct image_settings *settings, struct arena *arena,
		      struct error *err);
