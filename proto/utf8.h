/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The length of the valid sequence that p (n > 0 bytes) begins with; 0 when there is none. */
size_t utf8_sequence(const uint8_t *p, size_t n);
