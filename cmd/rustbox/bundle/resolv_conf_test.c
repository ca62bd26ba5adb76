/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/rustbox/bundle/resolv_conf.h"

static char *servers[] = { (char[]){ "1.1.1.1" }, (char[]){ "2.2.2.2" } };
static char *domains[] = { (char[]){ "a.org" }, (char[]){ "b.org" } };
static char *dot[] = { (char[]){ "." } };

static void expect(const char *host, const struct record_network *network,
		   const struct network_result *result, bool own_network, const char *wanted)
{
	cleanup_str struct str text = STR_EMPTY;

	resolv_conf_make(&text, host, network, result, own_network);
	assert_string_equal(text.text ? text.text : "", wanted);
}

static void the_hosts_own(void **state)
{
	const struct record_network network = { 0 };
	const char *host = "# comment\nnameserver 127.0.0.53\nnameserver 9.9.9.9\n"
			   "search x.org\noptions edns0";

	expect(host, &network, NULL, false,
	       "nameserver 127.0.0.53\nnameserver 9.9.9.9\nsearch x.org\noptions edns0\n");
	expect(host, &network, NULL, true, "nameserver 9.9.9.9\nsearch x.org\noptions edns0\n");
	expect("domain y.org\n", &network, NULL, false, "domain y.org\n");
	expect("nameserver ::1\n", &network, NULL, true,
	       "nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
}

static void what_was_asked_for_comes_first(void **state)
{
	const struct record_network network = { .dns = servers, .n_dns = 1 };
	const struct record_network no_search = { .dns_search = dot, .n_dns_search = 1 };
	const struct network_result result = {
		.dns = servers + 1, .n_dns = 1, .dns_search = domains, .n_dns_search = 2
	};
	const char *host = "nameserver 9.9.9.9\nsearch x.org\n";

	expect(host, &network, &result, true, "nameserver 1.1.1.1\nsearch a.org b.org\n");
	expect(host, &no_search, &result, true, "nameserver 2.2.2.2\n");
}

static void stubs(void **state)
{
	assert_true(resolv_conf_is_stub("nameserver 127.0.0.53\noptions x\n"));
	assert_true(resolv_conf_is_stub("nameserver\t::1"));
	assert_false(resolv_conf_is_stub("nameserver 127.0.0.53\nnameserver 1.2.3.4\n"));
	assert_false(resolv_conf_is_stub("nameserver ::12\n"));
	assert_false(resolv_conf_is_stub(""));
	assert_false(resolv_conf_is_stub("nameservers 127.0.0.1\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hosts_own),
		cmocka_unit_test(what_was_asked_for_comes_first),
		cmocka_unit_test(stubs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
