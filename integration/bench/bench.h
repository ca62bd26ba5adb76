/* SPDX-License-Identifier: Apache-2.0 */
/* What the benchmark's files share: columns are runtimes, rows what they are made to do. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { COLUMNS_MAX = 16, ROWS = 13, ARGS_MAX = 24 };

/* Rows with the multiple calls are done this much less often. */
enum { MANY_DIVISOR = 10 };

enum verb { RUN, CREATE, START, KILL, DELETE, EXEC, PARALLEL, SEQUENCE, TERMINAL, LIST };

struct row {
	const char *title;
	enum verb verb;
	const char *bundle;
};
extern const struct row rows[ROWS];

/*
 * TIME, USER, SYSTEM and CPU (both) in milliseconds, MEMORY and WHOLE in KiB; the others
 * are counts.
 */
enum measure { TIME, USER, SYSTEM, CPU, FAULTS, CALLS, MEMORY, WHOLE, MEASURES };

/* A row is done in passes, each of which takes some of the measures. */
enum pass { TIMED, TRACED, CONFINED };

struct cost {
	double measures[MEASURES];
};

struct samples {
	double *values;
	size_t count, room;
};

struct column {
	const char *name, *program, *tree;
	bool is_floor, works;
	const char *steps; /* of the floor, beyond it; or NULL */
	int namespace;	   /* the mount namespace to call it in */
	const char *note;
	pid_t waiting; /* init of the container that exec enters */
	pid_t init;    /* of the last create */
	unsigned int failures;
	struct samples samples[ROWS][MEASURES];
	double smallest_limit; /* of memory, KiB, under which it runs a container; 0: not known */
};

extern struct bench {
	const char *folder;
	const char *bundles; /* the folder's folder of those that are run now */
	struct column columns[COLUMNS_MAX];
	size_t n_columns;
	int home; /* our own mount namespace */
} bench;

/* Prints errno's text and ends the program. */
_Noreturn void fail(const char *what);

/* ---- samples.c */

void add_sample(struct samples *samples, double value);

/* By nearest rank: 0.5 is the median; 0 of no samples. Sorts them. */
double quantile(struct samples *samples, double q);

/* 0 of no samples. */
double mean(const struct samples *samples);

/* ---- namespace.c */

/* Goes into a mount namespace. */
void enter(int namespace);

/* A mount namespace like ours with the tree's /usr, and without cgroup2; -1 if that cannot be. */
int make_namespace(const char *tree, bool without_unified);

/* ---- call.c */

/* A program's command line. */
struct call {
	bool has_terminal; /* as standard input and output */
	char *args[ARGS_MAX];
	size_t n;
	char text[4096]; /* what the arguments are made in */
	size_t used;
};

void make_call(struct call *call, const struct column *column, enum verb verb, const char *bundle,
	       const char *id);

/*
 * Finds the hierarchies that a runtime here uses, for the floor, whose container's
 * cgroup is below "" or "/NAME" where memory is counted. Before all calls.
 */
void find_cgroups(const char *below);

/* A container's id that was not there before. */
void next_id(char *ret, size_t size);

/* ---- timed.c, traced.c, confined.c: calls, in the column's namespace already; false when one
 * fails */

/* Where the programs' output goes: files of the folder. Once, before all calls. */
void open_streams(void);

/* A terminal that nobody sits at. */
const char *terminal_name(void);

/* A spawned program; -1 with errno. */
pid_t spawn(const struct call *call);

/* TIME, USER, SYSTEM, CPU and FAULTS. */
bool timed(const struct call *call, struct cost *cost);

/* The same, of 50 at once or 100 one after another. */
bool timed_many(const struct column *column, const char *bundle, bool at_once, struct cost *cost);

bool succeeded(int status);

/* Executes the program in this process; its errors go where its output does. */
_Noreturn void become(const struct call *call);

/* CALLS and MEMORY. */
bool traced(const struct call *call, struct cost *cost);

/*
 * Makes a cgroup and sets bench.bundles and the floor to what has its container's
 * below it, until end_confinement(); false where cgroups count no memory.
 */
bool begin_confinement(void);
void end_confinement(void);

/* WHOLE: in that cgroup. */
bool confined(const struct call *call, struct cost *cost);

/* ---- rows.c */

bool row_is_many(size_t row);

/* Its call has the program and the whole container in it, from begin to end. */
bool row_is_whole(size_t row);

/* Calls what the row says, and keeps what it cost; CREATE's row does the next three as well. */
void do_row(struct column *column, size_t row, enum pass pass);

/* Calls a verb outside of all rows; `cost`, of timed(), may be NULL. After CREATE column->init is
 * set. */
bool call_once(struct column *column, enum verb verb, const char *bundle, const char *id,
	       struct cost *cost);

/* The container that exec enters, for as long as all is measured. */
void begin_waiting(struct column *column);
void end_waiting(struct column *column);

/* ---- limit.c */

/* Finds the column's smallest_limit; it has run a container before. */
void find_smallest_limit(struct column *column);

/* ---- growth.c */

/*
 * Instead of the rows: how the time of `run true` grows along the folder's file "points"
 * (lines "SERIES X BUNDLE"; the series "alive" has X containers of each column beside it, and
 * `list` is measured, too), printed as gnuplot reads it; the program's exit code.
 */
int measure_growth(unsigned long count);

/* ---- steps.c */

/*
 * Instead of the rows: what `run true` costs, of floors with steps and of the runtime; the
 * first column is the floor. The program's exit code.
 */
int measure_steps(unsigned long count);

/* ---- report.c */

/* The tables, and the ratios for a plot in the folder's file "ratios"; the program's exit code. */
int report(unsigned long count);
