/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a payload from typing into a terminal that is not its own but our
 * caller's, passed on as a standard stream (SECURITY.md S14, CVE-2017-5226).
 * The kernel refuses ioctl TIOCSTI and TIOCLINUX there to all but CAP_SYS_ADMIN;
 * for payloads that have it, a seccomp filter refuses them (EPERM).
 */
#pragma once

#include <stdbool.h>

#include "runtime/seccomp.h"

/* True when one of descriptors 0 to 2 is a terminal. */
bool tty_guard_sees_terminal(void);

/* The filter; static. */
const struct seccomp_filter *tty_guard_filter(void);
