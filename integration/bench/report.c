/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, in Markdown. */
#include <limits.h>
#include <stdio.h>

#include "integration/bench/bench.h"

static double quantile_of(const struct column *column, size_t row, enum measure measure, double q)
{
	struct samples samples = column->samples[row][measure];

	return quantile(&samples, q);
}

static double median(const struct column *column, size_t row, enum measure measure)
{
	return quantile_of(column, row, measure, 0.5);
}

/* The first column that is not the floor is what the others are compared with. */
static const struct column *first_column(void)
{
	size_t first = 0;

	while (first + 1 < bench.n_columns && bench.columns[first].is_floor)
		first++;
	return &bench.columns[first];
}

/* Prints nothing, and is false, where there is nothing to print. */
typedef bool cell_function(const struct column *column, size_t row, enum measure measure);

static bool time_cell(const struct column *column, size_t row, enum measure measure)
{
	(void)printf("%.2f (%.2f)", median(column, row, measure),
		     quantile_of(column, row, measure, 0.99));
	return true;
}

static bool ratio_cell(const struct column *column, size_t row, enum measure measure)
{
	const struct column *first = first_column();
	double ours = median(first, row, measure), theirs = median(column, row, measure);

	if (ours <= 0 || theirs <= 0)
		return false;
	(void)printf("%.2f (%.2f)", ours / theirs,
		     quantile_of(first, row, measure, 0.99) /
			     quantile_of(column, row, measure, 0.99));
	return true;
}

static bool cpu_cell(const struct column *column, size_t row, enum measure measure)
{
	(void)printf("%.2f (%.2f + %.2f)", median(column, row, measure),
		     mean(&column->samples[row][USER]), mean(&column->samples[row][SYSTEM]));
	return true;
}

static bool plain_cell(const struct column *column, size_t row, enum measure measure)
{
	(void)printf("%.0f", median(column, row, measure));
	return true;
}

static const struct table {
	const char *title, *text;
	cell_function *cell;
	enum measure measure;
} tables[] = {
	{ "Time", "Milliseconds as the caller sees them: median (99th percentile).", time_cell,
	  TIME },
	{ "Ratio", "Time of the first runtime divided by that of each: medians (99th percentiles).",
	  ratio_cell, TIME },
	{ "CPU",
	  "Milliseconds of the program and what it has waited for (a container's init that "
	  "outlives\n"
	  "`create` is not in it): median (means of user + system, which the kernel tells apart "
	  "by\n"
	  "its clock's ticks).",
	  cpu_cell, CPU },
	{ "CPU ratio",
	  "User and system time of the program and what it has waited for (not of an init that\n"
	  "outlives `create`), the first runtime's divided by that of each: medians (99th "
	  "percentiles).",
	  ratio_cell, CPU },
	{ "Page faults", "Of the same processes.", plain_cell, FAULTS },
	{ "System calls", "Of all processes of a call while the program lives, the payload's too.",
	  plain_cell, CALLS },
	{ "Peak memory", "KiB resident of the runtime's own process.", plain_cell, MEMORY },
	{ "Peak memory of all together",
	  "KiB that a cgroup counts which has the runtime's processes and the container in it, "
	  "the\n"
	  "kernel's own memory included, but no page of a file that was in memory before. The "
	  "kernel\n"
	  "counts in steps of 256 KiB for each processor.",
	  plain_cell, WHOLE },
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

/* Rows without the table's measure (what is counted of one call alone) are left out. */
static bool has_row(const struct table *table, size_t row)
{
	for (size_t i = 0; i < bench.n_columns; i++)
		if (bench.columns[i].samples[row][table->measure].count > 0)
			return true;
	return false;
}

static void print_table(const struct table *table)
{
	print_header(table->title, table->text);
	for (size_t row = 0; row < ROWS; row++) {
		if (!has_row(table, row))
			continue;
		(void)printf("| %s |", rows[row].title);
		for (size_t i = 0; i < bench.n_columns; i++) {
			const struct column *column = &bench.columns[i];

			(void)printf(" ");
			if (column->samples[row][table->measure].count == 0 ||
			    !table->cell(column, row, table->measure))
				(void)printf("–");
			(void)printf(" |");
		}
		(void)printf("\n");
	}
}

static void write_ratio_row(FILE *file, size_t row)
{
	double ours = median(first_column(), row, TIME);

	(void)fprintf(file, "\n%s", rows[row].title);
	for (size_t i = 0; i < bench.n_columns; i++) {
		double theirs = median(&bench.columns[i], row, TIME);

		if (ours > 0 && theirs > 0)
			(void)fprintf(file, "\t%.3f", theirs / ours);
		else
			(void)fprintf(file, "\t-");
	}
}

/* For the plot: how many times as long as the first runtime each takes. "-": not known. */
static void write_ratios(void)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/ratios", bench.folder);
	FILE *file = fopen(path, "we");
	if (file) {
		(void)fprintf(file, "row");
		for (size_t i = 0; i < bench.n_columns; i++)
			(void)fprintf(file, "\t%s", bench.columns[i].name);
		for (size_t row = 0; row < ROWS; row++)
			write_ratio_row(file, row);
		(void)fprintf(file, "\n");
	}
	if (!file || fclose(file) != 0)
		fail(path);
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
	write_ratios();
	/* Peers may do as they can; ours and the floor have to work. */
	for (size_t i = 0; i < bench.n_columns && i < 2; i++)
		if (!bench.columns[i].works || bench.columns[i].failures)
			result = 1;
	return result;
}
