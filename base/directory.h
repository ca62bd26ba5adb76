/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a folder's names. readdir(3) ends the same way behind the last name and
 * on a broken disk: who takes the one for the other loses files silently.
 */
#pragma once

#include <dirent.h>

#include "base/error.h"

/*
 * The next entry, without . and ..: 1; 0 behind the last one; -1 with err. *ret is
 * the stream's, until its next call. path: the folder's, for the message.
 */
int directory_next(DIR *stream, const char *path, const struct dirent **ret, struct error *err);
