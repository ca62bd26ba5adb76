/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bridge of a network, which is there as long as a container is on it, and
 * the rules of the firewall that keep it apart from other networks.
 */
#pragma once

#include "cmd/rustbox/network/network_parts.h"

struct network_bridge {
	const char *network, *name; /* "rbx-0123abcd" */
	bool internal;
};

/* What the names of those begin with that rustbox has made up. */
#define NETWORK_BRIDGE_PREFIX "rbx"

/*
 * Of the configuration list. False when none of its plugins makes one, or only one
 * with a name that an administrator has chosen: that is nothing to remove.
 */
bool network_bridge_of(const struct value *list, struct network_bridge *ret);

bool network_bridge_exists(const struct network_bridge *bridge);
/* True when something is on it, also where that cannot be told. */
bool network_bridge_is_used(const struct network_bridge *bridge);

/*
 * Before the plugin makes it: lets what belongs to the bridge pass the
 * machine's firewall, and keeps other networks out.
 */
int network_bridge_open(const struct network_bridge *bridge, struct error *err);
/* Removes it and its rules, what there is of them; one that is used stays. */
int network_bridge_drop(const struct network_bridge *bridge, struct error *err);

/*
 * Takes turns with all of this machine's networks, whatever their root: shared
 * (LOCK_SH) for who puts a container on a bridge that is there, exclusive
 * (LOCK_EX) for who makes or removes one, or chooses a subnet. A descriptor;
 * closing it unlocks.
 */
int network_bridge_lock(int operation, struct error *err);
int network_bridge_change_lock(int lock, int operation, struct error *err);
