/* SPDX-License-Identifier: Apache-2.0 */
/* The subnet of a network: one that nobody else has. */
#include <string.h>

#include "cmd/rustbox/network/network_parts.h"
#include "cmd/rustbox/network/network_subnet.h"

/* 10.63.0.0/24, 10.63.1.0/24, … */
enum { SUBNET_BASE = 0x0a3f0000, SUBNETS = 256, SUBNET_SIZE = 256 };

static const struct network_info *find_overlap(const struct network_neighbours *all,
					       const struct network_info *info,
					       const struct network_subnet *subnet)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct network_info *other = all->networks[i];
		struct network_subnet theirs;
		if (strcmp(other->name, info->name) != 0 && other->subnet &&
		    network_subnet_read(other->subnet, &theirs) &&
		    network_subnet_overlaps(&theirs, subnet))
			return other;
	}
	return NULL;
}

static int set_in_use(const struct network_info *info, const struct network_use *use,
		      struct error *err)
{
	return error_set(err, 0, "the subnet %s overlaps the address of %s on this machine",
			 info->subnet, use->interface);
}

static int set_no_subnet(const char *text, struct error *err)
{
	(void)error_set(err, 0, "\"%s\" is no subnet", text);
	return error_hint(err,
			  "of IPv4, such as 10.63.7.0/24, /8 to /30, no bits behind the prefix");
}

static int set_taken(const struct network_info *info, const struct network_info *taken,
		     struct error *err)
{
	(void)error_set(err, 0, "the subnet %s overlaps %s of the network %s", info->subnet,
			taken->subnet, taken->name);
	return error_hint(err, "choose another one, or leave out --subnet: then it is a free one");
}

/* A subnet may well be a part of what a route leads to, but for the addresses of an interface. */
static int check(const struct network_info *info, const char *bridge,
		 const struct network_neighbours *all, const struct network_uses *uses,
		 struct error *err)
{
	const struct network_info *taken;
	const struct network_use *use;
	struct network_subnet subnet;

	if (!network_subnet_read(info->subnet, &subnet))
		return set_no_subnet(info->subnet, err);
	taken = find_overlap(all, info, &subnet);
	if (taken)
		return set_taken(info, taken, err);
	use = network_uses_find(uses, &subnet, bridge, false);
	if (use)
		return set_in_use(info, use, err);
	if (info->gateway && !network_subnet_has_host(&subnet, info->gateway))
		return error_set(err, 0, "the gateway \"%s\" is no address for a host in %s",
				 info->gateway, info->subnet);
	return 0;
}

/*
 * The first one that nobody has and no route leads to. Where a route leads to
 * all of them (a VPN's 10.0.0.0/8), one that no interface has must do.
 */
static int find_subnet(const struct network_info *info, const char *bridge,
		       const struct network_neighbours *all, const struct network_uses *uses,
		       struct network_subnet *ret, struct error *err)
{
	for (int with_routes = 1; with_routes >= 0; with_routes--)
		for (unsigned int i = 0; i < SUBNETS; i++) {
			*ret = (struct network_subnet){ SUBNET_BASE + SUBNET_SIZE * i, 24 };
			if (!find_overlap(all, info, ret) &&
			    !network_uses_find(uses, ret, bridge, with_routes))
				return 0;
		}
	return error_set(err, ENOSPC,
			 "all %d subnets are taken (give --subnet, or rustbox network prune)",
			 SUBNETS);
}

/* The subnet that was asked for, or one of ours. */
static int set(struct network_info *info, const char *bridge, const struct network_neighbours *all,
	       const struct network_uses *uses, struct arena *arena, struct error *err)
{
	struct network_subnet subnet;

	if (info->subnet) {
		if (check(info, bridge, all, uses, err) < 0)
			return -1;
		(void)network_subnet_read(info->subnet, &subnet);
	} else {
		if (info->gateway)
			return error_set(err, EINVAL,
					 "--gateway %s needs the --subnet that it is in",
					 info->gateway);
		if (find_subnet(info, bridge, all, uses, &subnet, err) < 0)
			return -1;
		char *address = network_subnet_address(subnet.address, arena, err);
		info->subnet = address ? arena_format(arena, err, "%s/24", address) : NULL;
		if (!info->subnet)
			return -1;
		info->is_chosen = true;
	}
	if (!info->gateway)
		info->gateway = network_subnet_address(subnet.address + 1, arena, err);
	return info->gateway ? 0 : -1;
}

int network_check_subnet(const struct network_info *info, const char *bridge,
			 const struct network_neighbours *all, struct error *err)
{
	cleanup_network_uses struct network_uses uses = { NULL, 0 };

	return network_uses_read(&uses, err) < 0 ? -1 : check(info, bridge, all, &uses, err);
}

int network_choose_subnet(struct network_info *info, const char *bridge,
			  const struct network_neighbours *all, struct arena *arena,
			  struct error *err)
{
	cleanup_network_uses struct network_uses uses = { NULL, 0 };

	return network_uses_read(&uses, err) < 0 ? -1 : set(info, bridge, all, &uses, arena, err);
}
