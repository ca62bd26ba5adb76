/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of network.h. */
#pragma once

#include "cmd/rustbox/format/value.h"
#include "cmd/rustbox/network/network.h"

/* The network that is made when somebody asks for it first. */
#define NETWORK_DEFAULT "bridge"
#define NETWORK_IFNAME	"eth0"

/* ---- network_config.c ---- */

/* The configuration list of a network: its JSON. ENOENT: the message names those there are. */
struct value *network_config_load(const struct store *store, const char *name, struct arena *arena,
				  struct error *err);

/* ---- network_namespace.c ---- */

/* Makes a network namespace with its loopback up, kept by a mount at `path` (made, too). */
int network_namespace_make(const char *path, struct error *err);
/* Any number of times. */
int network_namespace_drop(const char *path, struct error *err);

/* ---- network_plugin.c ---- */

enum { NETWORK_PLUGIN_TIMEOUT_MS = 60000 };

struct network_call {
	const char *command;	       /* "ADD", "DEL" */
	const char *id, *netns, *args; /* CNI_ARGS; NULL: none */
};

/* Where plugins are looked for: CNI_PATH, else Debian's and everybody's folders. */
const char *network_plugin_path(void);
/* ENOENT: names the folders and the package. */
int network_plugin_find(const char *type, struct arena *arena, const char **ret_path,
			struct error *err);
/* Runs the plugin of config's type with the JSON; *ret: what it printed (NULL: nothing). */
int network_plugin_run(const struct network_call *call, const struct value *config,
		       struct arena *arena, struct value **ret, struct error *err);
