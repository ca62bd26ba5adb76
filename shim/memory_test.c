/* SPDX-License-Identifier: Apache-2.0 */
// valgrind: no, it keeps copies of the pages of its own
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/memory.h"

enum { CONSTANTS = 64 * 1024 };
static const volatile unsigned char constants[CONSTANTS] = { [CONSTANTS / 2] = 7,
							     [CONSTANTS - 1] = 9 };
static char *relocated = (char[]){ "relocated" };
static int written = 5;

static size_t resident(const void *p)
{
	unsigned char page = 0;
	uintptr_t at = (uintptr_t)p & ~(uintptr_t)(sysconf(_SC_PAGESIZE) - 1);

	// NOLINTNEXTLINE(performance-no-int-to-ptr)
	assert_int_equal(mincore((void *)at, 1, &page), 0);
	return page & 1;
}

/* Everything is as it was: code runs, constants, relocations and variables are there. */
static void test_nothing_is_lost(void **state)
{
	written = 6;
	/* Headers and code, at least: sanitizers move constants elsewhere. */
	assert_true(memory_give_back() >= 2 * (size_t)sysconf(_SC_PAGESIZE));
	assert_int_equal(constants[CONSTANTS / 2], 7);
	assert_int_equal(constants[CONSTANTS - 1], 9);
	assert_string_equal(relocated, "relocated");
	assert_int_equal(written, 6);
	assert_int_equal(resident(&written), 1);
	assert_true(memory_give_back() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
