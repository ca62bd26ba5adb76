/* SPDX-License-Identifier: Apache-2.0 */
/* What a long-lived process of root does without. */
#pragma once

#include "base/error.h"

/*
 * Takes out of the effective set what no supervisor uses itself: loading kernel
 * modules, raw access to memory and ports, restarting the machine, its clock,
 * its kernel's log, what keeps it awake, mandatory access control. Permitted
 * and bounding sets stay: root has all of them again when it executes a program
 * (capabilities(7)), so what the supervisor starts misses nothing, and other
 * processes may look into it no more than before (ptrace(2) compares permitted
 * sets).
 */
int privilege_lower(struct error *err);
