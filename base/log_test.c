/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

static void json_lines_are_what_callers_read(void **state)
{
	char path[] = "/tmp/log_test.XXXXXX";
	cleanup_fd int fd = mkstemp(path);
	cleanup_free char *text = NULL;
	struct error err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(
		log_open(&(struct log_options){ .path = path, .json = true, .level = LOG_INFO },
			 &err),
		0);
	errno = 42;
	log_error("a \"quoted\"\nline\x01 %d", 7);
	assert_int_equal(errno, 42);
	log_debug("not written");
	assert_int_equal(fd_read_file(AT_FDCWD, path, 4096, &text, NULL, &err), 0);
	(void)unlink(path);
	static const char expected[] =
		"{\"level\":\"error\",\"msg\":\"a \\\"quoted\\\"\\nline\\u0001 7\",\"time\":\"";
	assert_memory_equal(text, expected, sizeof(expected) - 1);
	assert_string_equal(text + strlen(text) - 4, "Z\"}\n");
	assert_int_equal(strlen(text), sizeof(expected) - 1 + strlen("2000-01-01T00:00:00Z\"}\n"));
}

static void catch_line(void *data, enum log_level level, const char *text)
{
	(void)snprintf(data, 64, "%d %s", level, text);
}

static void a_sink_gets_the_lines(void **state)
{
	char line[64] = "";

	(void)state;
	log_redirect(catch_line, line);
	log_warning("w%d", 1);
	log_redirect(NULL, NULL);
	assert_string_equal(line, "1 w1");
}

static void level_names(void **state)
{
	enum log_level level;

	(void)state;
	assert_true(log_level_from_name("warn", &level));
	assert_int_equal(level, LOG_WARNING);
	assert_true(log_level_from_name("debug", &level));
	assert_int_equal(level, LOG_DEBUG);
	assert_false(log_level_from_name("loud", &level));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_lines_are_what_callers_read),
		cmocka_unit_test(a_sink_gets_the_lines),
		cmocka_unit_test(level_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
