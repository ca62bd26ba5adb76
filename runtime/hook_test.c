/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>

#include "runtime/hook.h"

static const struct hook_output no_files = HOOK_OUTPUT_NONE;

static char sh[] = "/bin/sh", name[] = "sh", minus_c[] = "-c";
static char version[] = "1.3.0", id[] = "c1", bundle[] = "/bundle";
static const struct state container = { .oci_version = version, .id = id, .bundle = bundle };

static int run(const char *script, int64_t timeout, struct error *err)
{
	char *args[] = { name, minus_c, (char *)(uintptr_t)script, NULL };
	struct spec_hook hooks[] = {
		{ .path = sh,
		  .args = args,
		  .n_args = 3,
		  .timeout = { .set = timeout > 0, .value = timeout } },
	};

	return hook_run("prestart", hooks, 1, &no_files, &container, "creating", 42, err);
}

static void the_state_is_on_standard_input(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(run("read -r x; case $x in *'\"id\":\"c1\"'*'\"pid\":42'*) exit 0; esac; "
			     "echo got: $x; exit 1",
			     0, &err),
			 0);
}

static void a_failure_says_which_and_what_it_wrote(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(run("echo to stdout; echo to stderr >&2; exit 7", 0, &err), -1);
	assert_non_null(strstr(err.text, "error running prestart hook #0"));
	assert_non_null(strstr(err.text, "/bin/sh"));
	assert_non_null(strstr(err.text, "exit status 7"));
	assert_non_null(strstr(err.text, "to stdout"));
	assert_non_null(strstr(err.text, "to stderr"));
	assert_int_equal(run("kill -9 $$", 0, &err), -1);
	assert_non_null(strstr(err.text, "signal 9"));
}

static void a_time_out_kills(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(run("echo waiting; while :; do :; done", 1, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_non_null(strstr(err.text, "timeout of 1 s"));
	assert_non_null(strstr(err.text, "waiting"));
}

static void the_environment_is_the_hooks_own(void **state)
{
	static char variable[] = "A=1";
	char script[] = "[ \"$A\" = 1 ] && [ -z \"$HOME\" ]";
	char *args[] = { name, minus_c, script, NULL }, *env[] = { variable, NULL };
	struct spec_hook hook = { .path = sh, .args = args, .n_args = 3, .env = env, .n_env = 1 };
	struct error err;

	(void)state;
	assert_int_equal(hook_run("poststart", &hook, 1, &no_files, &container, "running", 1, &err),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_state_is_on_standard_input),
		cmocka_unit_test(a_failure_says_which_and_what_it_wrote),
		cmocka_unit_test(a_time_out_kills),
		cmocka_unit_test(the_environment_is_the_hooks_own),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as the program does; not every hook reads its input */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
