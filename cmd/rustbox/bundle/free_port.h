/* SPDX-License-Identifier: Apache-2.0 */
/* A port of the host that nobody has, for --publish without one. */
#pragma once

#include "cmd/rustbox/store/record.h"

/*
 * The kernel chooses it (bind(2) to port 0), and it is free again at once: it
 * stays the container's for good, and a start says so if somebody took it.
 * None of `taken` with that protocol. protocol: "tcp", "udp", "sctp"; ip: NULL for all.
 */
int free_port_find(const char *protocol, const char *ip, const struct record_port *taken,
		   size_t n_taken, uint16_t *ret, struct error *err);
