/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/rustbox/supervisor/replay.h"

/* At once, and byte by byte: the same must come out. */
static void gives(const char *bytes, const char *expected)
{
	size_t n = strlen(bytes), given = 0;
	char *out = malloc(n + REPLAY_HELD_MAX);
	struct replay replay = { 0 };

	assert_non_null(out);
	assert_int_equal(replay_filter(&replay, bytes, n, out), strlen(expected));
	assert_memory_equal(out, expected, strlen(expected));
	replay = (struct replay){ 0 };
	for (size_t i = 0; i < n; i++)
		given += replay_filter(&replay, bytes + i, 1, out + given);
	assert_int_equal(given, strlen(expected));
	assert_memory_equal(out, expected, given);
	free(out);
}

static void questions_are_left_out(void **state)
{
	static const char *const questions[] = {
		"\005",
		"\033[c",
		"\033[0c",
		"\033[>c",
		"\033[=c",
		"\033[5n",
		"\033[6n",
		"\033[?6n",
		"\033[?996n",
		"\033Z",
		"\033[?25$p",
		"\033[4$p",
		"\033[1$w",
		"\033[>q",
		"\033[>0q",
		"\033[14t",
		"\033[18t",
		"\033[21t",
		"\033[?u",
		"\033[?1;1;0S",
		"\033[x",
		"\033[1x",
		"\033[1;1;1;1;9;9*y",
		"\033P$qm\033\\",
		"\033P+q544e\033\\",
		"\033]10;?\a",
		"\033]11;?\033\\",
		"\033]4;1;?\a",
		"\033]52;c;?\a",
	};
	char text[64];

	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		(void)snprintf(text, sizeof(text), "a%sb", questions[i]);
		gives(text, "ab");
	}
	gives("\033[6n\033[6n", "");
	gives("\033\033[6n\033[1\033[6nx", "\033\033[1x");
}

static void what_is_shown_stays(void **state)
{
	static const char *const shown[] = {
		"",
		"words\r\n",
		"\303\244\342\202\254",
		"\033[H\033[2J\033[3;1Hx\033[1;31m",
		"\033[?1049h\033[?25l\033[?2004h",
		"\033[>4;2m\033[>1n",
		"\033[!p\033[2 q\033[0u\033[3S",
		"\033[8;24;80t\033[22;0t\033[1t\033[>2t",
		"\033[65;1;1;9;9$x\033[2*x",
		"\033(B\0337\0338\033=\033M\033#8",
		"\033]0;what now\a\033]8;;http://host/?a=b\033\\link",
		"\033P0;1|17/ab\033\\\033P1$r0m\033\\x",
		"\033[6\030n",
		"\033[12\nx",
	};

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		gives(shown[i], shown[i]);
}

static void what_is_not_complete_is_held(void **state)
{
	gives("a\033", "a");
	gives("a\033[6", "a");
	gives("a\033]10;", "a");
}

static void what_is_too_long_is_no_question(void **state)
{
	char text[1000] = "\033]0;", got[sizeof(text) + REPLAY_HELD_MAX];
	struct replay replay = { 0 };

	memset(text + 4, 'x', sizeof(text) - 4);
	assert_int_equal(replay_filter(&replay, text, sizeof(text), got), sizeof(text));
	assert_memory_equal(got, text, sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_left_out),
		cmocka_unit_test(what_is_shown_stays),
		cmocka_unit_test(what_is_not_complete_is_held),
		cmocka_unit_test(what_is_too_long_is_no_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
