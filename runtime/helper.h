/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of ours that the runtime runs because it is static itself, and they
 * need shared objects: rustbox-systemd, rustbox-seccomp.
 */
#pragma once

#include "base/error.h"

/*
 * Where the helper is: beside the program, as in a build, or in
 * ../libexec/rustbox, as installed. malloc'd; NULL with err, which says that it
 * is `purpose` what it is for.
 */
char *helper_find(const char *name, const char *purpose, struct error *err);

/* Sets the error to the helper's last words (which it cleans), or to how it ended. Always -1. */
int helper_failed(const char *name, char *output, int status, struct error *err);
