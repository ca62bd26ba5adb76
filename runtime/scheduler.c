/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/scheduler.h"

#include <errno.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number_list.h"
#include "base/str.h"

struct name {
	const char *name;
	unsigned int number;
};

/* The numbers are the kernel's; its header cannot be included beside glibc's. */
static const struct name policies[] = {
	{ "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 },	    { "SCHED_BATCH", 3 },
	{ "SCHED_ISO", 4 },   { "SCHED_IDLE", 5 }, { "SCHED_DEADLINE", 6 }, { NULL },
};
enum { FIFO = 1, ROUND_ROBIN = 2, ISO = 4, DEADLINE = 6 };

static const struct name flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 },  { "SCHED_FLAG_RECLAIM", 0x02 },
	{ "SCHED_FLAG_DL_OVERRUN", 0x04 },     { "SCHED_FLAG_KEEP_POLICY", 0x08 },
	{ "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 }, { NULL },
};

static const struct name io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	{ NULL },
};

struct sched_attributes { /* struct sched_attr of sched_setattr(2) */
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static int find(const struct name *table, const char *name, const char *key, unsigned int *ret,
		struct error *err)
{
	for (; table->name; table++) {
		if (!str_equal(table->name, name))
			continue;
		*ret = table->number;
		return 0;
	}
	return error_set(err, 0, "%s: unknown name \"%s\"", key, name ? name : "");
}

/* What usually is behind a refusal, by policy and errno. */
static const struct {
	unsigned int policy;
	int code;
	const char *hint;
} hints[] = {
	{ DEADLINE, EPERM,
	  "process scheduler can't be used together with AllowedCPUs: the deadline scheduler "
	  "wants all CPUs of a root domain, and CAP_SYS_NICE" },
	{ DEADLINE, EBUSY, "the CPUs have no such share of time left" },
	{ DEADLINE, EINVAL, "it takes 1024 ns <= runtime <= deadline <= period" },
	{ FIFO, EPERM, "it needs CAP_SYS_NICE, and cpu.realtimeRuntime for the cgroup" },
	{ ROUND_ROBIN, EPERM, "it needs CAP_SYS_NICE, and cpu.realtimeRuntime for the cgroup" },
	{ ISO, EINVAL, "Linux has reserved the name only" },
};

static void add_hint(const struct sched_attributes *attributes, struct error *err)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++)
		if (hints[i].policy == attributes->policy && hints[i].code == err->code)
			error_hint(err, "%s", hints[i].hint);
}

int scheduler_set(const struct spec_scheduler *config, struct error *err)
{
	struct sched_attributes attributes = { .size = sizeof(attributes) };
	unsigned int flag;

	if (!config)
		return 0;
	if (find(policies, config->policy, "process.scheduler.policy", &attributes.policy, err) < 0)
		return -1;
	for (size_t i = 0; i < config->n_flags; i++) {
		if (find(flags, config->flags[i], "process.scheduler.flags", &flag, err) < 0)
			return -1;
		attributes.flags |= flag;
	}
	attributes.nice = config->nice;
	attributes.priority = (uint32_t)config->priority;
	attributes.runtime = config->runtime;
	attributes.deadline = config->deadline;
	attributes.period = config->period;
	if (syscall(SYS_sched_setattr, 0, &attributes, 0) < 0) {
		error_set(err, errno, "set process.scheduler to %s", config->policy);
		add_hint(&attributes, err);
		return -1;
	}
	return 0;
}

int scheduler_set_io_priority(const struct spec_io_priority *config, struct error *err)
{
	unsigned int class, priority;

	if (!config)
		return 0;
	if (find(io_classes, config->class, "process.ioPriority.class", &class, err) < 0)
		return -1;
	if (config->priority < -1 || config->priority >= IOPRIO_NR_LEVELS)
		return error_set(err, EINVAL, "process.ioPriority.priority %d", config->priority);
	priority = config->priority < 0 ? 0 : (unsigned int)config->priority;
	/*
	 * The process alone: its children inherit it, whereas its process group
	 * may still be that of the runtime's caller. IOPRIO_PRIO_VALUE is of other
	 * types in later versions of the kernel's headers.
	 */
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, class << IOPRIO_CLASS_SHIFT | priority) <
	    0) {
		error_set(err, errno, "set process.ioPriority to %s %d", config->class,
			  config->priority);
		if (err->code == EPERM)
			error_hint(err, "it needs CAP_SYS_NICE or CAP_SYS_ADMIN");
		return -1;
	}
	return 0;
}

int scheduler_set_affinity(pid_t pid, const char *list, struct error *err)
{
	struct number_list cpus = { { 0 } };

	if (!*list || !number_list_parse(list, &cpus))
		return error_set(err, 0, "\"%s\" is not a list of CPUs such as 0-3,7", list);
	if (syscall(SYS_sched_setaffinity, pid, sizeof(cpus.mask), cpus.mask) < 0)
		return error_set(err, errno, "set the CPU affinity to %s", list);
	return 0;
}

void scheduler_reset_affinity(pid_t pid)
{
	struct number_list cpus;

	memset(&cpus, 0xff, sizeof(cpus));
	if (syscall(SYS_sched_setaffinity, pid, sizeof(cpus.mask), cpus.mask) < 0)
		log_debug("the CPU affinity is not reset: %s", strerrordesc_np(errno));
}

/* linux/prctl.h and linux/sched.h, for older headers. */
enum { CORE_SCHEDULING = 62, CORE_CREATE = 1, CORE_SHARE_FROM = 3, CORE_OF_PROCESS = 1 };

static int explain_cores(struct error *err)
{
	error_wrap(err, "org.rustbox.core-scheduling");
	return error_hint(err, "the kernel needs CONFIG_SCHED_CORE, and the machine SMT");
}

int scheduler_isolate_cores(struct error *err)
{
	if (prctl(CORE_SCHEDULING, CORE_CREATE, 0, CORE_OF_PROCESS, 0) == 0)
		return 0;
	error_set(err, errno, "make a group for core scheduling");
	return explain_cores(err);
}

int scheduler_join_cores(pid_t pid, struct error *err)
{
	if (prctl(CORE_SCHEDULING, CORE_SHARE_FROM, pid, 0, 0) == 0)
		return 0;
	error_set(err, errno, "join the core scheduling group of process %d", (int)pid);
	return explain_cores(err);
}
