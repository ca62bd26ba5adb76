/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "oci/spec_check_parts.h"
#include "oci/spec_sysctl.h"

/* What belongs to an ipc namespace: the kernel's ipc/ipc_sysctl.c. */
static const char *const ipc_sysctls[] = {
	"kernel/auto_msgmni",
	"kernel/msg_next_id",
	"kernel/msgmax",
	"kernel/msgmnb",
	"kernel/msgmni",
	"kernel/sem",
	"kernel/sem_next_id",
	"kernel/shm_next_id",
	"kernel/shm_rmid_forced",
	"kernel/shmall",
	"kernel/shmmax",
	"kernel/shmmni",
	NULL,
};

/* The namespace that a parameter belongs to; NAMESPACE_TYPES for the whole machine. */
static enum spec_namespace_type namespace_of(const char *path)
{
	if (spec_check_known(ipc_sysctls, path) || str_starts_with(path, "fs/mqueue/"))
		return NAMESPACE_IPC;
	if (str_starts_with(path, "net/"))
		return NAMESPACE_NETWORK;
	if (str_starts_with(path, "user/"))
		return NAMESPACE_USER;
	if (strcmp(path, "kernel/domainname") == 0)
		return NAMESPACE_UTS;
	return NAMESPACE_TYPES;
}

static int check_sysctl_name(const struct spec *spec, const char *name, struct error *err)
{
	char path[SPEC_SYSCTL_PATH_SIZE];

	if (!spec_sysctl_path(name, path))
		return error_set(err, 0, "not the name of a kernel parameter");
	if (strcmp(path, "kernel/hostname") == 0)
		return error_set(err, 0, "use \"hostname\" instead");
	if (strcmp(path, "kernel/domainname") == 0 && spec->domainname)
		return error_set(err, 0, "\"domainname\" is set, too");
	enum spec_namespace_type type = namespace_of(path);
	if (type == NAMESPACE_TYPES)
		return error_set(err, 0, "belongs to no namespace, it would change the host");
	if (!spec_find_namespace(spec, type))
		return error_set(err, 0, "needs a %s namespace, it would change the host",
				 spec_namespace_name(type));
	return 0;
}

int spec_check_sysctl(const struct spec *spec, struct error *err)
{
	for (size_t i = 0; i < spec->linux->n_sysctl; i++) {
		const struct json_pair *pair = &spec->linux->sysctl[i];
		struct error reason;
		int result = check_sysctl_name(spec, pair->key, &reason);
		/* A second line, or more than the parameter takes: SECURITY.md S6. */
		if (result == 0 && strpbrk(pair->value, "\n\r+"))
			result = error_set(&reason, 0,
					   "a value must not contain a line break or \"+\"");
		if (result < 0)
			return error_set(err, 0, "sysctl[\"%.64s\"]: %s", pair->key, reason.text);
	}
	return 0;
}
