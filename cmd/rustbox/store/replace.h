/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing a file of JSON, also on a full disk. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

/*
 * Replaces dirfd/name (mode 0600) by the text, at once or not at all; durable:
 * it survives a power cut. Where the disk is full the text goes into the blocks
 * that the present file has, with white space behind it, which JSON allows; -1
 * with ENOSPC where there are not enough of them, and the file is as it was.
 */
int replace_file(int dirfd, const char *name, const char *text, bool durable, struct error *err);
