/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, in Markdown. */
#include <stdio.h>

#include "integration/bench/bench.h"

static double median(const struct column *column, size_t row, enum measure measure)
{
	struct samples samples = column->samples[row][measure];

	return quantile(&samples, 0.5);
}

typedef bool cell_function(const struct column *column, size_t row);

static bool time_cell(const struct column *column, size_t row)
{
	struct samples samples = column->samples[row][TIME];

	if (samples.count == 0)
		return false;
	(void)printf("%.2f (%.2f)", quantile(&samples, 0.5), quantile(&samples, 0.99));
	return true;
}

/* The first column that is not the floor is what the others are compared with. */
static bool ratio_cell(const struct column *column, size_t row)
{
	size_t first = 0;

	while (first < bench.n_columns && bench.columns[first].is_floor)
		first++;
	double theirs = median(column, row, TIME);
	double ours = first < bench.n_columns ? median(&bench.columns[first], row, TIME) : 0;
	if (theirs <= 0 || ours <= 0)
		return false;
	(void)printf("%.2f", ours / theirs);
	return true;
}

static bool cpu_cell(const struct column *column, size_t row)
{
	if (column->samples[row][USER].count == 0)
		return false;
	(void)printf("%.2f + %.2f", median(column, row, USER), median(column, row, SYSTEM));
	return true;
}

static bool plain_cell(const struct column *column, size_t row, enum measure measure)
{
	if (column->samples[row][measure].count == 0)
		return false;
	(void)printf("%.0f", median(column, row, measure));
	return true;
}

static bool faults_cell(const struct column *column, size_t row)
{
	return plain_cell(column, row, FAULTS);
}

static bool calls_cell(const struct column *column, size_t row)
{
	return plain_cell(column, row, CALLS);
}

static bool memory_cell(const struct column *column, size_t row)
{
	return plain_cell(column, row, MEMORY);
}

static const struct table {
	const char *title, *text;
	cell_function *cell;
} tables[] = {
	{ "Time", "Milliseconds as the caller sees them: median (99th percentile).", time_cell },
	{ "Ratio", "Time of the first runtime divided by that of each.", ratio_cell },
	{ "CPU",
	  "Milliseconds, user + system, of the program and what it has waited for (a container's\n"
	  "init that outlives `create` is not in it).",
	  cpu_cell },
	{ "Page faults", "Of the same processes.", faults_cell },
	{ "System calls", "Of all processes of a call while the program lives, the payload's too.",
	  calls_cell },
	{ "Peak memory", "KiB resident of the runtime's own process.", memory_cell },
};

static void print_header(const char *title, const char *text)
{
	(void)printf("\n### %s\n\n%s\n\n| |", title, text);
	for (size_t i = 0; i < bench.n_columns; i++)
		(void)printf(" %s |", bench.columns[i].name);
	(void)printf("\n|---|");
	for (size_t i = 0; i < bench.n_columns; i++)
		(void)printf("---:|");
	(void)printf("\n");
}

static void print_table(const struct table *table)
{
	print_header(table->title, table->text);
	for (size_t row = 0; row < ROWS; row++) {
		bool is_many = row_is_many(row);

		if (is_many && (table->cell == calls_cell || table->cell == memory_cell))
			continue;
		(void)printf("| %s |", rows[row].title);
		for (size_t i = 0; i < bench.n_columns; i++) {
			(void)printf(" ");
			if (!table->cell(&bench.columns[i], row))
				(void)printf("–");
			(void)printf(" |");
		}
		(void)printf("\n");
	}
}

/* A table of one row, of all columns but the floor. */
static void print_limits(void)
{
	print_header("Smallest memory limit",
		     "KiB of `linux.resources.memory.limit` under which a container runs.");
	(void)printf("| `/bin/true` |");
	for (size_t i = 0; i < bench.n_columns; i++) {
		if (bench.columns[i].smallest_limit > 0)
			(void)printf(" %.0f |", bench.columns[i].smallest_limit);
		else
			(void)printf(" – |");
	}
	(void)printf("\n");
}

int report(unsigned long count)
{
	int result = 0;

	(void)printf("%lu rounds; %d for \"50 at once\" and \"100 in sequence\".\n", count,
		     (int)((count + MANY_DIVISOR - 1) / MANY_DIVISOR));
	for (size_t i = 0; i < bench.n_columns; i++) {
		if (bench.columns[i].note)
			(void)printf("%s %s.\n", bench.columns[i].name, bench.columns[i].note);
		if (bench.columns[i].failures)
			(void)printf("%s: %u calls failed.\n", bench.columns[i].name,
				     bench.columns[i].failures);
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		print_table(&tables[i]);
	print_limits();
	/* Peers may do as they can; ours and the floor have to work. */
	for (size_t i = 0; i < bench.n_columns && i < 2; i++)
		if (!bench.columns[i].works || bench.columns[i].failures)
			result = 1;
	return result;
}
