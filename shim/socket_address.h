/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a group's server listens. The name is a hash, so that every `start` of
 * the group finds the same one; the file is also what decides who serves.
 *
 * What looks at a socket and then makes or removes it holds a lock (flock(2) on
 * the folder, a matter of microseconds): a socket between bind and listen, or
 * one that has just replaced a stale one, would be taken for stale, and a group
 * would get two servers.
 */
#pragma once

#include "base/error.h"

#define SOCKET_ADDRESS_DIRECTORY "/run/containerd/s"
#define SOCKET_ADDRESS_SCHEME	 "unix://"
enum { SOCKET_ADDRESS_MAX = 106 }; /* bytes of a path: what every client can put in an address */

/*
 * "DIRECTORY/" and the SHA-256 of ADDRESS/NAMESPACE/GROUP, where address is
 * containerd's. Malloc'd; NULL with err, also when it is too long for a socket.
 */
char *socket_address_path(const char *directory, const char *address, const char *namespace,
			  const char *group, struct error *err);

/*
 * Listens at the path (mode 0600), whose folder is made when it is missing,
 * and replaces a socket that nobody listens on. 0 with the descriptor; 1 when
 * a server lives there (it has seen a connection come and go); -1 with err.
 */
int socket_address_listen(const char *path, int *ret_listener, struct error *err);

/*
 * For a server that wants to end: removes the socket's file. 1 when that is
 * done; 0 when it must live on, because a client waits to be accepted, or a
 * `start` is just asking for it (try again later); -1 with err. Does not block.
 */
int socket_address_retire(int listener, struct error *err);

/*
 * Removes the socket when nobody listens on it; a living server does not
 * notice. What is missing, or is no socket, is left alone.
 */
int socket_address_remove_stale(const char *path, struct error *err);
