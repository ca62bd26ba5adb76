/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sysctl.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fd.h"
#include "base/path.h"
#include "oci/spec_sysctl.h"

static int open_own_procfs(struct error *err)
{
	cleanup_fd int context = fsopen("proc", FSOPEN_CLOEXEC);
	int mount;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_set(err, errno, "make a proc file system of our own");
	mount = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return mount < 0 ? error_set(err, errno, "make a proc file system of our own") : mount;
}

static int write_one(int procfs, int *own_procfs, const struct json_pair *pair, struct error *err)
{
	char path[sizeof("sys/") + SPEC_SYSCTL_PATH_SIZE] = "sys/";

	if (!spec_sysctl_path(pair->key, path + strlen(path)))
		return error_set(err, EINVAL, "no name of a kernel parameter");
	if (strchr(pair->value, '\n'))
		return error_set(err, EINVAL, "the value has a line break");
	if (*own_procfs < 0) {
		if (path_write_procfs(procfs, path, pair->value, err) == 0)
			return 0;
		/* EROFS: a container's /proc/sys, bound to itself read-only. */
		if (err->code != EXDEV && err->code != EROFS)
			return -1;
		*own_procfs = open_own_procfs(err);
		if (*own_procfs < 0)
			return -1;
	}
	return path_write_procfs(*own_procfs, path, pair->value, err);
}

int sysctl_apply(const struct spec *spec, int procfs, struct error *err)
{
	cleanup_fd int own_procfs = -1;

	for (size_t i = 0; i < spec->linux->n_sysctl; i++) {
		const struct json_pair *pair = &spec->linux->sysctl[i];

		if (write_one(procfs, &own_procfs, pair, err) < 0)
			return error_wrap(err, "linux.sysctl %s", pair->key);
	}
	return 0;
}
