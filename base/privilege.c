/* SPDX-License-Identifier: Apache-2.0 */
#include "base/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

/* CAP_SYSLOG is not among them: an OOM kill's victim is found in /dev/kmsg. */
static const unsigned int unused[] = {
	CAP_SYS_MODULE, CAP_SYS_RAWIO,	   CAP_SYS_BOOT,      CAP_SYS_TIME,
	CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND, CAP_AUDIT_CONTROL, CAP_MAC_ADMIN,
};

int privilege_lower(struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, sets) < 0)
		return error_set(err, errno, "capget");
	for (size_t i = 0; i < sizeof(unused) / sizeof(unused[0]); i++)
		sets[CAP_TO_INDEX(unused[i])].effective &= ~CAP_TO_MASK(unused[i]);
	return syscall(SYS_capset, &header, sets) < 0 ? error_set(err, errno, "capset") : 0;
}
