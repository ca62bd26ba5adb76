/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of checkpoints share. */
#pragma once

#include "cmd/rustbox/command/command.h"

/* The name of one that was given none. */
#define CHECKPOINT_DEFAULT "checkpoint"

#define CHECKPOINT_DIR_ROW(type)                                                                   \
	{                                                                                          \
		"checkpoint-dir", 0, "DIR", "it is there, not with the container",                 \
			OPTION_AT(type, dir), .path = OPTION_DIRECTORY                             \
	}
