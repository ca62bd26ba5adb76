/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/rustbox/supervisor/oom_victim.h"

#define LINE(cgroup, rest)                                                                         \
	"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=box,mems_allowed=0,"          \
	"oom_memcg=/rustbox/abc,task_memcg=" cgroup rest

static void lines_of_the_kernel(void **state)
{
	struct oom_victim victim = { 0 };

	assert_true(
		oom_victim_parse(LINE("/rustbox/abc", ",task=cat,pid=42,uid=0"), "abc", &victim));
	assert_int_equal(victim.pid, 42);
	assert_string_equal(victim.task, "cat");
	assert_true(
		oom_victim_parse(LINE("/x/abc/below", ",task=a b,pid=1,uid=7"), "abc", &victim));
	assert_string_equal(victim.task, "a b");
	/* What a process calls itself changes nothing but its own name. */
	assert_true(oom_victim_parse(LINE("/rustbox/abc", ",task=,pid=7,task=x,pid=43,uid=0"),
				     "abc", &victim));
	assert_int_equal(victim.pid, 43);
	assert_string_equal(victim.task, ",pid=7,task=x");
	assert_true(oom_victim_parse(LINE("/rustbox/abc", ",task=\x1b[2J\xff,pid=44,uid=0"), "abc",
				     &victim));
	assert_string_equal(victim.task, "?[2J?");
}

static void lines_of_others(void **state)
{
	static const char *const lines[] = {
		"",
		"oom-kill:",
		"Memory cgroup out of memory: Killed process 42 (cat)",
		LINE("/rustbox/abcd", ",task=cat,pid=42,uid=0"),
		LINE("/rustbox/xabc", ",task=cat,pid=42,uid=0"),
		LINE("/rustbox/other", ",task=/abc,pid=42,uid=0"),
		LINE("/rustbox/abc", ",task=cat,pid=,uid=0"),
		LINE("/rustbox/abc", ",task=cat,pid=99999999999,uid=0"),
		LINE("/rustbox/abc", ""),
		"x" LINE("/rustbox/abc", ",task=cat,pid=42,uid=0"),
	};
	struct oom_victim victim;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (oom_victim_parse(lines[i], "abc", &victim))
			fail_msg("%s was taken", lines[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_kernel),
		cmocka_unit_test(lines_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
