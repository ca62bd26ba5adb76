/* SPDX-License-Identifier: Apache-2.0 */
/* What is measured, and how each of it is done. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "integration/bench/bench.h"

/* CREATE, START and DELETE follow one another: a container's life is the three of them. */
const struct row rows[ROWS] = {
	{ "`run true`", RUN, "plain" },
	{ "`create`", CREATE, "plain" },
	{ "`start`", START, "plain" },
	{ "`delete`", DELETE, "plain" },
	{ "`exec true`", EXEC, "wait" },
	{ "50 at once", PARALLEL, "plain" },
	{ "100 in sequence", SEQUENCE, "plain" },
	{ "default seccomp profile", RUN, "seccomp" },
	{ "user namespace", RUN, "userns" },
	{ "terminal", TERMINAL, "terminal" },
	{ "200 mounts", RUN, "mounts" },
	{ "config.json of 1 MB", RUN, "big" },
};

bool row_is_many(size_t row)
{
	return rows[row].verb == PARALLEL || rows[row].verb == SEQUENCE;
}

/* Of the container that exec enters; other ids are numbered. */
static void waiting_id(const struct column *column, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s-%zu-wait", strrchr(bench.folder, '/') + 1,
		       (size_t)(column - bench.columns));
}

/* Of the last create. */
static pid_t read_pid(void)
{
	char path[PATH_MAX], text[32] = "";

	(void)snprintf(path, sizeof(path), "%s/pid", bench.folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		(void)close(fd);
	return (pid_t)strtol(text, NULL, 10);
}

static void keep(struct column *column, size_t row, const struct cost *cost, bool is_traced)
{
	for (int m = 0; m < MEASURES; m++)
		if ((m == CALLS || m == MEMORY) == is_traced)
			add_sample(&column->samples[row][m], cost->measures[m]);
}

static bool do_call(struct column *column, size_t row, const char *id, bool is_traced)
{
	struct call call;
	struct cost cost;

	make_call(&call, column, rows[row].verb, rows[row].bundle, id);
	enter(column->namespace);
	bool ok = is_traced ? traced(&call, &cost) : timed(&call, &cost);
	enter(bench.home);
	if (ok)
		keep(column, row, &cost, is_traced);
	else
		column->failures++;
	return ok;
}

static void do_many(struct column *column, size_t row)
{
	struct cost cost;

	enter(column->namespace);
	bool ok = timed_many(column, rows[row].bundle, rows[row].verb == PARALLEL, &cost);
	enter(bench.home);
	if (ok)
		keep(column, row, &cost, false);
	else
		column->failures++;
}

/* The three rows of a container's life; delete finds it stopped and reaped. */
static void do_life(struct column *column, size_t row, const char *id, bool is_traced)
{
	if (!do_call(column, row, id, is_traced))
		return;
	pid_t init = read_pid();
	bool started = do_call(column, row + 1, id, is_traced);
	if (!started && init > 0)
		(void)kill(init, SIGKILL);
	if (init > 0)
		(void)waitpid(init, NULL, __WALL);
	(void)do_call(column, row + 2, id, is_traced);
}

void do_row(struct column *column, size_t row, bool is_traced)
{
	char id[64];

	next_id(id, sizeof(id));
	switch (rows[row].verb) {
	case CREATE:
		do_life(column, row, id, is_traced);
		break;
	case START:
	case DELETE: /* done with create */
		break;
	case EXEC:
		waiting_id(column, id, sizeof(id));
		if (column->waiting > 0)
			(void)do_call(column, row, id, is_traced);
		break;
	case PARALLEL:
	case SEQUENCE:
		if (!is_traced)
			do_many(column, row);
		break;
	case TERMINAL: /* the floor has none */
		if (!column->is_floor)
			(void)do_call(column, row, id, is_traced);
		break;
	default:
		(void)do_call(column, row, id, is_traced);
		break;
	}
}

bool call_once(struct column *column, enum verb verb, const char *bundle, const char *id)
{
	struct call call;
	struct cost cost;

	make_call(&call, column, verb, bundle, id);
	enter(column->namespace);
	bool ok = timed(&call, &cost);
	enter(bench.home);
	return ok;
}

void begin_waiting(struct column *column)
{
	char id[64];

	waiting_id(column, id, sizeof(id));
	if (!call_once(column, CREATE, "wait", id))
		return;
	column->waiting = read_pid();
	if (!call_once(column, START, "wait", id))
		column->failures++;
}

void end_waiting(struct column *column)
{
	char id[64];

	if (column->waiting <= 0)
		return;
	waiting_id(column, id, sizeof(id));
	(void)kill(column->waiting, SIGKILL);
	(void)waitpid(column->waiting, NULL, __WALL);
	if (!call_once(column, DELETE, "wait", id))
		column->failures++;
}
