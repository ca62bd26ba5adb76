/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of kernel parameters (linux.sysctl), as sysctl(8) understands them:
 * "net.ipv4.ip_forward" or "net/ipv4/ip_forward". The first separator decides;
 * the other character then stands for itself within a name:
 * "net.ipv4.conf.eth0/1.forwarding" is "net/ipv4/conf/eth0.1/forwarding".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { SPEC_SYSCTL_PATH_SIZE = 256 };

/*
 * Writes the path relative to /proc/sys. False if the name has none: it is too
 * long, or a component of it is empty, "." or "..", or it contains a line break.
 */
bool spec_sysctl_path(const char *name, char path[static SPEC_SYSCTL_PATH_SIZE]);
