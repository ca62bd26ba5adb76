/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cmd/rustbox/network/network_subnet.h"

static struct network_subnet read_one(const char *text)
{
	struct network_subnet subnet;

	assert_true(network_subnet_read(text, &subnet));
	return subnet;
}

static void test_read(void **state)
{
	static const char *const bad[] = { "",		"10.0.0.0",    "10.0.0.1/24", "10.0.0.0/31",
					   "0.0.0.0/0", "10.0.0.0/7",  "10.0.0/24",   "10.0.0.0/ 8",
					   "fe80::/16", "10.0.0.0/24x" };
	struct network_subnet subnet = read_one("10.63.4.0/22");

	assert_int_equal(subnet.address, 0x0a3f0400);
	assert_int_equal(subnet.bits, 22);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(network_subnet_read(bad[i], &subnet));
}

static bool overlap(const char *a, const char *b)
{
	struct network_subnet one = read_one(a), other = read_one(b);

	assert_int_equal(network_subnet_overlaps(&one, &other),
			 network_subnet_overlaps(&other, &one));
	return network_subnet_overlaps(&one, &other);
}

static void test_overlaps(void **state)
{
	const struct network_subnet all = { 0, 0 }, one = read_one("10.63.0.0/24");

	assert_true(overlap("10.63.0.0/24", "10.63.0.0/24"));
	assert_true(overlap("10.63.0.0/24", "10.0.0.0/8"));
	assert_true(overlap("10.63.0.128/25", "10.63.0.0/24"));
	assert_false(overlap("10.63.0.0/24", "10.63.1.0/24"));
	assert_false(overlap("10.63.0.0/25", "10.63.0.128/25"));
	assert_true(network_subnet_overlaps(&one, &all));
}

static void test_has_host(void **state)
{
	const struct network_subnet subnet = read_one("10.63.4.0/22");

	assert_true(network_subnet_has_host(&subnet, "10.63.4.1"));
	assert_true(network_subnet_has_host(&subnet, "10.63.7.254"));
	assert_true(network_subnet_has_host(&subnet, "10.63.5.0"));
	assert_false(network_subnet_has_host(&subnet, "10.63.4.0"));
	assert_false(network_subnet_has_host(&subnet, "10.63.7.255"));
	assert_false(network_subnet_has_host(&subnet, "10.63.8.1"));
	assert_false(network_subnet_has_host(&subnet, "nonsense"));
}

static void test_uses(void **state)
{
	struct network_use items[] = {
		{ .subnet = { 0x0a000000, 8 }, .interface = "vpn0", .is_route = true },
		{ .subnet = { 0x0a3f0000, 24 }, .interface = "eth0" },
	};
	const struct network_uses uses = { items, 2 };
	const struct network_subnet here = read_one("10.63.0.0/24"),
				    there = read_one("10.9.0.0/16");

	assert_ptr_equal(network_uses_find(&uses, &here, "rbx0", false), &items[1]);
	assert_ptr_equal(network_uses_find(&uses, &here, "rbx0", true), &items[0]);
	assert_null(network_uses_find(&uses, &here, "eth0", false));
	assert_null(network_uses_find(&uses, &there, "rbx0", false));
	assert_ptr_equal(network_uses_find(&uses, &there, "rbx0", true), &items[0]);
}

/* What the machine of the test has, nobody knows; but loopback has this one. */
static void test_uses_of_the_machine(void **state)
{
	const struct network_subnet loopback = read_one("127.0.0.0/8");
	cleanup_network_uses struct network_uses uses = { NULL, 0 };
	struct error err;

	assert_int_equal(network_uses_read(&uses, &err), 0);
	for (size_t i = 0; i < uses.n; i++)
		assert_in_range(uses.items[i].subnet.bits, uses.items[i].is_route, 32);
	if (!uses.n) {
		print_message("loopback is down\n");
		skip();
	}
	assert_non_null(network_uses_find(&uses, &loopback, "", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_has_host),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_uses_of_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
