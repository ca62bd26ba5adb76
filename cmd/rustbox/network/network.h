/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks by CNI plugins (CNI spec 1.0): a namespace with its interfaces,
 * ports and DNS. "host" and "none" need nothing of this.
 */
#pragma once

#include "base/mem.h"
#include "cmd/rustbox/store/store.h"

struct network_result {
	char **ips, **gateways, **dns, **dns_search, **dns_options; /* "10.89.0.2/24" */
	char *mac, *interface;
	size_t n_ips, n_gateways, n_dns, n_dns_search, n_dns_options;
};
extern const struct json_type network_result_type;

/* True when the record's mode needs network_up(). */
bool network_is_needed(const struct record *record);

/*
 * What of the machine is missing for this mode (plugins, iptables, the
 * network's configuration): err says it and what to install. Before create.
 */
int network_check(const struct store *store, const struct record *record, struct error *err);

/*
 * Makes the network namespace (kept by a bind mount at <run>/<id>/netns), runs
 * the plugins (ADD), keeps the result in <run>/<id>/network.json. The first one
 * on a network makes its bridge and the firewall's rules for it. Undoes what it
 * has made when it fails. Blocks: for a child process.
 */
int network_up(const struct store *store, const struct record *record, struct error *err);

/*
 * Runs the plugins (DEL), drops the namespace, and with the last one on the
 * network its bridge. Any number of times, also after a crash. Blocks.
 */
int network_down(const struct store *store, const struct record *record, struct error *err);

/*
 * Other published ports for a container that is on its network: the record has
 * those that there are, `changed` the new ones. Undone when it fails. Blocks.
 */
int network_publish(const struct store *store, const struct record *record,
		    const struct record_network *changed, struct error *err);

/* What network_up() has kept; NULL in *ret where there is none. */
int network_load(const struct store *store, const char *id, struct arena *arena,
		 struct network_result **ret, struct error *err);

/*
 * Who is on a network now, the oldest container first. The lock (a descriptor,
 * closing it unlocks) is for who tells all of them of each other.
 */
struct network_member {
	struct record *record;
	struct network_result *result;
};
int network_list_members(const struct store *store, const char *name, struct arena *arena,
			 struct network_member **ret, size_t *ret_n, struct error *err);
int network_lock_members(const struct store *store, struct error *err);

/* Networks as such. `config` is the CNI configuration list (JSON text). */
struct network_info {
	char *name, *driver, *subnet, *gateway, *file;
	bool is_chosen; /* the subnet: nobody has asked for this one */
	bool internal;
	struct json_pair *labels;
	size_t n_labels;
};
int network_list(const struct store *store, struct arena *arena, struct network_info ***ret,
		 size_t *ret_n, struct error *err);
int network_create(const struct store *store, const struct network_info *info, struct error *err);
int network_remove(const struct store *store, const char *name, struct error *err);
