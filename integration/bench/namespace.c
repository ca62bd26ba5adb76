/* SPDX-License-Identifier: Apache-2.0 */
/* Where programs run. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>

#include "integration/bench/bench.h"

void enter(int namespace)
{
	if (setns(namespace, CLONE_NEWNS) < 0)
		fail("setns");
}

int make_namespace(const char *tree, bool without_unified)
{
	char usr[PATH_MAX];
	int fd = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail("unshare");
	(void)snprintf(usr, sizeof(usr), "%s/usr", tree ? tree : "");
	if ((!tree || mount(usr, "/usr", NULL, MS_BIND | MS_REC, NULL) == 0) &&
	    (!without_unified || umount2("/sys/fs/cgroup/unified", MNT_DETACH) == 0))
		fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	enter(bench.home);
	return fd;
}
