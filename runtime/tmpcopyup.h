/* SPDX-License-Identifier: Apache-2.0 */
/* The mount option tmpcopyup: a tmpfs begins with what was in the folder below it. */
#pragma once

#include "base/error.h"

/*
 * Copies everything in directory `from` into the empty directory `to`: files,
 * folders, links, FIFOs and device nodes, with modes, owners, times and
 * extended attributes. Owners and attributes that may not be set here (user
 * namespaces) are left as they are. Links are never followed. A full `to` is
 * an error.
 */
int tmpcopyup_copy(int from, int to, struct error *err);
