/* SPDX-License-Identifier: Apache-2.0 */
/* Which network, and what is published, named and resolved in it. */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/free_port.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/port_spec.h"
#include "cmd/rustbox/bundle/vector.h"

#define CONTAINER "container:"

/* The one that Docker's users know; published ports need one. */
#define DEFAULT_NETWORK "bridge"

static bool publishes(const struct create_options *options)
{
	return options->publish.count || options->publish_all;
}

static int share_with(struct plan *plan, const char *name, struct error *err)
{
	struct record *other;

	if (store_find(plan->store, name, plan->arena, &other, err) < 0)
		return error_wrap(err, "--network " CONTAINER "%s", name);
	plan->record->network->mode = arena_format(plan->arena, err, CONTAINER "%s", other->id);
	if (!plan->record->network->mode)
		return -1;
	return plan_annotate(plan, BUNDLE_ANNOTATION_JOIN "network", other->id, err);
}

static int set_mode(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	const char *mode = options->network;

	if (mode && (!*mode || strcmp(mode, "default") == 0))
		mode = NULL;
	if (options->isolate_network) {
		if (mode && strcmp(mode, "none") != 0)
			return error_set(err, 0, "--isolate-network is --network none, and not %s",
					 mode);
		mode = "none";
	}
	if (mode && str_starts_with(mode, CONTAINER))
		return share_with(plan, mode + strlen(CONTAINER), err);
	if (!mode)
		mode = publishes(options) ? DEFAULT_NETWORK : "host";
	plan->record->network->mode = arena_strdup(plan->arena, mode, err);
	return plan->record->network->mode ? 0 : -1;
}

/* Refuses by name what has no meaning in the container's network. */
static int check_mode(const struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	const char *mode = plan->record->network->mode;
	bool shared = str_starts_with(mode, CONTAINER);
	const struct {
		bool given;
		const char *name;
		bool only_shared;
	} needs_own[] = {
		{ options->publish.count, "publish" },
		{ options->publish_all, "publish-all" },
		{ options->ip, "ip" },
		{ options->ip6, "ip6" },
		{ options->mac_address, "mac-address" },
		{ options->network_alias.count, "network-alias" },
		{ options->dns.count, "dns", true },
		{ options->dns_search.count, "dns-search", true },
		{ options->dns_option.count, "dns-option", true },
		{ options->add_host.count, "add-host", true },
	};

	if (!shared && strcmp(mode, "host") != 0 && strcmp(mode, "none") != 0)
		return 0;
	for (size_t i = 0; i < sizeof(needs_own) / sizeof(*needs_own); i++) {
		if (!needs_own[i].given || (needs_own[i].only_shared && !shared))
			continue;
		(void)error_set(err, 0, "--%s does not go with --network %s", needs_own[i].name,
				mode);
		return publishes(options) && strcmp(mode, "host") == 0
			       ? error_hint(err, "the host's ports are the container's already; "
						 "name a network, such as " DEFAULT_NETWORK)
			       : -1;
	}
	return 0;
}

/* ---- ports ---- */

static bool is_published(const struct record_network *network, uint32_t port, const char *protocol)
{
	for (size_t i = 0; i < network->n_ports; i++)
		if (network->ports[i].container_port == port &&
		    strcmp(network->ports[i].protocol, protocol) == 0)
			return true;
	return false;
}

static int publish_exposed(struct plan *plan, struct error *err)
{
	const struct image_settings *settings = plan->record->settings;
	struct record_network *network = plan->record->network;

	for (size_t i = 0; i < settings->n_exposed_ports; i++) {
		struct port_range range;

		if (port_spec_parse_exposed(settings->exposed_ports[i].key, &range, err) < 0)
			return -1;
		if (is_published(network, range.first, range.protocol))
			continue;
		struct record_port *port =
			VECTOR_ADD(network->ports, network->n_ports, plan->arena, err);
		if (!port)
			return -1;
		port->container_port = range.first;
		port->protocol = arena_strdup(plan->arena, range.protocol, err);
		if (!port->protocol)
			return -1;
	}
	return 0;
}

static bool same_socket(const struct record_port *a, const struct record_port *b)
{
	return a->host_port == b->host_port && strcmp(a->protocol, b->protocol) == 0 &&
	       (!a->host_ip || !b->host_ip || strcmp(a->host_ip, b->host_ip) == 0);
}

int plan_host_ports(struct record_network *network, struct error *err)
{
	for (size_t i = 0; i < network->n_ports; i++) {
		struct record_port *port = &network->ports[i];

		if (!port->host_port &&
		    free_port_find(port->protocol, port->host_ip, network->ports, network->n_ports,
				   &port->host_port, err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (same_socket(&network->ports[j], port))
				return error_set(err, 0, "--publish: port %u/%s is given twice",
						 port->host_port, port->protocol);
	}
	return 0;
}

static int set_ports(struct plan *plan, struct error *err)
{
	const struct option_strings *given = &plan->options->publish;
	struct record_network *network = plan->record->network;

	for (size_t i = 0; i < given->count; i++)
		if (port_spec_parse_published(given->items[i], plan->arena, &network->ports,
					      &network->n_ports, err) < 0)
			return error_wrap(err, "--publish %s", given->items[i]);
	if (plan->options->publish_all && publish_exposed(plan, err) < 0)
		return -1;
	return plan_host_ports(network, err);
}

/* ---- names ---- */

static bool is_address(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* What becomes a word of a line of /etc/hosts or resolv.conf. */
static bool is_word(const char *text)
{
	for (const char *p = text; *p; p++)
		if (isspace((unsigned char)*p) || iscntrl((unsigned char)*p) || *p == '#')
			return false;
	return *text;
}

static int copy_words(struct plan *plan, const char *option, const struct option_strings *given,
		      char ***ret, size_t *ret_n, bool addresses, struct error *err)
{
	for (size_t i = 0; i < given->count; i++) {
		const char *text = given->items[i];

		if (addresses ? !is_address(text) : !is_word(text))
			return error_set(err, 0, "--%s \"%s\": not %s", option, text,
					 addresses ? "an IP address" : "one word");
		if (vector_add_text(ret, ret_n, text, plan->arena, err) < 0)
			return -1;
	}
	return 0;
}

static int add_host(struct plan *plan, const char *text, struct error *err)
{
	struct record_network *network = plan->record->network;
	size_t n = strcspn(text, ":=");
	char *name = arena_strndup(plan->arena, text, n, err);
	char *ip = arena_strdup(plan->arena, text[n] ? text + n + 1 : "", err);

	if (!name || !ip)
		return -1;
	if (*ip == '[' && str_ends_with(ip, "]")) {
		ip[strlen(ip) - 1] = '\0';
		ip++;
	}
	if (!is_word(name) || (strcmp(ip, "host-gateway") != 0 && !is_address(ip)))
		return error_set(err, 0, "--add-host %s: write NAME:IP or NAME:host-gateway", text);
	if (strcmp(network->mode, "none") == 0 && strcmp(ip, "host-gateway") == 0)
		return error_set(err, 0, "--add-host %s: --network none has no gateway", text);
	return vector_take_text(&network->extra_hosts, &network->n_extra_hosts,
				arena_format(plan->arena, err, "%s:%s", name, ip), plan->arena,
				err);
}

static int set_names(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct record_network *network = plan->record->network;

	if (copy_words(plan, "dns", &options->dns, &network->dns, &network->n_dns, true, err) < 0 ||
	    copy_words(plan, "dns-search", &options->dns_search, &network->dns_search,
		       &network->n_dns_search, false, err) < 0 ||
	    copy_words(plan, "dns-option", &options->dns_option, &network->dns_options,
		       &network->n_dns_options, false, err) < 0 ||
	    copy_words(plan, "network-alias", &options->network_alias, &network->aliases,
		       &network->n_aliases, false, err) < 0)
		return -1;
	for (size_t i = 0; i < options->add_host.count; i++)
		if (add_host(plan, options->add_host.items[i], err) < 0)
			return -1;
	return 0;
}

/* ---- its own addresses ---- */

/* "aa:bb:cc:dd:ee:ff" */
static bool is_mac(const char *text)
{
	enum { LENGTH = 17 };

	for (size_t i = 0; i < LENGTH; i++)
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	return !text[LENGTH];
}

static int set_addresses(struct plan *plan, struct error *err)
{
	const struct create_options *options = plan->options;
	struct record_network *network = plan->record->network;
	unsigned char address[sizeof(struct in6_addr)];

	if (options->ip && inet_pton(AF_INET, options->ip, address) != 1)
		return error_set(err, 0, "--ip %s: not an IPv4 address", options->ip);
	if (options->ip6 && inet_pton(AF_INET6, options->ip6, address) != 1)
		return error_set(err, 0, "--ip6 %s: not an IPv6 address", options->ip6);
	if (options->mac_address && !is_mac(options->mac_address))
		return error_set(err, 0, "--mac-address %s: write aa:bb:cc:dd:ee:ff",
				 options->mac_address);
	if ((options->ip && !(network->ip = arena_strdup(plan->arena, options->ip, err))) ||
	    (options->ip6 && !(network->ip6 = arena_strdup(plan->arena, options->ip6, err))) ||
	    (options->mac_address &&
	     !(network->mac_address = arena_strdup(plan->arena, options->mac_address, err))))
		return -1;
	return 0;
}

int plan_network(struct plan *plan, struct error *err)
{
	if (set_mode(plan, err) < 0 || check_mode(plan, err) < 0)
		return -1;
	plan->private_network = strcmp(plan->record->network->mode, "host") != 0;
	if (set_ports(plan, err) < 0 || set_names(plan, err) < 0)
		return -1;
	return set_addresses(plan, err);
}
