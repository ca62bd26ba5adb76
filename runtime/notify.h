/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sd_notify(3) for containers: the payload writes to a socket of ours, and
 * what a service manager may learn of it (READY=1) is handed on to the socket
 * that NOTIFY_SOCKET named in the caller's environment, with the payload's
 * pid as MAINPID.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "oci/spec.h"

/* The NOTIFY_SOCKET of the environment, or NULL. */
const char *notify_host_socket(void);

/*
 * Makes the folder notify/ in the state folder, and puts a mount of it on
 * /run/notify and NOTIFY_SOCKET=/run/notify/notify.sock into the
 * configuration. folder_path is the state folder's absolute path.
 */
int notify_prepare(int folder, const char *folder_path, struct spec *spec, struct arena *arena,
		   struct error *err);

/*
 * Binds notify/notify.sock, open to every user of the container. Done by
 * `start`, before the payload runs: a bound socket goes with its process, so
 * create cannot leave one behind. Returns the socket.
 */
int notify_bind(int folder, struct error *err);

/*
 * Waits until the payload says READY=1 (handed on, with MAINPID) or has ended.
 * host: the path of the service manager's socket ('@' for an abstract one).
 */
int notify_wait_ready(int socket, const char *host, pid_t pid, int pidfd, struct error *err);
