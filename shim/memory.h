/* SPDX-License-Identifier: Apache-2.0 */
/* What a supervisor that has nothing to do does not keep. */
#pragma once

#include <stddef.h>

/* Gives freed memory of the heap back to the kernel. */
void memory_trim(void);

/*
 * The same, and takes the pages of our program's file out of our address space:
 * they stay in the page cache, where the kernel can drop them at once when it
 * needs room, and come back at their next use. Only segments that nobody ever
 * writes to (code, constants): what was relocated stays. The bytes that were
 * unmapped or could have been.
 */
size_t memory_give_back(void);
