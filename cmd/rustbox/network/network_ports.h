/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's ports of a container that publishes some: sockets that are bound,
 * and are not served, as the kernel sends what comes to them elsewhere. So
 * nobody else gets them, and who has one of them already is not cut off.
 */
#pragma once

#include "cmd/rustbox/store/record.h"

struct network_ports {
	int *fds;
	size_t n;
};

/* All of them or none. One that is taken: EADDRINUSE, and the message says which. */
int network_ports_hold(const struct record *record, struct network_ports *ret, struct error *err);
/*
 * For another list of ports: `ports` holds those of `old`, and *ret gets those of
 * `changed`, or nothing is taken. What both have is held by both.
 */
int network_ports_change(const struct record_network *old, const struct network_ports *ports,
			 const struct record_network *changed, struct network_ports *ret,
			 struct error *err);
/* Any number of times; of a zeroed one, too. */
void network_ports_release(struct network_ports *ports);
