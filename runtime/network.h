/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespace that we are in. */
#pragma once

#include "base/error.h"

/* Brings the interface "lo" up; the kernel gives it 127.0.0.1 and ::1. Needs CAP_NET_ADMIN there.
 */
int network_loopback_up(struct error *err);
