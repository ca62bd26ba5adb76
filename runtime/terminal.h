/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's terminal: made inside the container from its own devpts, its
 * master sent out over the console socket (SECURITY.md S10, S14).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "oci/spec.h"

/*
 * Connects to the caller's console socket; the path may be longer than a
 * socket address holds. Returns the connection.
 */
int terminal_connect(const char *path, struct error *err);

/*
 * In the container: opens a new terminal of the devpts at /dev/pts, sets its
 * size, gives its slave side to `uid`, sends the master over console_socket,
 * makes the slave the controlling terminal of this session leader and its
 * standard streams. With on_console it is also mounted on /dev/console.
 */
int terminal_setup(int console_socket, const struct spec_console_size *size, uint32_t uid,
		   bool on_console, struct error *err);

/* Receives a master sent by terminal_setup(); blocks until it comes or the sender has ended. */
int terminal_receive(int socket, struct error *err);
