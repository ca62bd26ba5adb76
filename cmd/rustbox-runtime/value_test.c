/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>

#include "cmd/rustbox-runtime/value.h"

static void assert_signal(const char *text, int expected)
{
	int number = -1;

	if (!value_signal(text, &number))
		fail_msg("%s was refused", text);
	assert_int_equal(number, expected);
}

static void signals_by_name_and_number(void **state)
{
	assert_signal("KILL", SIGKILL);
	assert_signal("SIGKILL", SIGKILL);
	assert_signal("sigterm", SIGTERM);
	assert_signal("Hup", SIGHUP);
	assert_signal("9", 9);
	assert_signal("0", 0);
	assert_signal("64", 64);
	assert_signal("IO", SIGIO);
	assert_signal("SIGPOLL", SIGPOLL);
	assert_signal("IOT", SIGABRT);
	assert_signal("CLD", SIGCHLD);
	assert_signal("WINCH", SIGWINCH);
}

static void real_time_signals(void **state)
{
	assert_signal("RTMIN", SIGRTMIN);
	assert_signal("SIGRTMIN+3", SIGRTMIN + 3);
	assert_signal("rtmax", SIGRTMAX);
	assert_signal("RTMAX-1", SIGRTMAX - 1);
	assert_signal("RTMIN+30", SIGRTMAX);
}

static void no_signals(void **state)
{
	static const char *const wrong[] = { "",	"SIG",	    "FOO",	"-9",
					     "65",	"9x",	    "KILLX",	"RTMIN-1",
					     "RTMAX+1", "RTMIN+",   "RTMIN+31", "SIGSIGKILL",
					     "SIG9",	"RTMIN+-1", " KILL" };
	int number = -7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (value_signal(wrong[i], &number))
			fail_msg("%s was taken", wrong[i]);
	assert_int_equal(number, -7);
}

static void assert_size_value(const char *text, int64_t expected)
{
	int64_t size = -7;

	if (!value_size(text, &size))
		fail_msg("%s was refused", text);
	assert_true(size == expected);
}

static void sizes(void **state)
{
	assert_size_value("0", 0);
	assert_size_value("-1", -1);
	assert_size_value("1048576", 1048576);
	assert_size_value("64k", 65536);
	assert_size_value("512M", INT64_C(512) << 20);
	assert_size_value("2gb", INT64_C(2) << 30);
	assert_size_value("1GiB", INT64_C(1) << 30);
	assert_size_value("1.5g", INT64_C(3) << 29);
	assert_size_value("0.5k", 512);
	assert_size_value("1t", INT64_C(1) << 40);
	assert_size_value("1p", INT64_C(1) << 50);
	assert_size_value("12b", 12);
	assert_size_value("9223372036854775807", INT64_MAX);
	assert_size_value("1.0000000000000000000000001k", 1024);
}

static void no_sizes(void **state)
{
	static const char *const wrong[] = {
		"",
		"-2",
		"k",
		"1.",
		".5g",
		"1kk",
		"1x",
		"+1",
		" 1",
		"1 ",
		"1ib",
		"1bb",
		"9223372036854775808",
		"8388608t",
		"1e3",
		"0x10",
		"1,5g",
		"--1",
		"99999999999999999999",
	};
	int64_t size = -7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (value_size(wrong[i], &size))
			fail_msg("%s was taken", wrong[i]);
	assert_true(size == -7);
}

static void assert_duration(const char *text, int64_t expected)
{
	int64_t duration = -7;

	if (!value_duration(text, &duration))
		fail_msg("%s was refused", text);
	assert_true(duration == expected);
}

static void durations(void **state)
{
	assert_duration("5s", INT64_C(5000000000));
	assert_duration("500ms", 500000000);
	assert_duration("1m30s", INT64_C(90000000000));
	assert_duration("1.5h", INT64_C(5400000000000));
	assert_duration("10us", 10000);
	assert_duration("1ns", 1);
	assert_duration("0s1ms", 1000000);
}

static void no_durations(void **state)
{
	static const char *const wrong[] = { "",    "5",    "s",   "0s",       "-1s",
					     "5 s", "5sec", "1.s", "5000000h", "5s5" };
	int64_t duration = -7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (value_duration(wrong[i], &duration))
			fail_msg("%s was taken", wrong[i]);
	assert_true(duration == -7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_by_name_and_number),
		cmocka_unit_test(real_time_signals),
		cmocka_unit_test(no_signals),
		cmocka_unit_test(sizes),
		cmocka_unit_test(no_sizes),
		cmocka_unit_test(durations),
		cmocka_unit_test(no_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
