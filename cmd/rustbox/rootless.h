/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rustbox of an ordinary user. All commands and supervisors of the user share
 * one user namespace, in which the user is root, and one mount namespace of
 * that: so everything behind this works as it does for root.
 *
 * A small process holds both as long as somebody is in them: each process of
 * rustbox has a connection to it (RUN/namespace.sock), and it ends with the
 * last one. Ids 1, 2, ... are the user's subordinate ones (/etc/subuid,
 * newuidmap); where there are none, the user's own id is the only one.
 */
#pragma once

#include "base/error.h"

/*
 * For root: nothing. For others: makes or joins the namespaces; sets
 * RUSTBOX_ROOT and RUSTBOX_RUN, where not set, to the user's folders. A process
 * started from within connects to the holder. The current folder stays. Must
 * be called before there is another thread; waits for newuidmap and newgidmap.
 */
int rootless_enter(struct error *err);

/* The holder, in a child that is on its own; never returns. */
_Noreturn void rootless_holder_main(int folder, int channel);
/* Its address, as seen through a descriptor of the run folder. */
#define ROOTLESS_SOCKET "namespace.sock"
#define ROOTLESS_LOCK	"namespace.lock"
