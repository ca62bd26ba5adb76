/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts and NetworkSettings. */
#include "cmd/rustbox/container/inspect.h"

#include "base/log.h"
#include "cmd/rustbox/network/network.h"

struct value *inspect_mounts(struct inspect *in)
{
	const struct record *record = in->record;
	struct value *mounts = inspect_list(in);

	for (size_t i = 0; i < record->n_mounts; i++) {
		const struct record_mount *mount = &record->mounts[i];
		struct value *shown = inspect_object(in);

		inspect_text(in, shown, "Type", mount->type);
		if (mount->name) {
			inspect_text(in, shown, "Name", mount->name);
			inspect_text(in, shown, "Driver", "local");
		}
		inspect_text(in, shown, "Source", mount->source);
		inspect_text(in, shown, "Destination", mount->destination);
		inspect_text(in, shown, "Mode", mount->read_only ? "ro" : "");
		inspect_bool(in, shown, "RW", !mount->read_only);
		inspect_append(in, mounts, shown);
	}
	return mounts;
}

static struct value *list_of(struct inspect *in, struct value *ports, const char *key)
{
	for (size_t i = 0; ports && i < ports->n; i++)
		if (strcmp(ports->keys[i], key) == 0)
			return ports->items[i];
	struct value *list = inspect_list(in);
	inspect_put(in, ports, key, list);
	return list;
}

struct value *inspect_ports(struct inspect *in)
{
	const struct record_network *network = in->record->network;
	struct value *ports = inspect_object(in);

	for (size_t i = 0; i < network->n_ports; i++) {
		const struct record_port *port = &network->ports[i];
		struct value *binding = inspect_object(in);
		const char *key = arena_format(&in->arena, in->err, "%u/%s", port->container_port,
					       port->protocol ? port->protocol : "tcp");
		const char *on_host = arena_format(&in->arena, in->err, "%u", port->host_port);

		if (!key || !on_host) {
			in->failed = true;
			return ports;
		}
		inspect_text(in, binding, "HostIp", port->host_ip ? port->host_ip : "0.0.0.0");
		inspect_text(in, binding, "HostPort", on_host);
		inspect_append(in, list_of(in, ports, key), binding);
	}
	return ports;
}

/* "10.89.0.2/24": the address and the length of the prefix. */
static void put_address(struct inspect *in, struct value *object, const char *address)
{
	const char *slash = address ? strchr(address, '/') : NULL;
	const char *host =
		slash ? arena_strndup(&in->arena, address, (size_t)(slash - address), in->err)
		      : address;
	uint64_t length = 0;

	if (slash)
		(void)str_to_uint(slash + 1, 10, 128, &length);
	inspect_text(in, object, "IPAddress", host);
	inspect_number(in, object, "IPPrefixLen", (int64_t)length);
}

static void put_result(struct inspect *in, struct value *object, const struct network_result *r)
{
	put_address(in, object, r && r->n_ips ? r->ips[0] : NULL);
	inspect_text(in, object, "Gateway", r && r->n_gateways ? r->gateways[0] : NULL);
	inspect_text(in, object, "MacAddress", r ? r->mac : NULL);
}

struct value *inspect_network(struct inspect *in)
{
	const struct record *record = in->record;
	struct value *settings = inspect_object(in), *networks = inspect_object(in);
	struct value *one = inspect_object(in);
	struct network_result *result = NULL;
	struct error err;

	/* The last run's result is kept until the next one, and is not the container's any more. */
	if (record_is_live(record) && network_is_needed(record) &&
	    network_load(in->store, record->id, &in->arena, &result, &err) < 0) {
		log_warning("%s", err.text);
		result = NULL;
	}
	inspect_put(in, settings, "Ports", inspect_ports(in));
	put_result(in, settings, result);
	put_result(in, one, result);
	inspect_texts(in, one, "Aliases", record->network->aliases, record->network->n_aliases);
	inspect_put(in, networks, record->network->mode ? record->network->mode : "host", one);
	inspect_put(in, settings, "Networks", networks);
	return settings;
}
