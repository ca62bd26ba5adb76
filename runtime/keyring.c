/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/keyring.h"

#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

/* keyctl_setperm(3); in the kernel's own headers only. */
enum {
	POSSESSOR_ALL = 0x3f000000,
	USER_VIEW = 0x00010000,
	USER_READ = 0x00020000,
	USER_SEARCH = 0x00080000, /* or a process of exec could not join by name */
	USER_LINK = 0x00100000,
};

int keyring_join(const char *id, struct error *err)
{
	char name[300];

	(void)snprintf(name, sizeof(name), "_ses.%s", id);
	long serial = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
	if (serial < 0 && errno == ENOSYS) {
		log_debug("this kernel has no keyrings");
		return 0;
	}
	if (serial < 0) {
		error_set(err, errno, "join session keyring %s", name);
		if (errno == EDQUOT)
			error_hint(err, "see /proc/sys/kernel/keys/maxkeys and /proc/key-users");
		return -1;
	}
	/*
	 * Others of the same uid, in other containers, get nothing; only its
	 * owner may, and only look. Joining one that an earlier process of the
	 * container made and gave away to its user (EACCES) leaves it as it is.
	 */
	if (syscall(SYS_keyctl, KEYCTL_SETPERM, serial,
		    POSSESSOR_ALL | USER_VIEW | USER_READ | USER_SEARCH | USER_LINK) < 0 &&
	    errno != EACCES)
		return error_set(err, errno, "set the permissions of keyring %s", name);
	return 0;
}
