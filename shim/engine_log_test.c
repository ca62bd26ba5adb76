/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "shim/engine_log.h"

/* The error that is found in a copy of the log's text, which has no NUL at its end. */
static const char *error_in(const char *log, size_t size)
{
	static struct error err;
	cleanup_free char *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, log, size);
	return engine_log_find_error(copy, size, "runtime create", &err) ? err.text : NULL;
}

static void the_last_error_counts(void **state)
{
	static const char log[] =
		"{\"level\":\"error\",\"msg\":\"first\",\"time\":\"2026-01-01T00:00:00Z\"}\n"
		"{\"msg\":\"second: \\\"x\\\"\\n\",\"level\":\"fatal\",\"pid\":5}\n"
		"{\"level\":\"info\",\"msg\":\"later\"}\n";

	(void)state;
	assert_string_equal(error_in(log, sizeof(log) - 1), "second: \"x\"");
	/* Without its newline, and alone. */
	assert_string_equal(error_in("{\"level\":\"panic\",\"msg\":\"m\"}", 27), "m");
}

static void what_is_no_error_is_passed_over(void **state)
{
	static const char *const logs[] = {
		"",
		"\n\n\n",
		"plain text\n",
		"{\"level\":\"error\"}\n",
		"{\"msg\":\"x\"}\n",
		"{\"level\":\"error\",\"msg\":\"cut",
		"{\"level\":\"error\",\"msg\":\" \\n\"}\n",
		"{\"level\":\"error\",\"msg\":7}\n",
		"{\"level\":\"debug\",\"msg\":\"x\"}\n",
		"{\"level\":\"surprise\",\"msg\":\"x\"}\n",
		"[\"level\",\"error\"]\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
		assert_null(error_in(logs[i], strlen(logs[i])));
	/* Such lines do not hide the others. */
	assert_string_equal(error_in("oops\n{\"level\":\"error\",\"msg\":\"m\"}\n{{\n\0\n", 38),
			    "m");
}

static void messages_are_utf8(void **state)
{
	static const char log[] = "{\"level\":\"error\",\"msg\":\"open /a\xff\xc3/\xc3\xa4\"}\n";

	(void)state;
	assert_string_equal(error_in(log, sizeof(log) - 1), "open /a\?\?/\xc3\xa4");
}

/* A cut within a character. */
static void long_messages_are_cut(void **state)
{
	cleanup_free char *log = NULL;
	size_t n = 0;

	(void)state;
	FILE *f = open_memstream(&log, &n);
	assert_non_null(f);
	(void)fputs("{\"level\":\"error\",\"msg\":\"x", f);
	for (int i = 0; i < 3000; i++)
		(void)fputs("\xc3\xa4", f);
	(void)fputs("\"}\n", f);
	assert_int_equal(fclose(f), 0);
	const char *text = error_in(log, n);
	assert_int_equal(strlen(text), ERROR_TEXT_SIZE - 1);
	assert_string_equal(text + strlen(text) - 5, "\xa4\?...");
}

static int n_warnings;

static void count_warnings(void *data, enum log_level level, const char *text)
{
	assert_ptr_equal(data, &n_warnings);
	assert_int_equal(level, LOG_WARNING);
	assert_string_equal(text, "runtime create: no swap limit");
	n_warnings++;
}

static void warnings_go_to_our_log(void **state)
{
	static const char log[] = "{\"level\":\"warning\",\"msg\":\"no swap limit\"}\n"
				  "{\"level\":\"info\",\"msg\":\"nothing\"}\n";

	(void)state;
	log_redirect(count_warnings, &n_warnings);
	const char *error = error_in(log, sizeof(log) - 1);
	log_redirect(NULL, NULL);
	assert_null(error);
	assert_int_equal(n_warnings, 1);
}

static const char *last_line_of(const char *text, size_t size)
{
	static struct error err;
	cleanup_free char *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, text, size);
	return engine_log_find_last_line(copy, size, &err) ? err.text : NULL;
}

static void the_last_line_of_text(void **state)
{
	(void)state;
	assert_string_equal(last_line_of("one\ntwo\n \n\n", 11), "two");
	assert_string_equal(last_line_of("\nend\xfe", 5), "end?");
	assert_string_equal(last_line_of("one\n\0two\n", 9), "?two");
	assert_null(last_line_of("", 0));
	assert_null(last_line_of("\n \r\n\t", 5));
}

static void only_the_end_of_much_is_read(void **state)
{
	cleanup_fd int fd = memfd_create("test", MFD_CLOEXEC);
	size_t size = 0;

	(void)state;
	assert_null(engine_log_read_end(fd, &size));
	assert_int_equal(ftruncate(fd, 1000000), 0);
	assert_int_equal(pwrite(fd, "end", 3, 1000000), 3);
	cleanup_free char *text = engine_log_read_end(fd, &size);
	assert_non_null(text);
	assert_int_equal(size, 65536);
	assert_memory_equal(text + size - 3, "end", 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_error_counts),
		cmocka_unit_test(what_is_no_error_is_passed_over),
		cmocka_unit_test(messages_are_utf8),
		cmocka_unit_test(long_messages_are_cut),
		cmocka_unit_test(warnings_go_to_our_log),
		cmocka_unit_test(the_last_line_of_text),
		cmocka_unit_test(only_the_end_of_much_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
