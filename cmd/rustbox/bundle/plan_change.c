/* SPDX-License-Identifier: Apache-2.0 */
/* Environment and ports of a container that there is. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "cmd/rustbox/bundle/plan.h"
#include "cmd/rustbox/bundle/port_spec.h"
#include "cmd/rustbox/bundle/vector.h"

/* ---- environment ---- */

static bool is_named(const char *entry, const char *name, size_t size)
{
	return strncmp(entry, name, size) == 0 && entry[size] == '=';
}

/* The list without those of that name, and with `entry` (NULL: nothing) at the end. */
static int replace(char ***list, size_t *n, const char *name, size_t size, const char *entry,
		   struct arena *arena, struct error *err)
{
	char **result = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (!is_named((*list)[i], name, size) &&
		    vector_add_text(&result, &kept, (*list)[i], arena, err) < 0)
			return -1;
	if (entry && vector_add_text(&result, &kept, entry, arena, err) < 0)
		return -1;
	*list = result;
	*n = kept;
	return 0;
}

static int replace_in_both(struct image_settings *settings, struct spec_process *process,
			   const char *name, const char *entry, struct arena *arena,
			   struct error *err)
{
	size_t size = strcspn(name, "=");

	if (replace(&settings->env, &settings->n_env, name, size, entry, arena, err) < 0)
		return -1;
	return replace(&process->env, &process->n_env, name, size, entry, arena, err);
}

/* "NAME=VALUE"; without a value the one of our own environment. */
static int set_variable(const char *text, struct image_settings *settings,
			struct spec_process *process, struct arena *arena, struct error *err)
{
	const char *own = strchr(text, '=') ? NULL : getenv(text);
	const char *entry = text;

	if (*text == '=' || !*text)
		return error_set(err, 0, "--env %s: write NAME=VALUE", text);
	if (!strchr(text, '=') && !own)
		return error_set(err, 0, "--env %s: it is not set here (--env-rm takes one away)",
				 text);
	if (own)
		entry = arena_format(arena, err, "%s=%s", text, own);
	if (!entry)
		return -1;
	return replace_in_both(settings, process, text, entry, arena, err);
}

static bool has_variable(const struct spec_process *process, const char *name)
{
	for (size_t i = 0; i < process->n_env; i++)
		if (is_named(process->env[i], name, strlen(name)))
			return true;
	return false;
}

int bundle_change_env(const struct update_options *options, struct image_settings *settings,
		      struct spec_process *process, struct arena *arena, struct error *err)
{
	const struct option_strings *set = &options->create.env, *removed = &options->env_rm;

	for (size_t i = 0; i < removed->count; i++) {
		if (!has_variable(process, removed->items[i]))
			return error_set(err, 0, "--env-rm %s: there is no such variable",
					 removed->items[i]);
		if (replace_in_both(settings, process, removed->items[i], NULL, arena, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < set->count; i++)
		if (set_variable(set->items[i], settings, process, arena, err) < 0)
			return -1;
	return 0;
}

/* ---- ports ---- */

static bool is_within(const struct record_port *port, const struct port_range *range)
{
	return port->container_port >= range->first && port->container_port <= range->last &&
	       str_equal(port->protocol, range->protocol);
}

/* "80", "8000-8010/udp": of the container, as the port command shows them. */
static int remove_ports(const char *text, struct record_network *network, struct error *err)
{
	struct port_range range;
	size_t kept = 0;

	if (port_spec_parse_exposed(text, &range, err) < 0)
		return error_wrap(err, "--publish-rm");
	for (size_t i = 0; i < network->n_ports; i++)
		if (!is_within(&network->ports[i], &range))
			network->ports[kept++] = network->ports[i];
	if (kept == network->n_ports)
		return error_set(err, 0, "--publish-rm %s: the container does not publish it",
				 text);
	network->n_ports = kept;
	return 0;
}

static bool has_own_network(const struct record_network *network)
{
	return strcmp(network->mode, "host") != 0 && strcmp(network->mode, "none") != 0 &&
	       !str_starts_with(network->mode, "container:");
}

int bundle_change_ports(const struct update_options *options, struct record_network *network,
			struct arena *arena, struct error *err)
{
	const struct option_strings *added = &options->create.publish;
	struct record_port *ports = NULL;
	size_t n = 0;

	if (!has_own_network(network))
		return error_set(err, 0, "its ports cannot be published: --network %s",
				 network->mode);
	for (size_t i = 0; i < options->publish_rm.count; i++)
		if (remove_ports(options->publish_rm.items[i], network, err) < 0)
			return -1;
	for (size_t i = 0; i < network->n_ports; i++) {
		struct record_port *port = VECTOR_ADD(ports, n, arena, err);

		if (!port)
			return -1;
		*port = network->ports[i];
	}
	for (size_t i = 0; i < added->count; i++)
		if (port_spec_parse_published(added->items[i], arena, &ports, &n, err) < 0)
			return error_wrap(err, "--publish %s", added->items[i]);
	network->ports = ports;
	network->n_ports = n;
	return plan_host_ports(network, err);
}
