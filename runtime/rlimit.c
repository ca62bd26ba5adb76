/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/rlimit.h"

#include <sys/resource.h>

#include "base/str.h"

#define ROW(name)                                                                                  \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct {
	const char *name;
	int number;
} limits[] = {
	ROW(RLIMIT_AS),	    ROW(RLIMIT_CORE),	ROW(RLIMIT_CPU),	ROW(RLIMIT_DATA),
	ROW(RLIMIT_FSIZE),  ROW(RLIMIT_LOCKS),	ROW(RLIMIT_MEMLOCK),	ROW(RLIMIT_MSGQUEUE),
	ROW(RLIMIT_NICE),   ROW(RLIMIT_NOFILE), ROW(RLIMIT_NPROC),	ROW(RLIMIT_RSS),
	ROW(RLIMIT_RTPRIO), ROW(RLIMIT_RTTIME), ROW(RLIMIT_SIGPENDING), ROW(RLIMIT_STACK),
};

int rlimit_from_name(const char *name)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (str_equal(limits[i].name, name))
			return limits[i].number;
	return -1;
}

static int limit_number(const struct spec_rlimit *entry, struct error *err)
{
	int number = rlimit_from_name(entry->type);

	if (number < 0)
		return error_set(err, 0, "process.rlimits: unknown type \"%s\"", entry->type);
	return number;
}

static int set(const struct spec_rlimit *entry, int number, rlim64_t soft, rlim64_t present_hard,
	       struct error *err)
{
	struct rlimit64 wanted = { .rlim_cur = soft, .rlim_max = entry->hard };

	if (prlimit64(0, (__rlimit_resource_t)number, &wanted, NULL) == 0)
		return 0;
	error_set(err, errno, "set %s to soft %llu, hard %llu", entry->type,
		  (unsigned long long)soft, (unsigned long long)entry->hard);
	if (err->code == EPERM && entry->hard > present_hard)
		error_hint(err, "the hard limit here is %llu; raising it needs CAP_SYS_RESOURCE%s",
			   (unsigned long long)present_hard,
			   number == RLIMIT_NOFILE ? " and at most the sysctl fs.nr_open" : "");
	return -1;
}

/* One entry; `final` makes it as configured, otherwise only what needs privilege is done. */
static int apply(const struct spec_rlimit *entry, bool final, struct error *err)
{
	struct rlimit64 present;
	int number = limit_number(entry, err);

	if (number < 0)
		return -1;
	if (prlimit64(0, (__rlimit_resource_t)number, NULL, &present) < 0)
		return error_set(err, errno, "getrlimit %s", entry->type);
	if (entry->soft > entry->hard)
		return error_set(err, EINVAL, "%s: soft limit above the hard limit", entry->type);
	if (!final)
		return entry->hard <= present.rlim_max
			       ? 0
			       : set(entry, number, present.rlim_cur, present.rlim_max, err);
	if (present.rlim_cur == entry->soft && present.rlim_max == entry->hard)
		return 0;
	return set(entry, number, entry->soft, present.rlim_max, err);
}

int rlimit_raise(const struct spec_process *process, struct error *err)
{
	for (size_t i = 0; i < process->n_rlimits; i++)
		if (apply(&process->rlimits[i], false, err) < 0)
			return -1;
	return 0;
}

int rlimit_apply(const struct spec_process *process, struct error *err)
{
	for (size_t i = 0; i < process->n_rlimits; i++)
		if (apply(&process->rlimits[i], true, err) < 0)
			return -1;
	return 0;
}
