/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd/rustbox/command/command.h"

static const char *protocol_of(const struct record_port *port)
{
	return port->protocol ? port->protocol : "tcp";
}

static void print_host(const struct record_port *port)
{
	const char *ip = port->host_ip ? port->host_ip : "0.0.0.0";

	printf(strchr(ip, ':') ? "[%s]:%u\n" : "%s:%u\n", ip, port->host_port);
}

static void print_all(const struct record_network *network)
{
	for (size_t i = 0; i < network->n_ports; i++) {
		printf("%u/%s -> ", network->ports[i].container_port,
		       protocol_of(&network->ports[i]));
		print_host(&network->ports[i]);
	}
}

/* "80", "53/udp" */
static int read_port(const char *text, uint16_t *ret_port, const char **ret_protocol,
		     struct arena *arena, struct error *err)
{
	size_t size = strcspn(text, "/");
	const char *digits = arena_strndup(arena, text, size, err);
	uint64_t port;

	if (!digits)
		return -1;
	*ret_protocol = text[size] ? text + size + 1 : "tcp";
	if (!str_to_uint(digits, 10, UINT16_MAX, &port) || !port || !**ret_protocol)
		return error_set(err, 0, "\"%s\" is no port (such as 80 or 53/udp)", text);
	*ret_port = (uint16_t)port;
	return 0;
}

static int print_one(const struct invocation *call, const struct record *record, struct error *err)
{
	const struct record_network *network = record->network;
	const char *protocol;
	bool found = false;
	uint16_t port;

	if (read_port(call->args[1], &port, &protocol, call->arena, err) < 0)
		return -1;
	for (size_t i = 0; i < network->n_ports; i++) {
		if (network->ports[i].container_port != port ||
		    !str_equal(protocol_of(&network->ports[i]), protocol))
			continue;
		print_host(&network->ports[i]);
		found = true;
	}
	if (found)
		return 0;
	return error_set(err, 0, "container %s does not publish port %u/%s", record->name, port,
			 protocol);
}

static int run(const struct invocation *call, int *ret_exit_code, struct error *err)
{
	struct record *record;

	if (store_find(call->store, call->args[0], call->arena, &record, err) < 0)
		return -1;
	if (call->n_args > 1)
		return print_one(call, record, err);
	print_all(record->network);
	return 0;
}

const struct command command_port = {
	.about = {
		.name = "port",
		.summary = "show where a container's ports are published",
		.arguments = "CONTAINER [PORT[/PROTOCOL]]",
		.takes_container = true,
	},
	.args_least = 1,
	.args_most = 2,
	.run = run,
};
