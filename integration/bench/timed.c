/* SPDX-License-Identifier: Apache-2.0 */
/* A call is what its caller sees: from spawn to the end of the program. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/membarrier.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "integration/bench/bench.h"

/* SETTLED: a grace period that may have begun already, one that ends what came then, one for calls
 * back. */
enum { AT_ONCE = 50, IN_SEQUENCE = 100, SETTLED = 3 };

/* Not /dev/null: some runtimes give the standard streams to the container's user (chown). */
static posix_spawn_file_actions_t streams, terminal_streams;

const char *terminal_name(void)
{
	static char name[64];
	static int fd = -1; /* the other end, as long as we live */

	if (*name)
		return name;
	fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 || ptsname_r(fd, name, sizeof(name)))
		fail("a terminal");
	return name;
}

void open_streams(void)
{
	char errors[PATH_MAX], output[PATH_MAX];
	const char *terminal = terminal_name();

	(void)snprintf(errors, sizeof(errors), "%s/errors", bench.folder);
	(void)snprintf(output, sizeof(output), "%s/output", bench.folder);
	errno = posix_spawn_file_actions_init(&streams);
	if (errno ||
	    (errno = posix_spawn_file_actions_addopen(&streams, 0, output, O_CREAT | O_RDONLY,
						      0600)) ||
	    (errno = posix_spawn_file_actions_addopen(&streams, 1, output, O_WRONLY | O_TRUNC,
						      0)) ||
	    (errno = posix_spawn_file_actions_addopen(&streams, 2, errors,
						      O_CREAT | O_WRONLY | O_APPEND, 0600)))
		fail("streams");
	errno = posix_spawn_file_actions_init(&terminal_streams);
	if (errno ||
	    (errno = posix_spawn_file_actions_addopen(&terminal_streams, 0, terminal,
						      O_RDWR | O_NOCTTY, 0)) ||
	    (errno = posix_spawn_file_actions_adddup2(&terminal_streams, 0, 1)) ||
	    (errno = posix_spawn_file_actions_addopen(&terminal_streams, 2, errors,
						      O_WRONLY | O_APPEND, 0600)))
		fail("streams");
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

pid_t spawn(const struct call *call)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = { path, NULL };
	pid_t pid;

	errno = posix_spawn(&pid, call->args[0], call->has_terminal ? &terminal_streams : &streams,
			    NULL, call->args, environment);
	return errno ? -1 : pid;
}

/*
 * Every call begins with the kernel at rest. Otherwise it depends on what ran
 * before whether a process that is moved between cgroups waits for a grace period
 * of RCU: the next ones to be moved within it do not.
 */
static void settle(void)
{
	for (int i = 0; i < SETTLED; i++)
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

static double milliseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

bool succeeded(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void add_usage(struct cost *cost, const struct rusage *usage)
{
	cost->measures[USER] += milliseconds(usage->ru_utime);
	cost->measures[SYSTEM] += milliseconds(usage->ru_stime);
	cost->measures[CPU] = cost->measures[USER] + cost->measures[SYSTEM];
	cost->measures[FAULTS] += (double)(usage->ru_minflt + usage->ru_majflt);
}

bool timed(const struct call *call, struct cost *cost)
{
	struct rusage usage;
	int status = -1;

	*cost = (struct cost){ { 0 } };
	settle();
	double started = now();
	pid_t pid = spawn(call);
	bool ok = pid > 0 && wait4(pid, &status, 0, &usage) == pid && succeeded(status);

	cost->measures[TIME] = now() - started;
	if (ok)
		add_usage(cost, &usage);
	return ok;
}

/* Each a run of its own, all started before the first is waited for; or one after another. */
bool timed_many(const struct column *column, const char *bundle, bool at_once, struct cost *cost)
{
	static struct call calls[IN_SEQUENCE];
	size_t n = at_once ? AT_ONCE : IN_SEQUENCE, running = 0;
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		char id[64];

		next_id(id, sizeof(id));
		make_call(&calls[i], column, RUN, bundle, id);
	}
	*cost = (struct cost){ { 0 } };
	settle();
	double started = now();
	for (size_t i = 0; i < n || running; i++) {
		struct rusage usage;
		int status;

		if (i < n && spawn(&calls[i]) < 0)
			ok = false;
		else if (i < n)
			running++;
		if ((at_once && i + 1 < n) || !running)
			continue;
		if (wait4(-1, &status, 0, &usage) < 0)
			break;
		running--;
		ok = ok && succeeded(status);
		add_usage(cost, &usage);
	}
	cost->measures[TIME] = now() - started;
	return ok;
}
