/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 subnets: reading them, and which of them the machine has already. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

struct network_subnet {
	uint32_t address; /* host order */
	unsigned int bits;
};

/* "10.63.7.0/24": /8 to /30, no bits behind the prefix; else false. */
bool network_subnet_read(const char *text, struct network_subnet *ret);
bool network_subnet_overlaps(const struct network_subnet *a, const struct network_subnet *b);
/* True for an address in it that a host may have: neither its first nor its last one. */
bool network_subnet_has_host(const struct network_subnet *subnet, const char *address);
/* As text, in the arena; NULL with err. */
char *network_subnet_address(uint32_t address, struct arena *arena, struct error *err);

/* What interfaces of this machine have, and routes (of the main table, but the default one) reach.
 */
struct network_use {
	struct network_subnet subnet; /* of 0 to 32 bits */
	char interface[IF_NAMESIZE];
	bool is_route;
};
struct network_uses {
	struct network_use *items;
	size_t n;
};
int network_uses_read(struct network_uses *ret, struct error *err);
void network_uses_done(struct network_uses *uses);
#define cleanup_network_uses __attribute__((cleanup(network_uses_done)))

/* One that overlaps the subnet and is not of that interface; NULL: none. */
const struct network_use *network_uses_find(const struct network_uses *uses,
					    const struct network_subnet *subnet,
					    const char *but_interface, bool with_routes);
