/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.netDevices: interfaces of the host that become the container's
 * (rtnetlink(7)). Where they go when the container ends is the kernel's
 * business: physical ones back to the host, others nowhere.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"
#include "oci/spec.h"

/*
 * Moves them from our network namespace to that of process `pid` (procfs is
 * the host's /proc), under their new names, sets up what was set up or not,
 * and gives them back their permanent global addresses, which the kernel takes
 * off. All is looked at before the first one moves. Must be called from a
 * process with one thread: it enters the other namespace for a moment.
 */
int net_device_move(const struct spec *spec, int procfs, pid_t pid, struct error *err);
