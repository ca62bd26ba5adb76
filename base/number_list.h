/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of small numbers as the kernel writes them: "0-3,7" (cpuset(7), "List format"). */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum { NUMBER_LIST_MAX = 8192, NUMBER_LIST_WORD = sizeof(unsigned long) * CHAR_BIT };

/* Bit n of the mask is number n, as sched_setaffinity(2) and set_mempolicy(2) have it. */
struct number_list {
	unsigned long mask[NUMBER_LIST_MAX / NUMBER_LIST_WORD];
};

/* Adds the text's numbers, which are below NUMBER_LIST_MAX. False when it is no list; "" is one. */
bool number_list_parse(const char *text, struct number_list *ret);

size_t number_list_count(const struct number_list *list);
