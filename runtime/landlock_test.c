/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "runtime/landlock.h"

#define TEXT(literal)  ((char *)(uintptr_t)(literal))
#define TEXTS(...)     ((char **)(uintptr_t)(const char *const[]){ __VA_ARGS__, NULL })
#define COUNT(...)     (sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define LISTED(m, ...) .m = TEXTS(__VA_ARGS__), .n_##m = COUNT(__VA_ARGS__)

static char warnings[1024];

static void keep_warning(void *data, enum log_level level, const char *text)
{
	(void)strncat(warnings, text, sizeof(warnings) - strlen(warnings) - 1);
}

static int prepare(const struct spec_landlock *config, int version, struct error *err)
{
	cleanup_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	*warnings = '\0';
	*err = (struct error){ 0 };
	log_redirect(keep_warning, NULL);
	int ruleset = landlock_prepare(config, version, root, err);
	log_redirect(NULL, NULL);
	return ruleset;
}

/* Older kernels than this one, as far as their version says. */
static void what_the_kernel_lacks_is_left_out_or_an_error(void **state)
{
	struct spec_landlock_ruleset ruleset = {
		LISTED(handled_access_fs, "read_file", "truncate"),
		LISTED(handled_access_net, "bind_tcp"),
		LISTED(scoped, "signal"),
	};
	struct spec_landlock_paths paths = {
		LISTED(allowed_access, "read_file", "truncate"),
		LISTED(paths, "/tmp", "/proc/version"),
	};
	struct spec_landlock_rules rules = { .path_beneath = &paths, .n_path_beneath = 1 };
	struct spec_landlock config = { .ruleset = &ruleset, .rules = &rules };
	struct error err;

	if (landlock_version() < 1)
		skip();
	cleanup_fd int fd = prepare(&config, 2, &err);
	if (fd < 0)
		fail_msg("%s", err.text);
	assert_non_null(strstr(warnings, "\"truncate\" is left out: this kernel has version 2, "
					 "it needs 3"));
	assert_non_null(strstr(warnings, "\"bind_tcp\" is left out"));
	assert_non_null(strstr(warnings, "\"signal\" is left out"));
	config.disable_best_effort = true;
	assert_int_equal(prepare(&config, 2, &err), -1);
	assert_non_null(strstr(err.text,
			       "landlock: ruleset.handledAccessFS: this kernel has version "
			       "2 of landlock, \"truncate\" needs version 3"));
}

static void a_kernel_without_it_restricts_nothing_or_is_an_error(void **state)
{
	struct spec_landlock_ruleset ruleset = { LISTED(handled_access_fs, "read_file") };
	struct spec_landlock config = { .ruleset = &ruleset };
	struct error err;

	assert_int_equal(prepare(&config, 0, &err), -1);
	assert_string_equal(err.text, "");
	assert_non_null(strstr(warnings, "\"read_file\" is left out"));
	assert_int_equal(landlock_restrict(-1, &err), 0);
	config.disable_best_effort = true;
	assert_int_equal(prepare(&config, 0, &err), -1);
	assert_non_null(strstr(err.text, "\"read_file\" needs version 1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_kernel_lacks_is_left_out_or_an_error),
		cmocka_unit_test(a_kernel_without_it_restricts_nothing_or_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
