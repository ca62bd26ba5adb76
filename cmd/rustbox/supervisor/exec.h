/* SPDX-License-Identifier: Apache-2.0 */
/* One more process of the container, by Exec and Start of the task service. */
#pragma once

#include "cmd/rustbox/stream/stream.h"
#include "cmd/rustbox/supervisor/streams.h"

struct supervisor;

/* Called from the loop. Exactly one of `failed` and `ended` comes, and is the last. */
struct exec_user {
	void (*started)(void *data, pid_t pid);
	void (*failed)(void *data, int exit_code, const char *text);
	void (*got)(void *data, enum log_stream stream, const char *bytes, size_t size);
	void (*ended)(void *data, int exit_code, int signal);
};

struct exec {
	struct supervisor *s;
	struct exec *next;
	char id[16];
	char *command; /* for `events` */
	struct streams streams;
	const struct exec_user *user; /* NULL: nobody cares any more */
	void *data;
	struct loop_timer step, grace;
	pid_t pid;
	int exit_code, signal;
	int wanted_signal; /* asked for before it ran; 0: none */
	bool has_exited, is_drained, is_told, kills_when_left;
};

/* 0 when it can have one more now, -1 with err. */
int exec_check_container(const struct supervisor *s, struct error *err);

/* Adds and starts it. NULL with err; then nothing is called. */
struct exec *exec_new(struct supervisor *s, const struct stream_exec *options,
		      const struct exec_user *user, void *data, struct error *err);
/* Now, or as soon as it runs. Nothing happens when it has ended. */
void exec_kill(struct exec *exec, int signal);
/* The user goes; output is thrown away from now on. */
void exec_leave(struct exec *exec);

/* What the task service tells. */
struct exec *exec_find(const struct supervisor *s, const char *id);
void exec_note_exit(struct exec *exec, int exit_code, int signal);
/* The container has ended, and everything is gone. */
void exec_free_all(struct supervisor *s);

/*
 * The process as JSON: the container's own, changed as the options say. Malloc'd,
 * NULL with err.
 */
char *exec_process_json(struct supervisor *s, const struct stream_exec *options, struct error *err);
