/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a runtime's cost grows: with mounts, with the size of config.json, with the
 * number of containers that are alive beside it. All is told as a multiple of one
 * time of the same run, the first runtime's at the first point.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "integration/bench/bench.h"

enum { POINTS_MAX = 32, ALIVE_MAX = 1000 };

static struct point {
	char series[32], x[32], bundle[64];
	struct samples run[COLUMNS_MAX], list[COLUMNS_MAX];
} points[POINTS_MAX];
static size_t n_points;

/* The containers that wait, of each column: as many as the last point has wanted. */
static pid_t alive[COLUMNS_MAX][ALIVE_MAX];
static unsigned long n_alive[COLUMNS_MAX];

static void read_points(void)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/points", bench.folder);
	FILE *file = fopen(path, "re");
	while (file && n_points < POINTS_MAX) {
		struct point *point = &points[n_points];

		if (fscanf(file, "%31s %31s %63s", point->series, point->x, point->bundle) != 3)
			break;
		n_points++;
	}
	if (file)
		(void)fclose(file);
	if (n_points == 0)
		fail(path);
}

static bool is_alive(const struct point *point)
{
	return strcmp(point->series, "alive") == 0;
}

static void id_of_alive(const struct column *column, unsigned long number, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s-%zu-alive-%lu", strrchr(bench.folder, '/') + 1,
		       (size_t)(column - bench.columns), number);
}

static void keep_alive(struct column *column, unsigned long wanted)
{
	unsigned long *n = &n_alive[column - bench.columns];
	char id[64];

	while (*n < wanted && *n < ALIVE_MAX) {
		id_of_alive(column, *n, id, sizeof(id));
		if (!call_once(column, CREATE, "wait", id, NULL)) {
			column->failures++;
			return;
		}
		alive[column - bench.columns][(*n)++] = column->init;
		if (!call_once(column, START, "wait", id, NULL))
			column->failures++;
	}
}

static void end_alive(struct column *column)
{
	size_t i = (size_t)(column - bench.columns);

	for (unsigned long n = 0; n < n_alive[i]; n++) {
		char id[64];

		id_of_alive(column, n, id, sizeof(id));
		(void)kill(alive[i][n], SIGKILL);
		(void)waitpid(alive[i][n], NULL, __WALL);
		if (!call_once(column, DELETE, "wait", id, NULL))
			column->failures++;
	}
}

static void take(struct column *column, enum verb verb, const char *bundle, struct samples *samples)
{
	struct cost cost;
	char id[64];

	next_id(id, sizeof(id));
	if (call_once(column, verb, bundle, id, &cost))
		add_sample(&samples[column - bench.columns], cost.measures[TIME]);
	else
		column->failures++;
}

/* Each column once, another one first in each round. */
static void measure_point(struct point *point, unsigned long round)
{
	for (size_t i = 0; i < bench.n_columns; i++) {
		struct column *column = &bench.columns[(i + round) % bench.n_columns];

		if (!column->works)
			continue;
		take(column, RUN, point->bundle, point->run);
		if (is_alive(point))
			take(column, LIST, point->bundle, point->list);
	}
}

static void print_point(const char *series, const char *x, struct samples *samples, double unit)
{
	(void)printf("%s\t%s", series, x);
	for (size_t i = 0; i < bench.n_columns; i++) {
		if (samples[i].count)
			(void)printf("\t%.3f", quantile(&samples[i], 0.5) / unit);
		else
			(void)printf("\t-");
	}
	(void)printf("\n");
}

static int report_growth(void)
{
	double unit = quantile(&points[0].run[0], 0.5);

	(void)printf("series\tx");
	for (size_t i = 0; i < bench.n_columns; i++)
		(void)printf("\t%s", bench.columns[i].name);
	(void)printf("\n");
	for (size_t i = 0; i < n_points && unit > 0; i++)
		print_point(points[i].series, points[i].x, points[i].run, unit);
	for (size_t i = 0; i < n_points && unit > 0; i++)
		if (is_alive(&points[i]))
			print_point("list", points[i].x, points[i].list, unit);
	for (size_t i = 0; i < bench.n_columns; i++)
		if (bench.columns[i].failures)
			(void)fprintf(stderr, "bench: %s: %u calls failed\n", bench.columns[i].name,
				      bench.columns[i].failures);
	/* Peers may do as they can. */
	return unit > 0 && bench.columns[0].failures == 0 ? 0 : 1;
}

int measure_growth(unsigned long count)
{
	read_points();
	/* One of those with containers beside it follows the other: they only become more. */
	for (unsigned long round = 0; round < count; round++)
		for (size_t i = 0; i < n_points; i++)
			if (!is_alive(&points[i]))
				measure_point(&points[i], round);
	for (size_t i = 0; i < n_points; i++) {
		if (!is_alive(&points[i]))
			continue;
		for (size_t c = 0; c < bench.n_columns; c++)
			if (bench.columns[c].works)
				keep_alive(&bench.columns[c], strtoul(points[i].x, NULL, 10));
		for (unsigned long round = 0; round < count; round++)
			measure_point(&points[i], round);
	}
	for (size_t c = 0; c < bench.n_columns; c++)
		end_alive(&bench.columns[c]);
	return report_growth();
}
