/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/network/network.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/network/network_parts.h"

enum { RESULT_SIZE_MAX = 256 * 1024 };

static const struct json_field result_fields[] = {
	LIST(network_result, ips, "ips"),
	LIST(network_result, gateways, "gateways"),
	LIST(network_result, dns, "dns"),
	LIST(network_result, dns_search, "dnsSearch"),
	LIST(network_result, dns_options, "dnsOptions"),
	FIELD(network_result, mac, "mac"),
	FIELD(network_result, interface, "interface"),
	{ NULL },
};
const struct json_type network_result_type = { sizeof(struct network_result), result_fields, NULL };

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

static bool has_program(const char *name)
{
	static const char *const folders[] = { "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin",
					       "/bin" };
	char path[128];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

int network_check(const struct store *store, const struct record *record, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	const struct value *list, *plugins;
	const char *name = record->network->mode;

	list = network_config_load(store, name, &arena, err);
	plugins = list ? plugins_of(list, name, err) : NULL;
	if (!plugins)
		return -1;
	if (record->network->ip6)
		return error_set(err, EINVAL, "--ip6 %s: the network %s has IPv4 only",
				 record->network->ip6, name);
	for (size_t i = 0; i < plugins->n; i++)
		if (!is_idle(plugins->items[i], record) &&
		    check_plugin(plugins->items[i], &arena, err) < 0)
			return error_wrap(err, "network %s", name);
	if (!has_program("iptables"))
		return error_set(err, ENOENT,
				 "network %s needs iptables (install the package iptables, or use "
				 "--network host)",
				 name);
	return 0;
}

/* ---- up ---- */

static int copy_texts(const struct value *list, const char *key, char ***ret, size_t *ret_n,
		      struct arena *arena, struct error *err)
{
	size_t n = list && list->kind == VALUE_LIST ? list->n : 0;
	char **texts = arena_array(arena, n + 1, sizeof(*texts), err);
	size_t used = 0;

	if (!texts)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct value *item = key ? value_get(list->items[i], key) : list->items[i];
		if (item && item->kind == VALUE_TEXT)
			texts[used++] = arena_strdup(arena, item->text, err);
	}
	*ret = texts;
	*ret_n = used;
	return 0;
}

static int save_result(const struct store *store, const struct record *record,
		       const struct value *value, struct arena *arena, struct error *err)
{
	struct network_result result = { .interface = (char[]){ NETWORK_IFNAME } };
	const struct value *ips = value_get(value, "ips");
	const struct value *interfaces = value_get(value, "interfaces");
	cleanup_free char *text = NULL, *folder = NULL;
	cleanup_fd int directory = -1;

	if (copy_texts(ips, "address", &result.ips, &result.n_ips, arena, err) < 0 ||
	    copy_texts(ips, "gateway", &result.gateways, &result.n_gateways, arena, err) < 0 ||
	    copy_texts(value_get(value, "dns.nameservers"), NULL, &result.dns, &result.n_dns, arena,
		       err) < 0 ||
	    copy_texts(value_get(value, "dns.search"), NULL, &result.dns_search,
		       &result.n_dns_search, arena, err) < 0 ||
	    copy_texts(value_get(value, "dns.options"), NULL, &result.dns_options,
		       &result.n_dns_options, arena, err) < 0)
		return -1;
	for (size_t i = 0; interfaces && i < interfaces->n; i++) {
		const struct value *name = value_get(interfaces->items[i], "name");
		const struct value *mac = value_get(interfaces->items[i], "mac");
		if (name && mac && name->kind == VALUE_TEXT && mac->kind == VALUE_TEXT &&
		    strcmp(name->text, NETWORK_IFNAME) == 0)
			result.mac = arena_strdup(arena, mac->text, err);
	}
	text = json_write(&network_result_type, &result, true, err);
	folder = store_run_path(store, record->id, NULL, err);
	if (!text || !folder)
		return -1;
	directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return error_set(err, errno, "open %s", folder);
	return fd_replace_file(directory, "network.json", text, strlen(text), 0600, err);
}

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

static int add_all(const struct store *store, const struct record *record, const struct value *list,
		   const struct value *plugins, const char *netns, struct arena *arena,
		   struct error *err)
{
	struct value *previous = NULL;
	struct network_call call;

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
			previous = result;
	}
	if (!previous)
		return error_set(err, 0, "the plugins gave no result");
	return save_result(store, record, previous, arena, err);
}

/* From the last one to the first; goes on after failures and reports the first of them. */
static int delete_all(const struct record *record, const struct value *list,
		      const struct value *plugins, const char *netns, struct arena *arena,
		      struct error *err)
{
	struct network_call call;
	struct error later;
	int result = 0;

	if (make_call(record, "DEL", netns, arena, &call, err) < 0)
		return -1;
	for (size_t i = plugins->n; i > 0; i--) {
		struct error *where = result < 0 ? &later : err;
		struct value *config, *ignored;
		if (is_idle(plugins->items[i - 1], record))
			continue;
		config = plugin_config(list, plugins->items[i - 1], record, NULL, arena, where);
		if (!config || network_plugin_run(&call, config, arena, &ignored, where) < 0)
			result = -1;
	}
	return result;
}

int network_up(const struct store *store, const struct record *record, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *netns = store_run_path(store, record->id, "netns", err);
	const char *name = record->network->mode;
	const struct value *list, *plugins;
	struct error ignored;

	if (!netns)
		return -1;
	list = network_config_load(store, name, &arena, err);
	plugins = list ? plugins_of(list, name, err) : NULL;
	if (!plugins)
		return -1;
	/* What a supervisor that was killed has left. */
	if (access(netns, F_OK) == 0 && network_down(store, record, err) < 0)
		return -1;
	if (network_namespace_make(netns, err) < 0)
		return error_wrap(err, "network %s", name);
	if (add_all(store, record, list, plugins, netns, &arena, err) == 0)
		return 0;
	(void)delete_all(record, list, plugins, netns, &arena, &ignored);
	(void)network_namespace_drop(netns, &ignored);
	return error_wrap(err, "network %s", name);
}

/* ---- down ---- */

static void remove_result(const struct store *store, const char *id)
{
	struct error ignored;
	cleanup_free char *path = store_run_path(store, id, "network.json", &ignored);

	if (path)
		(void)unlink(path);
}

int network_down(const struct store *store, const struct record *record, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_free char *netns = store_run_path(store, record->id, "netns", err);
	const struct value *list, *plugins;
	struct error why;
	int result = 0;

	if (!netns)
		return -1;
	if (!network_is_needed(record) || access(netns, F_OK) < 0)
		return 0;
	list = network_config_load(store, record->network->mode, &arena, &why);
	plugins = list ? plugins_of(list, record->network->mode, &why) : NULL;
	if (!plugins)
		log_warning("%s: its network cannot be taken down: %s", record->id, why.text);
	else
		result = delete_all(record, list, plugins, netns, &arena, err);
	remove_result(store, record->id);
	if (network_namespace_drop(netns, result < 0 ? &why : err) < 0)
		return -1;
	return result;
}

int network_load(const struct store *store, const char *id, struct arena *arena,
		 struct network_result **ret, struct error *err)
{
	cleanup_free char *path = store_run_path(store, id, "network.json", err);
	cleanup_free char *text = NULL;
	struct network_result *result;
	size_t size;

	*ret = NULL;
	if (!path)
		return -1;
	if (fd_read_file(AT_FDCWD, path, RESULT_SIZE_MAX, &text, &size, err) < 0)
		return err->code == ENOENT ? 0 : -1;
	result = arena_alloc(arena, sizeof(*result), err);
	if (!result || json_read(&network_result_type, text, size, result, arena, err) < 0)
		return -1;
	*ret = result;
	return 0;
}
