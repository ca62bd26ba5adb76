/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that remove what is not used share. */
#pragma once

#include "cmd/rustbox/command/command.h"
#include "cmd/rustbox/command/filter.h"

/*
 * Asks, where standard input is a terminal and force was not given. what: "all
 * volumes that …". -1 with err: the answer was not yes.
 */
int prune_words_ask(bool force, const char *what, struct error *err);

/* "Total reclaimed space: 1.5MB". Always 0. */
int prune_words_total(uint64_t bytes);

/*
 * Removes containers that do not run; Stopped ones become Exited and lose
 * their files instead, unless all. Filters: label, until. Prints a heading and
 * the ids.
 */
int prune_words_containers(const struct invocation *call, bool all,
			   const struct option_strings *filters, uint64_t *ret_bytes,
			   struct error *err);
int prune_words_check(const struct option_strings *filters, struct error *err);
