/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/child_test.h"

#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/keyring.h"

enum { SESSION = -3 }; /* KEY_SPEC_SESSION_KEYRING */

static long serial(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, SESSION, 0);
}

static int join(void)
{
	char text[512];
	struct error err;
	long before, first, second;

	before = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, SESSION, 1);
	if (before < 0)
		return CHILD_REFUSED;
	if (keyring_join("keyring-test-1", &err) < 0)
		return 1;
	first = serial();
	if (first < 0 || first == before)
		return 2;
	/* "keyring;UID;GID;PERMISSIONS;NAME" */
	if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, SESSION, text, sizeof(text)) < 0 ||
	    !strstr(text, ";_ses.keyring-test-1") || !strstr(text, ";3f1b0000;"))
		return 3;
	if (keyring_join("keyring-test-2", &err) < 0)
		return 4;
	second = serial();
	if (second == first)
		return 5;
	return 0;
}

static int join_the_same(void)
{
	struct error err;
	int ends[2], status;

	if (serial() < 0)
		return CHILD_REFUSED;
	if (keyring_join("keyring-test-3", &err) < 0 || pipe(ends) < 0)
		return 1;
	long first = serial();
	pid_t pid = fork();
	if (pid == 0) { /* came by another keyring, as a process of exec does */
		if (keyring_join("keyring-test-4", &err) < 0 ||
		    keyring_join("keyring-test-3", &err) < 0)
			_exit(2);
		_exit(serial() == first ? 0 : 3);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 4;
}

static void test_s15_new_session_keyring(void **state)
{
	(void)state;
	in_child(join, "keyrings are refused here");
}

static void test_s15_the_same_name_is_the_same_keyring(void **state)
{
	(void)state;
	in_child(join_the_same, "keyrings are refused here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s15_new_session_keyring),
		cmocka_unit_test(test_s15_the_same_name_is_the_same_keyring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
