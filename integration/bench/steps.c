/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime does beyond the floor, and what each of it costs: columns named
 * floor+STEP,... are the floor that does these steps, too. Minima, since what
 * disturbs a call only makes it longer; the columns' order changes in each round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/bench/bench.h"

enum { RUN_ROW = 0, COUNTED_ROUNDS = 3 };

static const enum measure shown[] = { CPU, TIME, CALLS, FAULTS };
enum { SHOWN = sizeof(shown) / sizeof(shown[0]) };

static void do_round(enum pass pass)
{
	struct column *order[COLUMNS_MAX] = { NULL };

	for (size_t i = 0; i < bench.n_columns; i++) {
		size_t j = (size_t)random() % (i + 1);

		order[i] = order[j];
		order[j] = &bench.columns[i];
	}
	for (size_t i = 0; i < bench.n_columns; i++)
		if (order[i] && order[i]->works)
			do_row(order[i], RUN_ROW, pass);
}

static double least(struct column *column, enum measure measure)
{
	return quantile(&column->samples[RUN_ROW][measure], 0);
}

/* Of times the hundredths of the floor's. */
static void print_cell(enum measure measure, double value, double floor, bool is_more)
{
	bool is_time = measure == CPU || measure == TIME;

	(void)printf(is_more ? " %+.*f%s |" : " %.*f%s |", is_time ? 1 : 0,
		     is_time ? value / floor * 100 : value, is_time ? " %" : "");
}

static void print_row(const char *name, const double values[SHOWN], const double floor[SHOWN],
		      bool is_more)
{
	(void)printf("| %s |", name);
	for (size_t i = 0; i < SHOWN; i++)
		print_cell(shown[i], values[i], floor[i], is_more);
	(void)printf("\n");
}

/* Of one step: more than the floor, and added up; of the others: the whole. */
static void print_column(struct column *column, const double floor[SHOWN], double sum[SHOWN])
{
	const char *step = strchr(column->name, '+');
	bool is_one = step && !strchr(step, ',');
	double values[SHOWN];

	for (size_t i = 0; i < SHOWN; i++) {
		values[i] = least(column, shown[i]) - (is_one ? floor[i] : 0);
		sum[i] += is_one ? values[i] : 0;
	}
	if (step && !is_one)
		print_row("all of these, added up", sum, floor, true);
	const char *name = step ? "the floor with all of these" : column->name;
	if (is_one)
		name = step + 1;
	print_row(name, values, floor, is_one);
}

int measure_steps(unsigned long count)
{
	double floor[SHOWN], sum[SHOWN] = { 0 };
	int result = 0;

	for (unsigned long round = 0; round < count; round++)
		do_round(TIMED);
	for (unsigned long round = 0; round < COUNTED_ROUNDS; round++)
		do_round(TRACED);
	for (size_t i = 0; i < SHOWN; i++)
		floor[i] = least(&bench.columns[0], shown[i]);
	(void)printf(
		"Minima of %lu rounds. A step's are what the floor takes more with it; times are "
		"parts of\nthe floor's.\n\n"
		"| | CPU time | time | system calls | page faults |\n|---|---:|---:|---:|---:|\n",
		count);
	for (size_t i = 0; i < bench.n_columns; i++) {
		if (!bench.columns[i].works || bench.columns[i].failures)
			result = 1;
		print_column(&bench.columns[i], floor, sum);
	}
	return result;
}
