/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our ends of a process's standard streams: what the task service hands over
 * (shim/stdio.h, local streams).
 */
#pragma once

#include "cmd/rustbox/log/log_format.h"
#include "cmd/rustbox/stream/stream.h"
#include "cmd/rustbox/supervisor/input.h"
#include "shim/stdio.h"

/* What is read at once; one packet to a client. */
enum { STREAMS_READ_SIZE = STREAM_BYTES_MAX };

struct streams {
	struct loop *loop;
	struct stdio_local local; /* for the task service */
	struct stdio *stdio;	  /* that wants to know when all was read; NULL: none */
	struct loop_watch outputs[LOG_STREAMS];
	struct input input;
	struct loop_timer again;
	struct stream_size size; /* of the terminal */
	size_t left;		 /* while finishing: bytes that may still come */
	bool terminal, is_open, is_finishing, is_paused;
	/* Set by the owner: from the loop; `got` with at most STREAMS_READ_SIZE bytes. */
	void (*got)(void *data, enum log_stream stream, const char *bytes, size_t size);
	/* No output will come any more. */
	void (*ended)(void *data);
	void *data;
};

void streams_init(struct streams *streams, struct loop *loop, bool terminal, bool wants_input,
		  bool wants_output);

/* Nothing is read until it goes on: what the process writes fills its pipe. */
void streams_pause(struct streams *streams);
void streams_go_on(struct streams *streams);

/* Of the terminal: now, or when it is there. 0 stays as it is. */
void streams_resize(struct streams *streams, struct stream_size size);
/* The same for who has just come: what fills the screen draws it anew, even in the same size. */
void streams_show(struct streams *streams, struct stream_size size);

/*
 * What can be read now is read, and that is the end, whoever may still hold
 * the other ends.
 */
void streams_finish(struct streams *streams);

/* Closes everything; nothing is called any more. May be used again. */
void streams_close(struct streams *streams);
