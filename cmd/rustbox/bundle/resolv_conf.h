/* SPDX-License-Identifier: Apache-2.0 */
/* A container's resolv.conf(5), from the host's and what was asked for. Pure text work. */
#pragma once

#include "base/str.h"
#include "cmd/rustbox/network/network.h"

/* True when all name servers are loopback addresses, which another network cannot reach. */
bool resolv_conf_is_stub(const char *text);

/*
 * Adds the file's text. Of the host's come the servers, search domains and
 * options that nothing else names; in a network of its own without those
 * servers that are loopback addresses. result: NULL, or what the network's
 * plugins say.
 */
void resolv_conf_make(struct str *out, const char *host, const struct record_network *network,
		      const struct network_result *result, bool own_network);
