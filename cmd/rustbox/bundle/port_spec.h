/* SPDX-License-Identifier: Apache-2.0 */
/* Ports as --publish and --expose write them. Pure parsing. */
#pragma once

#include <stdint.h>

#include "base/mem.h"
#include "cmd/rustbox/store/record.h"

struct port_range {
	uint16_t first, last;
	char protocol[8]; /* "tcp", "udp", "sctp" */
};

/* "80", "8000-8010/udp" */
int port_spec_parse_exposed(const char *text, struct port_range *ret, struct error *err);

/*
 * "[[IP:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL]"; ports may be ranges of one
 * length; an IPv6 address is in brackets. Adds a record_port for each port,
 * host_port 0 where none was given: any free one.
 */
int port_spec_parse_published(const char *text, struct arena *arena, struct record_port **ret,
			      size_t *ret_n, struct error *err);

/* All ports of the network as above, each in full; the texts live in the arena. */
int port_spec_write_all(const struct record_network *network, struct arena *arena, char ***ret,
			size_t *ret_n, struct error *err);
