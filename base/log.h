/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's log: lines of text or JSON, to standard error or a file.
 *
 * Callers of an OCI runtime read the JSON form: {"level":…,"msg":…,"time":…}.
 * Until log_open() the log goes to standard error as text, from level warning
 * on. Lines of text have the time in a file, and at level debug; a person at a
 * terminal gets "warning: …". A process inside a container has no log file; it hands its lines to
 * its parent through log_redirect().
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

struct log_options {
	/* NULL: standard error; "journald:NAME" and "syslog:NAME" are their services. */
	const char *path;
	bool json;
	enum log_level level; /* the least important that is written */
};

/*
 * Opens (appends to, makes with mode 0644) the file, or connects to the
 * service. A line that a service has no room for at once is lost, as nobody
 * waits for a log.
 */
int log_open(const struct log_options *options, struct error *err);

bool log_enabled(enum log_level level);

/* One line; newlines and control characters in it are made harmless. Keeps errno. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_DEBUG, __VA_ARGS__)

/*
 * For whoever wonders where the time went, at level debug: "phase NAME: N us",
 * since the phase before in this process. In JSON also as members, "phase" and
 * "us". NAME is of small letters and "-". A process that was forked begins
 * anew with log_phase_begin().
 */
void log_phase_begin(void);
void log_phase(const char *name);

/* From now on lines go to this function instead; NULL undoes it. */
void log_redirect(void (*sink)(void *data, enum log_level level, const char *text), void *data);

/* "error", "warning", "info", "debug"; "warn", "fatal", "panic", "trace" are understood too. */
bool log_level_from_name(const char *name, enum log_level *ret_level);
