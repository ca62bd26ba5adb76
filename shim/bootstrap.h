/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short-lived actions of a shim: `start`, `delete`, -info and -v. They run
 * in a process of their own, and print what they have to print and nothing else.
 */
#pragma once

#include "base/error.h"
#include "shim/flags.h"

#define SHIM_RUNTIME_NAME "io.containerd.rustbox.v1"

/*
 * Finds the server of the container's group, or makes it: binds its socket,
 * executes this program again as the server, with the socket as descriptor 3,
 * and prints "unix://" and the socket's path. Standard input may hold the
 * runtime's options or containerd 2.3's BootstrapParams. The current directory
 * is the bundle. On failure nothing is left.
 */
int bootstrap_start(const struct shim_flags *flags, struct error *err);

/*
 * Cleans up after a server that may be gone: kills the container, deletes the
 * runtime's state, unmounts the root file system, prints a DeleteResponse. May
 * be called any number of times, also after a normal end.
 */
int bootstrap_delete(const struct shim_flags *flags, struct error *err);

/* Prints a RuntimeInfo with the runtime's features; standard input may hold options. */
int bootstrap_info(struct error *err);

void bootstrap_version(void);
