/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privilege.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

/* A line of /proc/self/status; a name with its colon. */
static uint64_t set_of(const char *name)
{
	cleanup_free char *status = NULL;
	const char *line;
	struct error err;

	assert_int_equal(fd_read_file(AT_FDCWD, "/proc/self/status", 65536, &status, NULL, &err),
			 0);
	line = strstr(status, name);
	assert_non_null(line);
	return strtoull(line + strlen(name), NULL, 16);
}

static void only_the_effective_set_is_lowered(void **state)
{
	const uint64_t gone = 1ull << CAP_SYS_MODULE | 1ull << CAP_SYS_RAWIO |
			      1ull << CAP_SYS_BOOT | 1ull << CAP_SYS_TIME | 1ull << CAP_WAKE_ALARM |
			      1ull << CAP_BLOCK_SUSPEND | 1ull << CAP_AUDIT_CONTROL |
			      1ull << CAP_MAC_ADMIN;
	uint64_t effective = set_of("CapEff:"), permitted = set_of("CapPrm:"),
		 bounding = set_of("CapBnd:");
	struct error err;

	assert_int_equal(privilege_lower(&err), 0);
	assert_true(set_of("CapEff:") == (effective & ~gone));
	assert_true(set_of("CapPrm:") == permitted);
	assert_true(set_of("CapBnd:") == bounding);
	assert_int_equal(privilege_lower(&err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_effective_set_is_lowered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
