/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program's file where nobody can write to it (SECURITY.md S1): a process
 * that is executed from there may enter a container, in which /proc/PID/exe
 * leads to what it was executed from.
 */
#pragma once

#include "base/error.h"

/* Whoever executes it says in the environment in which folder it lies. */
#define PROTECTED_PROGRAM_FOLDER "_RUSTBOX_SEALED"

/*
 * Opens the program (close-on-exec, for execveat(2)) in a read-only clone of
 * its folder's mount that belongs to no mount namespace. -1 with err: EPERM
 * where clones may not be made; ELOOP for a symbolic link, ENOEXEC for a
 * script, whose interpreter would have to open it again.
 */
int protected_program_open(const char *path, struct error *err);
