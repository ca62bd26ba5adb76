/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "oci/spec_check_parts.h"

static const char *const actions[] = {
	"SCMP_ACT_KILL",	"SCMP_ACT_KILL_PROCESS",
	"SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP",
	"SCMP_ACT_ERRNO",	"SCMP_ACT_TRACE",
	"SCMP_ACT_ALLOW",	"SCMP_ACT_LOG",
	"SCMP_ACT_NOTIFY",	NULL,
};
static const char *const architectures[] = {
	"SCMP_ARCH_X86",     "SCMP_ARCH_X86_64",   "SCMP_ARCH_X32",	    "SCMP_ARCH_ARM",
	"SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS",	   "SCMP_ARCH_MIPS64",	    "SCMP_ARCH_MIPS64N32",
	"SCMP_ARCH_MIPSEL",  "SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",
	"SCMP_ARCH_PPC64",   "SCMP_ARCH_PPC64LE",  "SCMP_ARCH_S390",	    "SCMP_ARCH_S390X",
	"SCMP_ARCH_PARISC",  "SCMP_ARCH_PARISC64", "SCMP_ARCH_RISCV64",	    "SCMP_ARCH_LOONGARCH64",
	"SCMP_ARCH_M68K",    "SCMP_ARCH_SH",	   "SCMP_ARCH_SHEB",	    NULL,
};
static const char *const flags[] = {
	"SECCOMP_FILTER_FLAG_TSYNC",
	"SECCOMP_FILTER_FLAG_LOG",
	"SECCOMP_FILTER_FLAG_SPEC_ALLOW",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
	NULL,
};
static const char *const operators[] = {
	"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",	    "SCMP_CMP_EQ",
	"SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ", NULL,
};

static int check_names(const char *const *known, char *const *names, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!spec_check_known(known, names[i]))
			return error_set(err, 0, "[%zu]: \"%.64s\" is not known", i, names[i]);
	return 0;
}

/* An action and the errno (or, for a tracer, message) that goes with it. */
static int check_action(const char *action, const char *action_key, const struct json_uint *number,
			const char *number_key, struct error *err)
{
	bool is_errno = str_equal(action, "SCMP_ACT_ERRNO");
	uint64_t max = is_errno ? 4095 : UINT16_MAX; /* seccomp(2): MAX_ERRNO, SECCOMP_RET_DATA */

	if (!spec_check_known(actions, action))
		return error_set(err, 0, "%s: \"%.64s\" is not known", action_key, action);
	if (!number->set)
		return 0;
	if (!is_errno && !str_equal(action, "SCMP_ACT_TRACE"))
		return error_set(err, 0, "%s: %s takes no errno", number_key, action);
	if (number->value > max)
		return error_set(err, 0, "%s: %" PRIu64 " is more than %" PRIu64, number_key,
				 number->value, max);
	return 0;
}

static int check_args(const struct spec_syscall *call, struct error *err)
{
	for (size_t i = 0; i < call->n_args; i++) {
		if (call->args[i].index > 5)
			return error_set(err, 0,
					 "args[%zu].index: %" PRIu32 " is not within 0 and 5", i,
					 call->args[i].index);
		if (!spec_check_known(operators, call->args[i].op))
			return error_set(err, 0, "args[%zu].op: \"%.64s\" is not known", i,
					 call->args[i].op);
	}
	return 0;
}

static int check_syscall(const struct spec_syscall *call, struct error *err)
{
	if (!call->n_names)
		return error_set(err, 0, "names: must have at least one entry");
	for (size_t i = 0; i < call->n_names; i++)
		if (!*call->names[i])
			return error_set(err, 0, "names[%zu]: must not be empty", i);
	if (check_action(call->action, "action", &call->errno_ret, "errnoRet", err) < 0)
		return -1;
	return check_args(call, err);
}

static int check_all(const struct spec_seccomp *seccomp, struct error *err)
{
	if (check_action(seccomp->default_action, "defaultAction", &seccomp->default_errno_ret,
			 "defaultErrnoRet", err) < 0)
		return -1;
	if (check_names(architectures, seccomp->architectures, seccomp->n_architectures, err) < 0)
		return spec_check_within(err, "architectures");
	if (check_names(flags, seccomp->flags, seccomp->n_flags, err) < 0)
		return spec_check_within(err, "flags");
	/* The call that hands the listener over would wait for the listener. */
	if (str_equal(seccomp->default_action, "SCMP_ACT_NOTIFY"))
		return error_set(err, 0, "defaultAction: SCMP_ACT_NOTIFY cannot be the default");
	for (size_t i = 0; i < seccomp->n_syscalls; i++)
		if (check_syscall(&seccomp->syscalls[i], err) < 0)
			return spec_check_within(err, "syscalls[%zu]", i);
	return 0;
}

int spec_check_seccomp(const struct spec_seccomp *seccomp, struct error *err)
{
	return check_all(seccomp, err) < 0 ? spec_check_within(err, "linux.seccomp") : 0;
}

int spec_check_seccomp_agent(const struct spec_seccomp *seccomp, struct error *err)
{
	if (seccomp->listener_metadata && !seccomp->listener_path)
		return error_set(err, 0, "linux.seccomp.listenerMetadata: needs listenerPath");
	if (seccomp->listener_path || seccomp->plugins)
		return 0;
	for (size_t i = 0; i < seccomp->n_syscalls; i++)
		if (str_equal(seccomp->syscalls[i].action, "SCMP_ACT_NOTIFY"))
			return error_set(
				err, 0,
				"linux.seccomp.syscalls[%zu].action: SCMP_ACT_NOTIFY needs "
				"linux.seccomp.listenerPath",
				i);
	return 0;
}
