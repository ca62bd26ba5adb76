/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "oci/spec_check_parts.h"

/* getrlimit(2). The index is only used to find duplicates. */
static const char *const rlimits[] = {
	"RLIMIT_AS",	 "RLIMIT_CORE",	  "RLIMIT_CPU",	       "RLIMIT_DATA",
	"RLIMIT_FSIZE",	 "RLIMIT_LOCKS",  "RLIMIT_MEMLOCK",    "RLIMIT_MSGQUEUE",
	"RLIMIT_NICE",	 "RLIMIT_NOFILE", "RLIMIT_NPROC",      "RLIMIT_RSS",
	"RLIMIT_RTPRIO", "RLIMIT_RTTIME", "RLIMIT_SIGPENDING", "RLIMIT_STACK",
};
enum { RLIMITS = sizeof(rlimits) / sizeof(*rlimits) };

static const char *const policies[] = {
	"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR",       "SCHED_BATCH",
	"SCHED_ISO",   "SCHED_IDLE", "SCHED_DEADLINE", NULL,
};
static const char *const real_time_policies[] = { "SCHED_FIFO", "SCHED_RR", NULL };
static const char *const scheduler_flags[] = {
	"SCHED_FLAG_RESET_ON_FORK",  "SCHED_FLAG_RECLAIM",
	"SCHED_FLAG_DL_OVERRUN",     "SCHED_FLAG_KEEP_POLICY",
	"SCHED_FLAG_KEEP_PARAMS",    "SCHED_FLAG_UTIL_CLAMP_MIN",
	"SCHED_FLAG_UTIL_CLAMP_MAX", NULL,
};
static const char *const deadline_flags[] = { "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN", NULL };

static const char *const io_classes[] = { "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE",
					  NULL };

/* -- Who -- */

static int check_user(const struct spec_user *user, struct error *err)
{
	/* The kernel takes this number for "leave it as it is". */
	const uint32_t no_id = UINT32_MAX;

	if (user->uid == no_id)
		return error_set(err, 0, "uid: %" PRIu32 " is not a user id", no_id);
	if (user->gid == no_id)
		return error_set(err, 0, "gid: %" PRIu32 " is not a group id", no_id);
	for (size_t i = 0; i < user->n_additional_gids; i++)
		if (user->additional_gids[i] == no_id)
			return error_set(err, 0,
					 "additionalGids[%zu]: %" PRIu32 " is not a group id", i,
					 no_id);
	if (user->umask.set && user->umask.value > 0777)
		return error_set(err, 0, "umask: %" PRIu64 " is more than 511 (octal 777)",
				 user->umask.value);
	return 0;
}

/* -- Limits -- */

static int check_rlimits(const struct spec_process *process, struct error *err)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < process->n_rlimits; i++) {
		const struct spec_rlimit *limit = &process->rlimits[i];
		unsigned int index = 0;
		while (index < RLIMITS && strcmp(rlimits[index], limit->type) != 0)
			index++;
		if (index == RLIMITS)
			return error_set(err, 0, "rlimits[%zu].type: \"%.64s\" is not known", i,
					 limit->type);
		if (seen & 1U << index)
			return error_set(err, 0, "rlimits[%zu].type: %s is there twice", i,
					 limit->type);
		seen |= 1U << index;
		if (limit->soft > limit->hard)
			return error_set(err, 0,
					 "rlimits[%zu].soft: %" PRIu64
					 " is more than hard, %" PRIu64,
					 i, limit->soft, limit->hard);
	}
	return 0;
}

/* -- Scheduling -- */

static int check_scheduler_flags(const struct spec_scheduler *s, struct error *err)
{
	for (size_t i = 0; i < s->n_flags; i++) {
		if (!spec_check_known(scheduler_flags, s->flags[i]))
			return error_set(err, 0, "flags[%zu]: \"%.64s\" is not known", i,
					 s->flags[i]);
		if (spec_check_known(deadline_flags, s->flags[i]) &&
		    strcmp(s->policy, "SCHED_DEADLINE") != 0)
			return error_set(err, 0, "flags[%zu]: %s is for SCHED_DEADLINE only", i,
					 s->flags[i]);
	}
	return 0;
}

/* sched(7): runtime <= deadline <= period, where a period of 0 means the deadline. */
static int check_deadline(const struct spec_scheduler *s, struct error *err)
{
	if (strcmp(s->policy, "SCHED_DEADLINE") != 0) {
		if (!s->runtime && !s->deadline && !s->period)
			return 0;
		return error_set(err, 0, "%s: is for SCHED_DEADLINE only",
				 s->runtime    ? "runtime"
				 : s->deadline ? "deadline"
					       : "period");
	}
	if (!s->runtime)
		return error_set(err, 0, "runtime: must not be 0 with SCHED_DEADLINE");
	if (s->deadline < s->runtime)
		return error_set(err, 0, "deadline: must not be less than runtime");
	if (s->period && s->period < s->deadline)
		return error_set(err, 0, "period: must not be less than deadline");
	return 0;
}

static int check_scheduler(const struct spec_scheduler *s, struct error *err)
{
	bool real_time = spec_check_known(real_time_policies, s->policy);

	if (!spec_check_known(policies, s->policy))
		return error_set(err, 0, "policy: \"%.64s\" is not known", s->policy);
	if (s->nice < -20 || s->nice > 19)
		return error_set(err, 0, "nice: %d is not within -20 and 19", s->nice);
	if (real_time && (s->priority < 1 || s->priority > 99))
		return error_set(err, 0, "priority: %s takes 1 to 99, not %d", s->policy,
				 s->priority);
	if (!real_time && s->priority)
		return error_set(err, 0, "priority: is for SCHED_FIFO and SCHED_RR only");
	if (check_scheduler_flags(s, err) < 0)
		return -1;
	return check_deadline(s, err);
}

static int check_io_priority(const struct spec_io_priority *io, struct error *err)
{
	if (!spec_check_known(io_classes, io->class))
		return error_set(err, 0, "class: \"%.64s\" is not known", io->class);
	if (io->priority == -1 && str_equal(io->class, "IOPRIO_CLASS_IDLE"))
		return 0;
	if (io->priority == -1)
		return error_set(err, 0, "priority: missing, or not within 0 and 7");
	if (io->priority < 0 || io->priority > 7)
		return error_set(err, 0, "priority: %d is not within 0 and 7", io->priority);
	return 0;
}

/* The text behind a CPU number, or NULL. */
static const char *skip_cpu(const char *s, uint32_t *ret_cpu)
{
	enum { CPU_LIMIT = 1 << 20 }; /* far beyond what any kernel is built for */
	uint32_t cpu = 0;

	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		cpu = cpu * 10 + (uint32_t)(*s - '0');
		if (cpu >= CPU_LIMIT)
			return NULL;
	}
	*ret_cpu = cpu;
	return s;
}

/* cpuset(7), "List format", without its strides. */
static bool is_cpu_list(const char *s)
{
	for (;;) {
		uint32_t first, last;
		s = skip_cpu(s, &first);
		if (!s)
			return false;
		if (*s == '-') {
			s = skip_cpu(s + 1, &last);
			if (!s || last < first)
				return false;
		}
		if (*s != ',')
			return *s == '\0';
		s++;
	}
}

static int check_affinity(const struct spec_cpu_affinity *affinity, struct error *err)
{
	if (affinity->initial && !is_cpu_list(affinity->initial))
		return error_set(err, 0, "initial: \"%.64s\" is not a list of CPUs such as 0-3,7",
				 affinity->initial);
	if (affinity->final && !is_cpu_list(affinity->final))
		return error_set(err, 0, "final: \"%.64s\" is not a list of CPUs such as 0-3,7",
				 affinity->final);
	return 0;
}

static int check_scheduling(const struct spec_process *process, struct error *err)
{
	if (process->scheduler && check_scheduler(process->scheduler, err) < 0)
		return spec_check_within(err, "scheduler");
	if (process->io_priority && check_io_priority(process->io_priority, err) < 0)
		return spec_check_within(err, "ioPriority");
	if (process->exec_cpu_affinity && check_affinity(process->exec_cpu_affinity, err) < 0)
		return spec_check_within(err, "execCPUAffinity");
	return 0;
}

/* -- What -- */

static int check_command(const struct spec_process *process, struct error *err)
{
	const struct spec_console_size *size = process->console_size;

	if (!process->n_args)
		return error_set(err, 0, "args: must have at least one entry");
	if (!*process->args[0])
		return error_set(err, 0, "args[0]: must not be empty");
	if (*process->cwd != '/')
		return error_set(err, 0, "cwd: \"%.200s\" is not absolute", process->cwd);
	if (spec_check_env(process->env, process->n_env, err) < 0)
		return spec_check_within(err, "env");
	/* ioctl_tty(2) has 16 bits for each; without a terminal it must be ignored. */
	if (process->terminal && size && (size->height > UINT16_MAX || size->width > UINT16_MAX))
		return error_set(err, 0, "consoleSize.%s: more than %d",
				 size->height > UINT16_MAX ? "height" : "width", UINT16_MAX);
	return 0;
}

static int check_all(const struct spec_process *process, struct error *err)
{
	if (check_command(process, err) < 0)
		return -1;
	if (process->user && check_user(process->user, err) < 0)
		return spec_check_within(err, "user");
	if (check_rlimits(process, err) < 0)
		return -1;
	if (process->oom_score_adj.set &&
	    (process->oom_score_adj.value < -1000 || process->oom_score_adj.value > 1000))
		return error_set(err, 0, "oomScoreAdj: %" PRId64 " is not within -1000 and 1000",
				 process->oom_score_adj.value);
	if (spec_check_line(process->apparmor_profile, "apparmorProfile", err) < 0 ||
	    spec_check_line(process->selinux_label, "selinuxLabel", err) < 0)
		return -1;
	return check_scheduling(process, err);
}

int spec_check_process(const struct spec_process *process, const char *where, struct error *err)
{
	return check_all(process, err) < 0 ? spec_check_within(err, "%s", where) : 0;
}
