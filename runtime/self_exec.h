/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's own executable, out of reach of containers (SECURITY.md S1):
 * a process of ours that has entered a container can be seen there, and
 * /proc/PID/exe would lead to the host's file.
 */
#pragma once

#include "base/error.h"

/*
 * The first thing that the program does for create, run and exec, before it
 * has opened anything: makes sure that we run from an executable that nobody
 * in a container can write, by executing ourselves again from a read-only
 * clone of its folder, or, where that may not be made, from a sealed copy in
 * memory. Returns 0 at once where neither is needed, and in the second life;
 * argv as of main. -1 with err.
 */
int self_exec_seal(char **argv, struct error *err);

/*
 * The folder that the program was started from, for what is installed beside
 * it: in the second life /proc/self/exe does not tell. NULL: not known.
 */
const char *self_exec_folder(void);
