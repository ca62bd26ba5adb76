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

/*
 * Before the bridge is made, with the lock of network_bridge.h: a subnet that the
 * machine has got meanwhile is chosen anew, or refused where it was asked for.
 */
struct network_bridge;
int network_config_settle(const struct store *store, const struct network_bridge *bridge,
			  struct error *err);

/*
 * The addresses that the plugin has noted as taken: for a network that nobody is
 * on, with the same lock. What a crash or a reboot has left goes that way.
 */
void network_config_forget(const struct store *store, const char *name);

/* ---- network_choice.c ---- */

/* What a subnet has to keep clear of, besides the machine's own ones. */
struct network_neighbours {
	struct network_info **networks; /* the network itself among them or not */
	size_t n;
};
/* Completes subnet and gateway; those that were asked for are checked. bridge: its device. */
int network_choose_subnet(struct network_info *info, const char *bridge,
			  const struct network_neighbours *all, struct arena *arena,
			  struct error *err);
/* EEXIST, or EINVAL, with the reason why it cannot have the one that it has. */
/* An error for an ordinary user, who says what remains; 0 for root. */
int network_refuse_rootless(const struct store *store, const char *name, struct error *err);

int network_check_subnet(const struct network_info *info, const char *bridge,
			 const struct network_neighbours *all, struct error *err);

/* ---- network_namespace.c ---- */

/* Makes a network namespace with its loopback up, kept by a mount at `path` (made, too). */
int network_namespace_make(const char *path, struct error *err);
/* False also for what a reboot has left: the file without its mount. */
bool network_namespace_is_there(const char *path);
/* Any number of times. */
int network_namespace_drop(const char *path, struct error *err);

/* ---- network_result.c ---- */

/* Keeps the last plugin's result. */
int network_result_save(const struct store *store, const char *id, const struct value *value,
			struct arena *arena, struct error *err);
/* As the plugin gave it; NULL in *ret where there is none. */
int network_result_load_cni(const struct store *store, const char *id, struct arena *arena,
			    struct value **ret, struct error *err);
void network_result_remove(const struct store *store, const char *id);

/* ---- network_plugin.c ---- */

enum { NETWORK_PLUGIN_TIMEOUT_MS = 60000 };

struct network_call {
	const char *command; /* "ADD", "DEL" */
	const char *id;
	const char *netns; /* NULL: there is none any more */
	const char *args;  /* CNI_ARGS; NULL: none */
};

/* Where plugins are looked for: CNI_PATH, else Debian's and everybody's folders. */
const char *network_plugin_path(void);
/* ENOENT: names the folders and the package. */
int network_plugin_find(const char *type, struct arena *arena, const char **ret_path,
			struct error *err);
/* Runs the plugin of config's type with the JSON; *ret: what it printed (NULL: nothing). */
int network_plugin_run(const struct network_call *call, const struct value *config,
		       struct arena *arena, struct value **ret, struct error *err);

enum { NETWORK_PROGRAM_SIZE = 64 };
/* A program of the host's firewall; ENOENT says what to install. */
int network_program_find(const char *name, char ret_path[NETWORK_PROGRAM_SIZE], struct error *err);
/* What to do about iptables' complaint that is in the message. Always -1. */
int network_program_hint(const char *message, struct error *err);
