/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cmd/rustbox/command/stats_sample.h"

static void test_network(void **state)
{
	static const char text[] =
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
		"packets\n"
		"    lo:    1000      10    0    0    0     0          0         0     1000      "
		"10\n"
		"  eth0:     100       2    0    0    0     0          0         0       20       "
		"1\n"
		" eth1.1:1234567890123 2 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n"
		"  cut: 7 7\n";
	uint64_t received = 1, sent = 2;

	stats_sample_add_network(text, &received, &sent);
	assert_int_equal(received, 1234567890123 + 100 + 1);
	assert_int_equal(sent, 5 + 20 + 2);
	stats_sample_add_network("", &received, &sent);
	stats_sample_add_network("no newline", &received, &sent);
	assert_int_equal(sent, 5 + 20 + 2);
}

static void expect(const struct value *row, const char *key, const char *text)
{
	const struct value *value = value_get(row, key);

	assert_non_null(value);
	assert_string_equal(value->text, text);
}

static void test_row(void **state)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	const struct invocation call = { .arena = &arena };
	char id[] = "0123456789ab", name[] = "web";
	const struct record record = { .id = id, .name = name };
	const struct stats_sample before = { .runs = true, .at_ns = 1000, .cpu_ns = 500 };
	const struct stats_sample now = { .runs = true,
					  .at_ns = 2000,
					  .cpu_ns = 2000,
					  .memory = 1024 * 1024,
					  .memory_limit = 4 * 1024 * 1024,
					  .received = 1000,
					  .block_written = 5,
					  .pids = 3 };
	const struct stats_sample none = { .at_ns = 2000 };
	struct error err;
	const struct value *row = stats_sample_row(&call, &record, &before, &now, &err);

	assert_non_null(row);
	expect(row, "CPUPerc", "150.00%");
	expect(row, "MemUsage", "1MiB / 4MiB");
	expect(row, "MemPerc", "25.00%");
	expect(row, "NetIO", "1kB / 0B");
	expect(row, "BlockIO", "0B / 5B");
	expect(row, "PIDs", "3");
	/* It was started between the two, and has ended. */
	row = stats_sample_row(&call, &record, &none, &now, &err);
	expect(row, "CPUPerc", "0.00%");
	row = stats_sample_row(&call, &record, &now, &none, &err);
	expect(row, "CPUPerc", "0.00%");
	expect(row, "MemPerc", "0.00%");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
