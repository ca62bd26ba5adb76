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

/* CREATE, START, KILL and DELETE follow one another: a container's life is the four of them. */
const struct row rows[ROWS] = {
	{ "`run true`", RUN, "plain" },
	{ "`create`", CREATE, "wait" },
	{ "`start`", START, "wait" },
	{ "`kill`", KILL, "wait" },
	{ "`delete`", DELETE, "wait" },
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

bool row_is_whole(size_t row)
{
	return rows[row].verb == RUN || rows[row].verb == TERMINAL;
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

static bool takes(enum pass pass, int measure)
{
	switch (measure) {
	case CALLS:
	case MEMORY:
		return pass == TRACED;
	case WHOLE:
		return pass == CONFINED;
	default:
		return pass == TIMED;
	}
}

static void keep(struct column *column, size_t row, const struct cost *cost, enum pass pass)
{
	for (int m = 0; m < MEASURES; m++)
		if (takes(pass, m))
			add_sample(&column->samples[row][m], cost->measures[m]);
}

static bool do_call(struct column *column, size_t row, const char *id, enum pass pass)
{
	static bool (*const passes[])(const struct call *, struct cost *) = {
		[TIMED] = timed,
		[TRACED] = traced,
		[CONFINED] = confined,
	};
	struct call call;
	struct cost cost;

	make_call(&call, column, rows[row].verb, rows[row].bundle, id);
	enter(column->namespace);
	bool ok = passes[pass](&call, &cost);
	enter(bench.home);
	if (ok)
		keep(column, row, &cost, pass);
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
		keep(column, row, &cost, TIMED);
	else
		column->failures++;
}

/* The four rows of a container's life; delete finds it stopped and reaped. */
static void do_life(struct column *column, size_t row, const char *id, enum pass pass)
{
	if (!do_call(column, row, id, pass))
		return;
	column->init = read_pid();
	bool ends = do_call(column, row + 1, id, pass) && do_call(column, row + 2, id, pass);
	if (!ends && column->init > 0)
		(void)kill(column->init, SIGKILL);
	if (column->init > 0)
		(void)waitpid(column->init, NULL, __WALL);
	(void)do_call(column, row + 3, id, pass);
}

void do_row(struct column *column, size_t row, enum pass pass)
{
	char id[64];

	next_id(id, sizeof(id));
	switch (rows[row].verb) {
	case CREATE:
		do_life(column, row, id, pass);
		break;
	case START:
	case KILL:
	case DELETE: /* done with create */
		break;
	case EXEC:
		waiting_id(column, id, sizeof(id));
		if (column->waiting > 0)
			(void)do_call(column, row, id, pass);
		break;
	case PARALLEL:
	case SEQUENCE:
		if (pass == TIMED)
			do_many(column, row);
		break;
	case TERMINAL: /* the floor has none */
		if (!column->is_floor)
			(void)do_call(column, row, id, pass);
		break;
	default:
		(void)do_call(column, row, id, pass);
		break;
	}
}

bool call_once(struct column *column, enum verb verb, const char *bundle, const char *id,
	       struct cost *cost)
{
	struct call call;
	struct cost unused;

	make_call(&call, column, verb, bundle, id);
	enter(column->namespace);
	bool ok = timed(&call, cost ? cost : &unused);
	enter(bench.home);
	if (ok && verb == CREATE)
		column->init = read_pid();
	return ok;
}

void begin_waiting(struct column *column)
{
	char id[64];

	waiting_id(column, id, sizeof(id));
	if (!call_once(column, CREATE, "wait", id, NULL))
		return;
	column->waiting = column->init;
	if (!call_once(column, START, "wait", id, NULL))
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
	if (!call_once(column, DELETE, "wait", id, NULL))
		column->failures++;
}
