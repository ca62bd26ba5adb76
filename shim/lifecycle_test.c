/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/lifecycle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum ttrpc_code check(enum process_state state, bool is_exec, enum operation operation)
{
	char text[160] = "";
	enum ttrpc_code code = lifecycle_check(state, is_exec, operation, text, sizeof(text));

	assert_int_equal(*text != '\0', code != TTRPC_OK);
	return code;
}

static void assert_allowed(enum operation operation, bool is_exec, unsigned int states)
{
	for (unsigned int state = 0; state < PROCESS_STATES; state++)
		assert_int_equal(check(state, is_exec, operation) == TTRPC_OK,
				 (states & 1U << state) != 0);
}

#define IN(state) (1U << PROCESS_##state)

static void test_init(void **state)
{
	unsigned int alive =
		IN(CREATED) | IN(STARTING) | IN(RUNNING) | IN(PAUSING) | IN(PAUSED) | IN(RESUMING);

	assert_allowed(OPERATION_START, false, IN(CREATED));
	assert_allowed(OPERATION_DELETE, false, IN(CREATED) | IN(STOPPED));
	assert_allowed(OPERATION_PAUSE, false, IN(RUNNING));
	assert_allowed(OPERATION_RESUME, false, IN(PAUSED));
	assert_allowed(OPERATION_KILL, false, alive);
	assert_allowed(OPERATION_UPDATE, false, alive);
	assert_allowed(OPERATION_CHECKPOINT, false, IN(RUNNING) | IN(PAUSED));
	assert_allowed(OPERATION_EXEC, false,
		       IN(CREATED) | IN(STARTING) | IN(RUNNING) | IN(RESUMING));
}

static void test_exec(void **state)
{
	assert_allowed(OPERATION_START, true, IN(CREATED));
	assert_allowed(OPERATION_DELETE, true, IN(CREATED) | IN(STOPPED));
	assert_allowed(OPERATION_KILL, true, IN(RUNNING));
	assert_allowed(OPERATION_RESIZE, true, IN(CREATED) | IN(STARTING) | IN(RUNNING));
	assert_allowed(OPERATION_PAUSE, true, 0);
	assert_allowed(OPERATION_CHECKPOINT, true, 0);
}

/* Clients tell by the code whether a process that they kill is dead already. */
static void test_codes(void **state)
{
	char text[160];

	assert_int_equal(check(PROCESS_STOPPED, false, OPERATION_KILL), TTRPC_NOT_FOUND);
	assert_int_equal(check(PROCESS_DELETING, true, OPERATION_KILL), TTRPC_NOT_FOUND);
	assert_int_equal(check(PROCESS_CREATED, true, OPERATION_KILL), TTRPC_FAILED_PRECONDITION);
	assert_int_equal(check(PROCESS_RUNNING, false, OPERATION_DELETE),
			 TTRPC_FAILED_PRECONDITION);
	(void)lifecycle_check(PROCESS_PAUSED, false, OPERATION_EXEC, text, sizeof(text));
	assert_string_equal(text, "cannot exec in a paused container: failed precondition");
	(void)lifecycle_check(PROCESS_RUNNING, true, OPERATION_START, text, sizeof(text));
	assert_string_equal(text, "cannot start a running process: failed precondition");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
