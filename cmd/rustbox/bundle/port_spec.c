/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/bundle/port_spec.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/vector.h"

enum { PORT_MAX = 65535, TEXT_MAX = 128 };

struct range {
	uint64_t first, last;
};

static bool read_port(const char *text, uint64_t *ret)
{
	return str_to_uint(text, 10, PORT_MAX, ret) && *ret > 0;
}

/* "80" or "80-90", of a text that is changed. */
static bool read_range(char *text, struct range *ret)
{
	char *dash = strchr(text, '-');

	if (dash)
		*dash++ = '\0';
	return read_port(text, &ret->first) && read_port(dash ? dash : text, &ret->last) &&
	       ret->first <= ret->last;
}

/* Cuts "/udp" off the text. */
static int read_protocol(char *text, const char **ret, struct error *err)
{
	static const char *const known[] = { "tcp", "udp", "sctp" };
	char *slash = strchr(text, '/');

	*ret = known[0];
	if (!slash)
		return 0;
	*slash++ = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(known[i], slash) == 0) {
			*ret = known[i];
			return 0;
		}
	}
	return error_set(err, 0, "protocol \"%s\" is not one of tcp, udp, sctp", slash);
}

static int copy_text(const char *text, char copy[static TEXT_MAX], struct error *err)
{
	size_t n = strlen(text);

	if (n >= TEXT_MAX)
		return error_set(err, 0, "a port of %zu characters", n);
	memcpy(copy, text, n + 1);
	return 0;
}

int port_spec_parse_exposed(const char *text, struct port_range *ret, struct error *err)
{
	struct port_range result = { 0 };
	struct range range;
	const char *protocol;
	char copy[TEXT_MAX];

	if (copy_text(text, copy, err) < 0 || read_protocol(copy, &protocol, err) < 0)
		return -1;
	if (!read_range(copy, &range))
		return error_set(err, 0, "\"%s\" is not PORT[-PORT][/PROTOCOL]", text);
	result.first = (uint16_t)range.first;
	result.last = (uint16_t)range.last;
	memcpy(result.protocol, protocol, strlen(protocol));
	*ret = result;
	return 0;
}

/* Cuts "IP:" off the beginning: *ret_rest is behind it; *ret_ip NULL without one. */
static int read_address(char *text, char **ret_ip, char **ret_rest, struct error *err)
{
	unsigned char address[sizeof(struct in6_addr)];
	char *last = strrchr(text, ':'), *first = strchr(text, ':'), *end;

	*ret_ip = NULL;
	*ret_rest = text;
	if (*text == '[') {
		end = strstr(text, "]:");
		if (!end)
			return error_set(err, 0, "an IPv6 address is written [IP]:");
		*end = '\0';
		*ret_ip = text + 1;
		*ret_rest = end + 2;
	} else if (last && first != last) {
		*first = '\0';
		*ret_ip = text;
		*ret_rest = first + 1;
	}
	if (*ret_ip && inet_pton(*text == '[' ? AF_INET6 : AF_INET, *ret_ip, address) != 1)
		return error_set(err, 0, "\"%s\" is no IP address", *ret_ip);
	return 0;
}

static int read_ranges(char *text, struct range *host, struct range *container, struct error *err)
{
	char *colon = strchr(text, ':');

	*host = (struct range){ 0, 0 };
	if (colon)
		*colon++ = '\0';
	if (!read_range(colon ? colon : text, container) ||
	    (colon && *text && !read_range(text, host)))
		return error_set(err, 0, "write [[IP:]PORT:]PORT[/PROTOCOL], ports from 1 to %d",
				 PORT_MAX);
	/* A range for one port of the container means any free one of them; that is not built. */
	if (host->first && host->last - host->first != container->last - container->first)
		return error_set(err, 0, "the two ranges have not the same length");
	return 0;
}

int port_spec_parse_published(const char *text, struct arena *arena, struct record_port **ret,
			      size_t *ret_n, struct error *err)
{
	struct range host, container;
	const char *protocol;
	char copy[TEXT_MAX], *ip, *rest;

	if (copy_text(text, copy, err) < 0 || read_protocol(copy, &protocol, err) < 0 ||
	    read_address(copy, &ip, &rest, err) < 0 ||
	    read_ranges(rest, &host, &container, err) < 0)
		return -1;
	for (uint64_t port = container.first; port <= container.last; port++) {
		struct record_port *element = VECTOR_ADD(*ret, *ret_n, arena, err);

		if (!element)
			return -1;
		element->container_port = (uint16_t)port;
		if (host.first)
			element->host_port = (uint16_t)(host.first + (port - container.first));
		element->protocol = arena_strdup(arena, protocol, err);
		if (!element->protocol)
			return -1;
		if (ip && !(element->host_ip = arena_strdup(arena, ip, err)))
			return -1;
	}
	return 0;
}

int port_spec_write_all(const struct record_network *network, struct arena *arena, char ***ret,
			size_t *ret_n, struct error *err)
{
	*ret = NULL;
	*ret_n = 0;
	for (size_t i = 0; i < network->n_ports; i++) {
		const struct record_port *port = &network->ports[i];
		char *text =
			arena_format(arena, err, "%s%s%u:%u/%s", port->host_ip ? port->host_ip : "",
				     port->host_ip ? ":" : "", port->host_port,
				     port->container_port, port->protocol);

		if (vector_take_text(ret, ret_n, text, arena, err) < 0)
			return -1;
	}
	return 0;
}
