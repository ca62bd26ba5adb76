/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about networks share. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/format/value.h"
#include "cmd/rustbox/network/network.h"

/* The network of that name; NULL with err. */
const struct network_info *network_words_find(const struct invocation *call, const char *name,
					      struct error *err);

/* The name of a container that is on the network, NULL: none. Valid as long as the arena. */
int network_words_user(const struct invocation *call, const char *name, const char **ret_user,
		       struct error *err);

/* As `network inspect` shows it; `network list` takes its columns from that, too. */
struct value *network_words_value(const struct invocation *call, const struct network_info *info,
				  struct error *err);
