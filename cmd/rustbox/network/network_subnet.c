/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 subnets: reading them, and which of them the machine has already. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cmd/rustbox/network/network_subnet.h"

enum { BITS_LEAST = 8, BITS_MOST = 30, ROUTES_SIZE_MAX = 4 * 1024 * 1024 };

bool network_subnet_read(const char *text, struct network_subnet *ret)
{
	const char *slash = strchr(text, '/');
	char address[INET_ADDRSTRLEN];
	struct in_addr in;
	uint64_t bits;

	if (!slash || (size_t)(slash - text) >= sizeof(address) ||
	    !str_to_uint(slash + 1, 10, BITS_MOST, &bits) || bits < BITS_LEAST)
		return false;
	(void)snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (inet_pton(AF_INET, address, &in) != 1)
		return false;
	ret->bits = (unsigned int)bits;
	ret->address = ntohl(in.s_addr);
	return (ret->address & (UINT32_MAX >> bits)) == 0;
}

bool network_subnet_overlaps(const struct network_subnet *a, const struct network_subnet *b)
{
	unsigned int bits = a->bits < b->bits ? a->bits : b->bits;

	/* A shift by all the bits there are has no meaning in C. */
	return bits == 0 || ((a->address ^ b->address) >> (32 - bits)) == 0;
}

bool network_subnet_has_host(const struct network_subnet *subnet, const char *address)
{
	uint32_t rest = UINT32_MAX >> subnet->bits;
	struct in_addr in;

	if (inet_pton(AF_INET, address, &in) != 1)
		return false;
	uint32_t host = ntohl(in.s_addr);
	return ((host ^ subnet->address) & ~rest) == 0 && (host & rest) != 0 &&
	       (host & rest) != rest;
}

char *network_subnet_address(uint32_t address, struct arena *arena, struct error *err)
{
	struct in_addr in = { .s_addr = htonl(address) };
	char text[INET_ADDRSTRLEN];

	return arena_strdup(arena, inet_ntop(AF_INET, &in, text, sizeof(text)), err);
}

/* ---- what the machine has ---- */

static int add_use(struct network_uses *uses, const char *interface, uint32_t address,
		   uint32_t mask, bool is_route, struct error *err)
{
	struct network_use *more = reallocarray(uses->items, uses->n + 1, sizeof(*more));
	struct network_use *use;

	if (!more)
		return error_memory(err);
	uses->items = more;
	use = &more[uses->n++];
	*use = (struct network_use){ .subnet = { .address = address & mask },
				     .is_route = is_route };
	while (use->subnet.bits < 32 && mask & (UINT32_C(1) << (31 - use->subnet.bits)))
		use->subnet.bits++;
	(void)snprintf(use->interface, sizeof(use->interface), "%s", interface);
	return 0;
}

static uint32_t address_of(const struct sockaddr *address)
{
	struct sockaddr_in in;

	memcpy(&in, address, sizeof(in));
	return ntohl(in.sin_addr.s_addr);
}

static int add_interfaces(struct network_uses *uses, struct error *err)
{
	struct ifaddrs *list;
	int result = 0;

	if (getifaddrs(&list) < 0)
		return error_set(err, errno, "list the addresses of the machine");
	for (const struct ifaddrs *i = list; i && result == 0; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_netmask && i->ifa_addr->sa_family == AF_INET)
			result = add_use(uses, i->ifa_name, address_of(i->ifa_addr),
					 address_of(i->ifa_netmask), false, err);
	freeifaddrs(list);
	return result;
}

/* The n-th word of a line, counted from 0; cut when it is too long. */
static void copy_word(const char *line, int n, char *word, size_t size)
{
	const char blanks[] = " \t\n";

	line += strspn(line, " ");
	for (; n > 0; n--) {
		line += strcspn(line, blanks);
		line += strspn(line, " \t");
	}
	(void)snprintf(word, size, "%.*s", (int)strcspn(line, blanks), line);
}

/* proc(5): interface, destination, gateway, …, mask; hexadecimal, in network order. */
static int add_route(struct network_uses *uses, const char *line, struct error *err)
{
	enum { INTERFACE, DESTINATION, MASK = 7 };
	char interface[IF_NAMESIZE], digits[9];
	uint64_t destination, mask;

	copy_word(line, INTERFACE, interface, sizeof(interface));
	copy_word(line, DESTINATION, digits, sizeof(digits));
	/* The headline is none. */
	if (!str_to_uint(digits, 16, UINT32_MAX, &destination))
		return 0;
	copy_word(line, MASK, digits, sizeof(digits));
	/* The default route is everybody's. */
	if (!str_to_uint(digits, 16, UINT32_MAX, &mask) || mask == 0)
		return 0;
	return add_use(uses, interface, ntohl((uint32_t)destination), ntohl((uint32_t)mask), true,
		       err);
}

static int add_routes(struct network_uses *uses, struct error *err)
{
	cleanup_free char *text = NULL;
	int result = 0;

	if (fd_read_file(AT_FDCWD, "/proc/net/route", ROUTES_SIZE_MAX, &text, NULL, err) < 0)
		return -1;
	for (const char *line = text; *line && result == 0;) {
		result = add_route(uses, line, err);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return result;
}

int network_uses_read(struct network_uses *ret, struct error *err)
{
	struct network_uses uses = { NULL, 0 };

	if (add_interfaces(&uses, err) < 0 || add_routes(&uses, err) < 0) {
		network_uses_done(&uses);
		return -1;
	}
	*ret = uses;
	return 0;
}

void network_uses_done(struct network_uses *uses)
{
	free(uses->items);
	*uses = (struct network_uses){ NULL, 0 };
}

const struct network_use *network_uses_find(const struct network_uses *uses,
					    const struct network_subnet *subnet,
					    const char *but_interface, bool with_routes)
{
	for (size_t i = 0; i < uses->n; i++) {
		const struct network_use *use = &uses->items[i];
		if ((with_routes || !use->is_route) && strcmp(use->interface, but_interface) != 0 &&
		    network_subnet_overlaps(&use->subnet, subnet))
			return use;
	}
	return NULL;
}
