/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call in a cgroup that has the container's below it: what the kernel charges
 * to it is all that the program, its helpers and the container have at once, the
 * kernel's own memory for them included, but no page of a file that is in the
 * page cache already.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "integration/bench/bench.h"

/* Where memory is counted, cgroup2 first, and the files of its largest value. */
static const struct hierarchy {
	const char *path, *peak;
} hierarchies[] = {
	{ "/sys/fs/cgroup", "memory.peak" },
	{ "/sys/fs/cgroup/memory", "memory.max_usage_in_bytes" },
};
static const struct hierarchy *hierarchy;

/* "/NAME-whole", as run-bench has it in the configurations. */
static char below[NAME_MAX];

static void path_below(char *ret, size_t size, const char *name)
{
	(void)snprintf(ret, size, "%s%s/%s", hierarchy->path, below, name);
}

/* The kernel may still be taking the last process out of it. */
static bool remove_cgroup(const char *path)
{
	const struct timespec moment = { 0, 1000000 };

	for (int i = 0; i < 2000 && rmdir(path) < 0; i++) {
		if (errno != EBUSY)
			return errno == ENOENT;
		(void)nanosleep(&moment, NULL);
	}
	return access(path, F_OK) < 0;
}

/* A new one's largest value is that of this call. What is in it has ended. */
static bool make_anew(void)
{
	char parent[PATH_MAX], caller[PATH_MAX];

	path_below(parent, sizeof(parent), "");
	path_below(caller, sizeof(caller), "caller");
	return remove_cgroup(caller) && remove_cgroup(parent) && mkdir(parent, 0755) == 0 &&
	       mkdir(caller, 0755) == 0;
}

/* The floor's and the bundles' paths are below the cgroup now. */
bool begin_confinement(void)
{
	struct stat st;

	(void)snprintf(below, sizeof(below), "%s-whole", strrchr(bench.folder, '/'));
	for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
		char path[PATH_MAX];

		hierarchy = &hierarchies[i];
		(void)snprintf(path, sizeof(path), "%s/cgroup.procs", hierarchy->path);
		if (stat(path, &st) < 0 || !make_anew())
			continue;
		path_below(path, sizeof(path), hierarchy->peak);
		if (stat(path, &st) == 0) {
			find_cgroups(below);
			bench.bundles = "whole";
			return true;
		}
		end_confinement();
	}
	return false;
}

void end_confinement(void)
{
	char path[PATH_MAX];

	path_below(path, sizeof(path), "caller");
	(void)remove_cgroup(path);
	path_below(path, sizeof(path), "");
	(void)remove_cgroup(path);
	find_cgroups("");
	bench.bundles = "bundles";
}

static double read_peak(void)
{
	char path[PATH_MAX], text[32] = "";

	path_below(path, sizeof(path), hierarchy->peak);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		(void)close(fd);
	return strtod(text, NULL) / 1024;
}

bool confined(const struct call *call, struct cost *cost)
{
	char procs[PATH_MAX];
	int status = -1;

	*cost = (struct cost){ { 0 } };
	path_below(procs, sizeof(procs), "caller/cgroup.procs");
	pid_t pid = make_anew() ? fork() : -1;
	if (pid == 0) {
		int fd = open(procs, O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(127);
		become(call);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !succeeded(status))
		return false;
	cost->measures[WHOLE] = read_peak();
	return true;
}
