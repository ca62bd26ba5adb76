/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "shim/stdio_uri.h"

static void assert_uri(const char *text, enum stdio_scheme scheme, const char *path)
{
	cleanup_stdio_uri struct stdio_uri uri = { 0 };
	struct error err = { 0 };

	if (stdio_uri_parse(text, &uri, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(uri.scheme, scheme);
	assert_string_equal(uri.path, path);
	assert_int_equal(uri.args != NULL, scheme >= STDIO_BINARY);
}

static void assert_args(const char *text, const char *const *expected, size_t n)
{
	cleanup_stdio_uri struct stdio_uri uri = { 0 };
	struct error err = { 0 };

	if (stdio_uri_parse(text, &uri, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(uri.args[i], expected[i]);
	assert_null(uri.args[n]);
	assert_ptr_equal(uri.args[0], uri.path);
}

static void assert_refused(const char *text, const char *reason)
{
	struct stdio_uri uri = { 0 };
	struct error err = { 0 };

	assert_int_equal(stdio_uri_parse(text, &uri, &err), -1);
	assert_int_equal(err.code, EINVAL);
	if (!strstr(err.text, reason))
		fail_msg("%s: %s", text, err.text);
	assert_null(uri.path);
}

static void a_path_is_taken_as_it_is(void **state)
{
	(void)state;
	assert_uri("/run/fifo/a%2Fb?c#d+e", STDIO_FIFO, "/run/fifo/a%2Fb?c#d+e");
	assert_uri("/file://x", STDIO_FIFO, "/file://x");
}

static void uris_of_files_are_decoded(void **state)
{
	(void)state;
	assert_uri("fifo:///run/a%20b", STDIO_FIFO, "/run/a b");
	assert_uri("file:///var/log/a+b%2bc", STDIO_FILE, "/var/log/a+b+c");
	assert_uri("file:/var/log/a", STDIO_FILE, "/var/log/a");
	assert_uri("file:///var/log/a?mode=1#part", STDIO_FILE, "/var/log/a");
}

static void programs_get_arguments_in_the_order_of_the_uri(void **state)
{
	static const char *const nerdctl[] = { "/usr/local/bin/nerdctl",
					       "_NERDCTL_INTERNAL_LOGGING",
					       "/var/lib/nerdctl/1935db59" };
	static const char *const many[] = { "/b n", "z", "1", "a", "", "m", "x=y", "", "v" };
	static const char *const alone[] = { "/bin/log" };

	(void)state;
	assert_args("binary:///usr/local/bin/nerdctl?"
		    "_NERDCTL_INTERNAL_LOGGING=%2Fvar%2Flib%2Fnerdctl%2F1935db59",
		    nerdctl, 3);
	assert_args("binary-v2:///b%20n?z=1&&a&m=x=y&z=2&=v&a=5#x", many, 9);
	assert_args("binary:///bin/log", alone, 1);
	assert_args("binary:///bin/log?", alone, 1);
	assert_args("binary:///bin/log?#a=b", alone, 1);
	assert_uri("binary:///bin/log?a=b+c", STDIO_BINARY, "/bin/log");
	assert_uri("binary-v2:///bin/log", STDIO_BINARY_V2, "/bin/log");
}

static void a_plus_is_a_space_in_arguments_only(void **state)
{
	static const char *const args[] = { "/a+b", "k y", "v+w x" };

	(void)state;
	assert_args("binary:///a+b?k+y=v%2Bw+x", args, 3);
}

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	assert_refused("http://host/path", "unknown STDIO scheme http");
	assert_refused("FILE:///x", "unknown STDIO scheme FILE");
	assert_refused("://x", "unknown STDIO scheme ");
	assert_refused("relative/path", "absolute");
	assert_refused("", "absolute");
	assert_refused("relative/a:b", "absolute");
	assert_refused("file://host/path", "absolute");
	assert_refused("file://", "absolute");
	assert_refused("binary:?a=b", "absolute");
	assert_refused("file:///a%", "percent");
	assert_refused("file:///a%2", "percent");
	assert_refused("file:///a%zz", "percent");
	assert_refused("file:///a%00b", "percent");
	assert_refused("binary:///a?k%0", "percent");
	assert_refused("binary:///a?k=%G0", "percent");
}

static void too_many_arguments_are_refused(void **state)
{
	static const char start[] = "binary:///a?";
	cleanup_free char *text = malloc(sizeof(start) + STDIO_URI_PAIRS);

	(void)state;
	assert_non_null(text);
	memcpy(text, start, sizeof(start));
	memset(text + sizeof(start) - 1, '&', STDIO_URI_PAIRS);
	text[sizeof(start) - 1 + STDIO_URI_PAIRS] = '\0';
	assert_refused(text, "256");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_taken_as_it_is),
		cmocka_unit_test(uris_of_files_are_decoded),
		cmocka_unit_test(programs_get_arguments_in_the_order_of_the_uri),
		cmocka_unit_test(a_plus_is_a_space_in_arguments_only),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(too_many_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
