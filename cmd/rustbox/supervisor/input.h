/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to a process's standard input, in the order in which it came. What
 * the process does not read waits here, so that nothing blocks: one piece a
 * client, which sends the next one when its last one was taken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/loop.h"

struct input_piece;
struct input {
	struct loop *loop;
	struct loop_watch watch; /* fd -1: not open */
	struct input_piece *first, **last;
	bool is_terminal;
	bool ends;	/* no client has more to say */
	bool is_broken; /* the process does not read any more: all is thrown away */
};

/* Not open yet: what is added waits. */
void input_init(struct input *input, struct loop *loop);

/* take_fd: non-blocking; -1: there is no input, all is thrown away. */
void input_open(struct input *input, int take_fd, bool is_terminal);

/*
 * Writes the bytes, or keeps them. Calls `taken` (may be NULL) once: from
 * within, or from the loop, when they were written or thrown away. -1 with err
 * when out of memory.
 */
int input_add(struct input *input, const void *data, size_t size, void (*taken)(void *data),
	      void *taken_data, struct error *err);

/* The owner of this data has gone: what it has sent is still written. */
void input_forget(struct input *input, const void *taken_data);

/* End of file behind what was added. A terminal has none. */
void input_end(struct input *input);

/* What has not been written is thrown away. May be opened again. */
void input_close(struct input *input);
