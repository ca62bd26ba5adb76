/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of stdio.h: its state, and what its files share. stdio.c makes the
 * process's side, stdio_attach.c copies, stdio_drain.c ends.
 */
#pragma once

#include <sys/ioctl.h>

#include "shim/console.h"
#include "shim/logger.h"
#include "shim/relay.h"
#include "shim/stdio.h"
#include "shim/stdio_uri.h"

enum { IN, OUT, ERR, STREAMS };
enum {
	LOOK_MOST_MS = 50,
	MEET_MS = 5000, /* for a client to open what it has made */
	READ_MS = 1000, /* for a client to read what it has got */
};

extern const char *const stdio_stream_names[STREAMS];

struct stream {
	struct stdio *stdio;
	struct stdio_uri uri; /* until it is attached; no path: not wanted */
	int ours;	      /* our end of its pipe, until it is attached */
	int target;	      /* a FIFO that a client has open, until it is attached */
	int fifo;	      /* of the client, for output: see stdio_reader.h */
	struct relay *relay;  /* while it copies */
};

struct stdio {
	struct loop *loop;
	struct reaper *reaper;
	struct stream streams[STREAMS];
	int child[STREAMS];
	int input_writer; /* keeps stdin's FIFO from its end: until CloseIO */
	int master;
	struct console *console; /* until the master came */
	struct logger *logger;
	void (*ready)(void *data, const char *failure);
	void *ready_data;
	void (*drained)(void *data);
	void *drained_data;
	struct loop_timer patience;
	void (*read)(void *data); /* who waits for the client to read */
	void *read_data;
	struct loop_timer look;
	int look_ms, look_left_ms;
	struct winsize size;
	struct stdio_local local; /* where is_local */
	bool is_local;
	bool local_is_open; /* handed over, and neither drained nor closed */
	bool terminal, size_is_known, input_is_closed, process_has_ended;
};

bool stdio_is_program(const struct stdio_uri *uri);

/* Both outputs go to the same path. */
bool stdio_is_one_target(const struct stdio *s);

/* Calls look(&s->look) after 1 ms, then each time that stdio_look_again() is called. */
void stdio_start_looking(struct stdio *s, void (*look)(struct loop_timer *timer), int timeout_ms);
void stdio_look_again(struct stdio *s);

void stdio_close_process_side(struct stdio *s);
void stdio_free_console(struct stdio *s);

/* A stream or the logger has ended: was it the last that a deletion waits for? */
void stdio_check_drained(struct stdio *s);
