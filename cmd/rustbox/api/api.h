/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rustboxd: the JSON socket API (docs/ipc-protocol.md). One process listens;
 * each connection is served by a child of its own, by the same functions that
 * the commands call, so that a client can hold up nobody but itself.
 */
#pragma once

#include <sys/types.h>

#include "cmd/rustbox/store/store.h"

#define API_SOCKET "/run/rustbox/rustboxd.sock"

/* More are told so, and closed: to wait would look like a daemon that hangs. */
enum { API_CONNECTIONS_MAX = 1024 };

struct api_config {
	const char *socket; /* path; made with mode 0600. NULL: API_SOCKET, or systemd's */
};

/*
 * Serves until SIGTERM or SIGINT: then requests in progress are finished (at
 * most 5 s), and the socket's file is removed. Containers stay as they are. With
 * LISTEN_FDS (sd_listen_fds(3)) the socket is descriptor 3, and stays. -1 with err when
 * it cannot listen; EADDRINUSE: somebody else serves this socket.
 */
int api_serve(struct store *store, const struct api_config *config, struct error *err);
