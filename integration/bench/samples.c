/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "integration/bench/bench.h"

void add_sample(struct samples *samples, double value)
{
	if (samples->count == samples->room) {
		samples->room = samples->room ? samples->room * 2 : 64;
		samples->values = realloc(samples->values, samples->room * sizeof(double));
		if (!samples->values)
			fail("memory");
	}
	samples->values[samples->count++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(struct samples *samples, double q)
{
	if (samples->count == 0)
		return 0;
	qsort(samples->values, samples->count, sizeof(double), compare);
	double exact = q * (double)samples->count;
	size_t rank = (size_t)exact;
	if ((double)rank < exact || rank == 0)
		rank++;
	return samples->values[rank - 1];
}

double mean(const struct samples *samples)
{
	double sum = 0;

	for (size_t i = 0; i < samples->count; i++)
		sum += samples->values[i];
	return samples->count ? sum / (double)samples->count : 0;
}
