/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup_backend.h"

/* Base-2 logarithm, x >= 1: a few times a container's life, so libm stays out of the program. */
static long double log2_of(uint64_t x)
{
	int whole = 63 - __builtin_clzll(x);
	long double mantissa = (long double)x / (long double)(1ULL << whole), bit = 0.5L;
	long double result = whole;

	for (int i = 0; i < 56; i++, bit /= 2) {
		mantissa *= mantissa;
		if (mantissa >= 2) {
			mantissa /= 2;
			result += bit;
		}
	}
	return result;
}

/* 10 to the power of x, 0 <= x <= 4. */
static long double power_of_ten(long double x)
{
	const long double ln10 = 2.302585092994045684017991454684364208L;
	long double result = 1, term = 1;

	for (; x >= 1; x -= 1)
		result *= 10;
	long double sum = 1;
	for (int i = 1; i < 30; i++) {
		term *= x * ln10 / i;
		sum += term;
	}
	return result * sum;
}

uint64_t cgroup_weight_of_shares(uint64_t shares)
{
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	/*
	 * A curve through the smallest, the usual and the greatest of both scales
	 * (2 is 1, 1024 is 100, 262144 is 10000), rounded up.
	 */
	long double l = log2_of(shares);
	long double weight = power_of_ten((l * l + 125 * l) / 612 - 7.0L / 34);
	uint64_t down = (uint64_t)(weight - 1e-9L);

	return down + 1;
}

uint64_t cgroup_io_weight_of_blkio(uint64_t weight)
{
	if (weight <= 10)
		return 1;
	if (weight >= 1000)
		return 10000;
	return 1 + (weight - 10) * 9999 / 990;
}

int cgroup_swap_of_total(int64_t swap, int64_t limit, bool *ret_set, int64_t *ret,
			 struct error *err)
{
	/* Memory without limit and nothing said about swap means swap without limit, as on v1. */
	if (swap == 0 && limit >= 0) {
		*ret_set = false;
		return 0;
	}
	if (swap <= 0) {
		*ret = -1;
	} else if (limit < 0) {
		*ret = swap;
	} else if (limit == 0) {
		error_set(err, EINVAL, "memory.swap is memory and swap together");
		return error_hint(err, "it needs memory.limit, too");
	} else if (swap < limit) {
		return error_set(err, EINVAL,
				 "memory.swap (%lld) is memory and swap together, and cannot be "
				 "less than memory.limit (%lld)",
				 (long long)swap, (long long)limit);
	} else {
		*ret = swap - limit;
	}
	*ret_set = true;
	return 0;
}
