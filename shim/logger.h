/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that takes a process's output (binary://, binary-v2://). It finds
 * the reading ends of stdout and stderr as descriptors 3 and 4; as 5 it has a
 * pipe by which it tells that it is ready.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/loop.h"
#include "shim/reaper.h"
#include "shim/stdio_uri.h"

struct logger;

struct logger_config {
	const struct stdio_uri *uri;
	const char *id, *namespace; /* its whole environment */
	int out, err;		    /* reading ends; borrowed during logger_new() */
	/* Called once, from the loop: failure is NULL, or why it is not ready. */
	void (*ready)(void *data, const char *failure);
	/* It has ended, by itself or not. Called from the loop. */
	void (*ended)(void *data);
	void *data;
};

/* Starts it. The config's texts are used during the call. */
struct logger *logger_new(struct loop *loop, struct reaper *reaper,
			  const struct logger_config *config, struct error *err);

bool logger_is_running(const struct logger *logger);

/*
 * Asks one that is still running to end (SIGTERM), and kills it after 10 s,
 * without the caller; nothing is called back any more. The loop and the reaper
 * have to stay until then, or the program ends. May be called from the
 * callbacks; NULL is fine.
 */
void logger_free(struct logger *logger);
