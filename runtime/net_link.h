/* SPDX-License-Identifier: Apache-2.0 */
/* The few requests of rtnetlink(7) that net_device.c needs. */
#pragma once

#include <linux/rtnetlink.h>
#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

/* A socket of the caller's network namespace; close-on-exec. */
int net_link_open(struct error *err);

/* As the kernel tells of it, and takes it again. */
struct net_link_address {
	struct ifaddrmsg header;
	unsigned char *attributes; /* of the kinds that can be given to a new one */
	size_t size;
};

/* The permanent addresses of global scope, of all families. Memory from the arena. */
int net_link_addresses(int socket, unsigned int index, struct arena *arena,
		       struct net_link_address **ret, size_t *ret_n, struct error *err);

int net_link_add_address(int socket, unsigned int index, const struct net_link_address *address,
			 struct error *err);

/* To another namespace and name, at once. */
int net_link_move(int socket, unsigned int index, int ns, const char *name, struct error *err);
