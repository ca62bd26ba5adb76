/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/capability.h"

#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

static const char *const names[] = {
	[CAP_CHOWN] = "CAP_CHOWN",
	[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
	[CAP_FOWNER] = "CAP_FOWNER",
	[CAP_FSETID] = "CAP_FSETID",
	[CAP_KILL] = "CAP_KILL",
	[CAP_SETGID] = "CAP_SETGID",
	[CAP_SETUID] = "CAP_SETUID",
	[CAP_SETPCAP] = "CAP_SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
	[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[CAP_NET_RAW] = "CAP_NET_RAW",
	[CAP_IPC_LOCK] = "CAP_IPC_LOCK",
	[CAP_IPC_OWNER] = "CAP_IPC_OWNER",
	[CAP_SYS_MODULE] = "CAP_SYS_MODULE",
	[CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
	[CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
	[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
	[CAP_SYS_PACCT] = "CAP_SYS_PACCT",
	[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	[CAP_SYS_BOOT] = "CAP_SYS_BOOT",
	[CAP_SYS_NICE] = "CAP_SYS_NICE",
	[CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
	[CAP_SYS_TIME] = "CAP_SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
	[CAP_MKNOD] = "CAP_MKNOD",
	[CAP_LEASE] = "CAP_LEASE",
	[CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
	[CAP_SETFCAP] = "CAP_SETFCAP",
	[CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
	[CAP_SYSLOG] = "CAP_SYSLOG",
	[CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "CAP_AUDIT_READ",
	[CAP_PERFMON] = "CAP_PERFMON",
	[CAP_BPF] = "CAP_BPF",
	[CAP_CHECKPOINT_RESTORE] = "CAP_CHECKPOINT_RESTORE",
};

enum {
	COUNT = sizeof(names) / sizeof(*names),
	MASK_BITS = 64, /* the kernel's ABI has room for these */
	PREFIX = sizeof("CAP_") - 1,
};

static uint64_t bit(int number)
{
	return UINT64_C(1) << number;
}

int capability_from_name(const char *name)
{
	if (strncasecmp(name, "CAP_", PREFIX) == 0)
		name += PREFIX;
	for (int i = 0; i < COUNT; i++)
		if (strcasecmp(names[i] + PREFIX, name) == 0)
			return i;
	return -1;
}

const char *capability_name(int number)
{
	return number >= 0 && number < COUNT ? names[number] : NULL;
}

int capability_count(void)
{
	return COUNT;
}

/* The raw system calls: libcap's keep state on the heap, and we may be between clone and execve. */
static int get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(SYS_capget, &header, data);
}

uint64_t capability_permitted(void)
{
	struct __user_cap_data_struct data[2] = { 0 };

	if (get(data) < 0)
		return 0;
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* Those of the mask that are in the bounding set: a system call for each that is asked for. */
static int bounding_now(uint64_t asked, uint64_t *ret, struct error *err)
{
	uint64_t mask = 0;

	for (int i = 0; i < COUNT; i++) {
		int present = asked & bit(i) ? prctl(PR_CAPBSET_READ, i, 0, 0, 0) : 0;

		if (present > 0)
			mask |= bit(i);
		else if (present < 0 && errno != EINVAL) /* newer than this kernel */
			return error_set(err, errno, "is %s in the bounding set?", names[i]);
	}
	*ret = mask;
	return 0;
}

static int read_set(char *const *list, size_t count, const char *key, uint64_t *ret,
		    struct error *err)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < count; i++) {
		int number = capability_from_name(list[i]);
		if (number < 0)
			return error_set(err, 0,
					 "process.capabilities.%s[%zu]: unknown capability \"%s\"",
					 key, i, list[i]);
		mask |= bit(number);
	}
	*ret = mask;
	return 0;
}

static void tell(enum log_level level, uint64_t left_out, const char *why)
{
	char text[COUNT * 28];
	size_t used = 0;

	if (!left_out || !log_enabled(level))
		return;
	for (int i = 0; i < COUNT; i++)
		if (left_out & bit(i))
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", names[i]);
	log_write(level, "capabilities left out, %s:%s", why, text);
}

/* Removes from *set what `allowed` lacks, and notes it in *left_out. */
static void limit(uint64_t *set, uint64_t allowed, uint64_t *left_out)
{
	*left_out |= *set & ~allowed;
	*set &= allowed;
}

int capability_resolve(const struct spec_capabilities *config, struct capability_sets *ret,
		       struct error *err)
{
	struct capability_sets sets = { 0 };
	uint64_t unavailable = 0, unpermitted = 0, not_ambient = 0;

	if (!config) {
		*ret = sets;
		return 0;
	}
#define READ(set) read_set(config->set, config->n_##set, #set, &sets.set, err)
	if (READ(bounding) < 0 || READ(effective) < 0 || READ(inheritable) < 0 ||
	    READ(permitted) < 0 || READ(ambient) < 0)
		return -1;
#undef READ
	uint64_t bounding;
	if (bounding_now(sets.bounding | sets.effective | sets.inheritable | sets.permitted |
				 sets.ambient,
			 &bounding, err) < 0)
		return -1;
	uint64_t permitted = bounding & capability_permitted();
	limit(&sets.bounding, bounding, &unavailable);
	limit(&sets.inheritable, bounding, &unavailable);
	limit(&sets.permitted, permitted, &unavailable);
	limit(&sets.effective, permitted, &unavailable);
	limit(&sets.ambient, permitted, &unavailable);
	/* capset(2) would refuse the whole. */
	limit(&sets.effective, sets.permitted, &unpermitted);
	/* prctl(2) would refuse these one by one. */
	limit(&sets.ambient, sets.permitted & sets.inheritable, &not_ambient);
	tell(LOG_WARNING, unavailable, "this system does not grant them");
	tell(LOG_WARNING, unpermitted, "effective but not permitted");
	/* buildah lists as ambient all that it permits, and nothing as inheritable. */
	tell(LOG_INFO, not_ambient, "ambient but not both permitted and inheritable");
	*ret = sets;
	return 0;
}

int capability_drop_bounding(const struct capability_sets *sets, struct error *err)
{
	/* Ones that are newer than our table are dropped too: up to where the kernel ends. */
	for (int i = 0; i < MASK_BITS; i++) {
		if (sets->bounding & bit(i))
			continue;
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			break;
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 0) /* not ours, and not there either */
			continue;
		return error_set(err, EPERM, "drop %s from the bounding set",
				 capability_name(i) ? capability_name(i) : "an unknown capability");
	}
	return 0;
}

int capability_set(const struct capability_sets *sets, uint64_t also, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	uint64_t effective = sets->effective | also, permitted = sets->permitted | also;
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)sets->inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		  (uint32_t)(sets->inheritable >> 32) },
	};

	if (syscall(SYS_capset, &header, data) < 0)
		return error_set(err, errno,
				 "capset effective %llx, permitted %llx, inheritable %llx",
				 (unsigned long long)effective, (unsigned long long)permitted,
				 (unsigned long long)sets->inheritable);
	return 0;
}

int capability_set_ambient(const struct capability_sets *sets, struct error *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_set(err, errno, "clear the ambient capabilities");
	for (int i = 0; i < COUNT; i++) {
		if (!(sets->ambient & bit(i)) ||
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) == 0)
			continue;
		log_warning("can't raise ambient capability %s: %s (it must be permitted and "
			    "inheritable)",
			    names[i], strerrordesc_np(errno));
	}
	return 0;
}
