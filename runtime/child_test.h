/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that change what cannot be changed back: each in a child. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_REFUSED = 77 };

/*
 * The body has to return 0; CHILD_REFUSED skips the test, with the reason why
 * this machine may refuse it. No reason: it may not.
 */
static inline void in_child(int (*body)(void), const char *reason)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (reason && WIFEXITED(status) && WEXITSTATUS(status) == CHILD_REFUSED) {
		print_message("%s\n", reason);
		skip();
	}
	assert_int_equal(status, 0);
}
