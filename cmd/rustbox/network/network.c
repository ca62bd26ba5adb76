/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/network/network.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/network/network_bridge.h"
#include "cmd/rustbox/network/network_parts.h"

bool network_is_needed(const struct record *record)
{
	const char *mode = record->network ? record->network->mode : NULL;

	return mode && strcmp(mode, "host") != 0 && strcmp(mode, "none") != 0 &&
	       !str_starts_with(mode, "container:");
}

/* ---- what a plugin gets ---- */

static struct value *port_mappings(const struct record_network *network, struct arena *arena,
				   struct error *err)
{
	struct value *list = value_list(arena, err);

	for (size_t i = 0; i < network->n_ports; i++) {
		const struct record_port *port = &network->ports[i];
		struct value *entry = value_object(arena, err);
		if (value_add(entry, "hostPort", value_number(arena, port->host_port, err), arena,
			      err) < 0 ||
		    value_add(entry, "containerPort",
			      value_number(arena, port->container_port, err), arena, err) < 0 ||
		    value_add(entry, "protocol",
			      value_text(arena, port->protocol ? port->protocol : "tcp", err),
			      arena, err) < 0 ||
		    (port->host_ip &&
		     value_add(entry, "hostIP", value_text(arena, port->host_ip, err), arena, err) <
			     0) ||
		    value_append(list, entry, arena, err) < 0)
			return NULL;
	}
	return list;
}

static bool has_capability(const struct value *plugin, const char *name)
{
	const struct value *capabilities = value_get(plugin, "capabilities");
	const struct value *capability = capabilities ? value_get(capabilities, name) : NULL;

	return capability && capability->kind == VALUE_BOOL && capability->truth;
}

/* CNI specification, section 4: "Deriving execution configuration". */
static struct value *plugin_config(const struct value *list, const struct value *plugin,
				   const struct record *record, struct value *previous,
				   struct arena *arena, struct error *err)
{
	struct value *config = value_object(arena, err), *runtime = value_object(arena, err);
	const struct record_network *network = record->network;

	for (size_t i = 0; i < plugin->n; i++)
		if (strcmp(plugin->keys[i], "capabilities") != 0 &&
		    value_add(config, plugin->keys[i], plugin->items[i], arena, err) < 0)
			return NULL;
	for (size_t i = 0; i < list->n; i++)
		if ((strcmp(list->keys[i], "name") == 0 ||
		     strcmp(list->keys[i], "cniVersion") == 0) &&
		    value_add(config, list->keys[i], list->items[i], arena, err) < 0)
			return NULL;
	if (has_capability(plugin, "portMappings") && network->n_ports &&
	    value_add(runtime, "portMappings", port_mappings(network, arena, err), arena, err) < 0)
		return NULL;
	if (has_capability(plugin, "mac") && network->mac_address &&
	    value_add(runtime, "mac", value_text(arena, network->mac_address, err), arena, err) < 0)
		return NULL;
	if (!runtime ||
	    (runtime->n && value_add(config, "runtimeConfig", runtime, arena, err) < 0) ||
	    (previous && value_add(config, "prevResult", previous, arena, err) < 0))
		return NULL;
	return config;
}

/* A plugin that has nothing to do needs not to be there: portmap without ports, tuning. */
static bool is_idle(const struct value *plugin, const struct record *record)
{
	const struct value *type = value_get(plugin, "type");

	if (!type || type->kind != VALUE_TEXT)
		return false;
	return (strcmp(type->text, "portmap") == 0 && !record->network->n_ports) ||
	       (strcmp(type->text, "tuning") == 0 && !record->network->mac_address);
}

static const struct value *plugins_of(const struct value *list, const char *name, struct error *err)
{
	const struct value *plugins = value_get(list, "plugins");

	if (plugins && plugins->kind == VALUE_LIST && plugins->n)
		return plugins;
	(void)error_set(err, EINVAL, "network %s: its configuration has no plugins", name);
	return NULL;
}

/* ---- checking ---- */

static int check_plugin(const struct value *plugin, struct arena *arena, struct error *err)
{
	const struct value *type = value_get(plugin, "type"),
			   *ipam = value_get(plugin, "ipam.type");
	const char *path;

	if (!type || type->kind != VALUE_TEXT)
		return error_set(err, EINVAL, "a plugin without a type");
	if (network_plugin_find(type->text, arena, &path, err) < 0 ||
	    (ipam && ipam->kind == VALUE_TEXT &&
	     network_plugin_find(ipam->text, arena, &path, err) < 0))
		return -1;
	return 0;
}

static int check_wishes(const struct value *list, const struct record *record, struct error *err)
{
	const struct record_network *network = record->network;
	const struct value *internal = value_get(list, "rustbox.internal");

	if (network->ip6)
		return error_set(err, EINVAL, "--ip6 %s: the network %s has IPv4 only",
				 network->ip6, network->mode);
	for (size_t i = 0; i < network->n_ports; i++)
		if (network->ports[i].host_ip && strchr(network->ports[i].host_ip, ':'))
			return error_set(err, EINVAL,
					 "--publish [%s]: the network %s has IPv4 only",
					 network->ports[i].host_ip, network->mode);
	if (network->n_ports && internal && internal->truth)
		return error_set(err, EINVAL,
				 "--publish does not go with the network %s, which is internal",
				 network->mode);
	return 0;
}

int network_check(const struct store *store, const struct record *record, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	const struct value *list, *plugins;
	const char *name = record->network->mode;
	char program[NETWORK_PROGRAM_SIZE];

	if (network_refuse_rootless(store, name, err) < 0)
		return -1;
	list = network_config_load(store, name, &arena, err);
	plugins = list ? plugins_of(list, name, err) : NULL;
	if (!plugins)
		return -1;
	if (check_wishes(list, record, err) < 0)
		return -1;
	for (size_t i = 0; i < plugins->n; i++)
		if (!is_idle(plugins->items[i], record) &&
		    check_plugin(plugins->items[i], &arena, err) < 0)
			return error_wrap(err, "network %s", name);
	return network_program_find("iptables", program, err);
}

/* ---- up ---- */

static int make_call(const struct record *record, const char *command, const char *netns,
		     struct arena *arena, struct network_call *ret, struct error *err)
{
	*ret = (struct network_call){ .command = command, .id = record->id, .netns = netns };
	if (record->network->ip) {
		ret->args = arena_format(arena, err, "IgnoreUnknown=1;IP=%s", record->network->ip);
		if (!ret->args)
			return -1;
	}
	return 0;
}

/* *ret_previous: the last result there was, whether it fails or not. */
static int add_all(const struct store *store, const struct record *record, const struct value *list,
		   const struct value *plugins, const char *netns, struct arena *arena,
		   struct value **ret_previous, struct error *err)
{
	struct value *previous = NULL;
	struct network_call call;

	*ret_previous = NULL;
	if (make_call(record, "ADD", netns, arena, &call, err) < 0)
		return -1;
	for (size_t i = 0; i < plugins->n; i++) {
		struct value *config, *result;
		if (is_idle(plugins->items[i], record))
			continue;
		config = plugin_config(list, plugins->items[i], record, previous, arena, err);
		if (!config || network_plugin_run(&call, config, arena, &result, err) < 0)
			return -1;
		if (result)
			*ret_previous = previous = result;
	}
	if (!previous)
		return error_set(err, 0, "the plugins gave no result");
	return network_result_save(store, record->id, previous, arena, err);
}

/* From the last one to the first; goes on after failures and reports the first of them. */
static int delete_all(const struct record *record, const struct value *list, const char *netns,
		      struct value *previous, struct arena *arena, struct error *err)
{
	const struct value *plugins = plugins_of(list, record->network->mode, err);
	struct network_call call;
	struct error later;
	int result = 0;

	if (!plugins || make_call(record, "DEL", netns, arena, &call, err) < 0)
		return -1;
	for (size_t i = plugins->n; i > 0; i--) {
		struct error *where = result < 0 ? &later : err;
		struct value *config, *ignored;
		if (is_idle(plugins->items[i - 1], record))
			continue;
		config = plugin_config(list, plugins->items[i - 1], record, previous, arena, where);
		if (!config || network_plugin_run(&call, config, arena, &ignored, where) < 0)
			result = -1;
	}
	return result;
}

/* With the exclusive lock; somebody else may have been faster. */
static int drop_unused(const struct store *store, const struct network_bridge *bridge,
		       struct error *err)
{
	if (network_bridge_is_used(bridge))
		return 0;
	network_config_forget(store, bridge->network);
	return network_bridge_drop(bridge, err);
}

/* The same, and makes it ready for its first container. The list may be another one then. */
static const struct value *begin(const struct store *store, struct network_bridge *bridge,
				 struct arena *arena, struct error *err)
{
	const char *name = bridge->network;
	bool is_first = !network_bridge_is_used(bridge);
	const struct value *list;

	if (is_first &&
	    (drop_unused(store, bridge, err) < 0 || network_config_settle(store, bridge, err) < 0))
		return NULL;
	list = network_config_load(store, name, arena, err);
	if (list && is_first && network_bridge_of(list, bridge) &&
	    network_bridge_open(bridge, err) < 0)
		return NULL;
	return list;
}

/*
 * The network's configuration, and the lock that the caller keeps until its
 * container is on the bridge. The first one finds the machine as it is now, and
 * makes the bridge; what a crash has left of one does not count.
 */
static const struct value *enter(const struct store *store, const char *name, struct arena *arena,
				 int *ret_lock, struct error *err)
{
	cleanup_fd int lock = network_bridge_lock(LOCK_SH, err);
	const struct value *list = lock < 0 ? NULL : network_config_load(store, name, arena, err);
	struct network_bridge bridge;

	if (!list)
		return NULL;
	if (network_bridge_of(list, &bridge) && !network_bridge_is_used(&bridge)) {
		if (network_bridge_change_lock(lock, LOCK_EX, err) < 0)
			return NULL;
		list = begin(store, &bridge, arena, err);
	}
	if (list)
		*ret_lock = move_fd(&lock);
	return list;
}

/* Takes the bridge away when nobody is on it. */
static int leave(const struct store *store, const struct value *list, struct error *err)
{
	struct network_bridge bridge;
	cleanup_fd int lock = -1;

	if (!network_bridge_of(list, &bridge) || network_bridge_is_used(&bridge))
		return 0;
	lock = network_bridge_lock(LOCK_EX, err);
	return lock < 0 ? -1 : drop_unused(store, &bridge, err);
}

static int put_on(const struct store *store, const struct record *record, const char *netns,
		  struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	const char *name = record->network->mode;
	cleanup_fd int lock = -1;
	const struct value *list = enter(store, name, &arena, &lock, err);
	const struct value *plugins = list ? plugins_of(list, name, err) : NULL;
	struct value *previous = NULL;
	struct error ignored;

	if (!plugins)
		return -1;
	if (add_all(store, record, list, plugins, netns, &arena, &previous, err) == 0)
		return 0;
	(void)delete_all(record, list, netns, previous, &arena, &ignored);
	fd_close(&lock);
	(void)leave(store, list, &ignored);
	return -1;
}

int network_up(const struct store *store, const struct record *record, struct error *err)
{
	cleanup_free char *netns = store_run_path(store, record->id, "netns", err);
	const char *name = record->network->mode;
	struct error ignored;

	if (!netns)
		return -1;
	/* What a supervisor that was killed has left. */
	if (access(netns, F_OK) == 0 && network_down(store, record, err) < 0)
		return -1;
	if (network_namespace_make(netns, err) < 0)
		return error_wrap(err, "network %s", name);
	if (put_on(store, record, netns, err) == 0)
		return 0;
	(void)network_namespace_drop(netns, &ignored);
	return error_wrap(err, "network %s", name);
}

/* ---- other ports ---- */

/* The plugins that map ports, with those of the record. */
static int call_mappers(const struct record *record, const char *command, const char *netns,
			const struct value *list, struct value *previous, struct arena *arena,
			struct error *err)
{
	const struct value *plugins = plugins_of(list, record->network->mode, err);
	struct network_call call;

	if (!plugins || make_call(record, command, netns, arena, &call, err) < 0)
		return -1;
	for (size_t i = 0; i < plugins->n; i++) {
		struct value *config, *ignored;

		if (!has_capability(plugins->items[i], "portMappings") || !record->network->n_ports)
			continue;
		config = plugin_config(list, plugins->items[i], record, previous, arena, err);
		if (!config || network_plugin_run(&call, config, arena, &ignored, err) < 0)
			return -1;
	}
	return 0;
}

int network_publish(const struct store *store, const struct record *record,
		    const struct record_network *changed, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *netns = store_run_path(store, record->id, "netns", err);
	cleanup_fd int lock = netns ? network_bridge_lock(LOCK_SH, err) : -1;
	struct record_network network = *changed;
	struct record with = *record;
	struct value *list, *previous;
	struct error ignored;

	with.network = &network;
	list = lock < 0 ? NULL : network_config_load(store, changed->mode, &arena, err);
	if (!list || network_result_load_cni(store, record->id, &arena, &previous, err) < 0)
		return -1;
	/* A plugin that adds what is there already would do it twice. */
	if (call_mappers(record, "DEL", netns, list, previous, &arena, err) == 0 &&
	    call_mappers(&with, "ADD", netns, list, previous, &arena, err) == 0)
		return 0;
	(void)call_mappers(&with, "DEL", netns, list, previous, &arena, &ignored);
	(void)call_mappers(record, "ADD", netns, list, previous, &arena, &ignored);
	return error_wrap(err, "network %s", changed->mode);
}

/* ---- down ---- */

/* With the lock, as nobody is to tidy up after the network meanwhile. */
static int take_off(const struct store *store, const struct record *record, const char *netns,
		    struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_fd int lock = network_bridge_lock(LOCK_SH, err);
	const struct value *list =
		lock < 0 ? NULL : network_config_load(store, record->network->mode, &arena, err);
	struct value *previous;
	struct error later;
	int result;

	if (!list || network_result_load_cni(store, record->id, &arena, &previous, err) < 0)
		return -1;
	result = delete_all(record, list, netns, previous, &arena, err);
	fd_close(&lock);
	if (leave(store, list, result < 0 ? &later : err) < 0)
		return -1;
	return result;
}

int network_down(const struct store *store, const struct record *record, struct error *err)
{
	cleanup_free char *netns = store_run_path(store, record->id, "netns", err);
	struct error why;
	bool is_there;
	int result;

	if (!netns)
		return -1;
	if (!network_is_needed(record))
		return 0;
	is_there = network_namespace_is_there(netns);
	result = take_off(store, record, is_there ? netns : NULL, is_there ? err : &why);
	/* Of what is gone with a reboot, only reservations could be left. */
	if (result < 0 && !is_there) {
		log_warning("%s: take its network down: %s", record->id, why.text);
		result = 0;
	}
	network_result_remove(store, record->id);
	if (network_namespace_drop(netns, result < 0 ? &why : err) < 0)
		return -1;
	return result;
}
