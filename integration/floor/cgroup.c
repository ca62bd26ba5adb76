/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "integration/floor/floor.h"

static bool is_named(const char *cgroup, const char *name)
{
	return strstr(cgroup, name) != NULL;
}

static void copy_up(const char *cgroup, const char *file)
{
	char text[256];
	int fd = open(path_of(cgroup, file, NULL), O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0 || (n = read(fd, text, sizeof(text) - 1)) <= 0) {
		fail(file);
		return;
	}
	(void)close(fd);
	text[n] = '\0';
	if (!put(path_of(cgroup, job.id, file), text))
		fail(file);
}

void make_cgroups(void)
{
	for (size_t i = 0; i < job.n_cgroups; i++) {
		const char *cgroup = job.cgroups[i];

		if (mkdir(path_of(cgroup, job.id, NULL), 0755) < 0)
			fail(cgroup);
		if (!is_named(cgroup, "/cpuset"))
			continue;
		copy_up(cgroup, "cpuset.cpus");
		copy_up(cgroup, "cpuset.mems");
	}
}

/* It comes last, and alone where there is no v1. */
static bool is_unified(size_t i)
{
	return job.n_cgroups == 1 || is_named(job.cgroups[i], "/unified");
}

int open_unified(void)
{
	for (size_t i = 0; i < job.n_cgroups; i++)
		if (is_unified(i))
			return open(path_of(job.cgroups[i], job.id, NULL),
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return -1;
}

void join_cgroups(void)
{
	for (size_t i = 0; i < job.n_cgroups; i++)
		if (!is_unified(i) && !put(path_of(job.cgroups[i], job.id, "tasks"), "0"))
			fail(job.cgroups[i]);
}

void limit_devices(void)
{
	static const char *const allowed[] = { "c *:* m",   "b *:* m",	 "c 136:* rwm", "c 5:2 rwm",
					       "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",	"c 1:8 rwm",
					       "c 1:9 rwm", "c 5:0 rwm" };
	int fd = -1;

	for (size_t i = 0; i < job.n_cgroups && fd < 0; i++)
		if (is_named(job.cgroups[i], "/devices")) {
			if (!put(path_of(job.cgroups[i], job.id, "devices.deny"), "a"))
				fail("devices.deny");
			fd = open(path_of(job.cgroups[i], job.id, "devices.allow"),
				  O_WRONLY | O_CLOEXEC);
		}
	for (size_t i = 0; fd >= 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (write(fd, allowed[i], strlen(allowed[i])) < 0)
			fail("devices.allow");
	if (fd >= 0)
		(void)close(fd);
}

void remove_cgroups(void)
{
	for (size_t i = 0; i < job.n_cgroups; i++) {
		const char *path = path_of(job.cgroups[i], job.id, NULL);

		/* v1's memory controller says EBUSY for a moment. */
		for (int tries = 0; rmdir(path) < 0 && errno == EBUSY && tries < 2000; tries++)
			(void)usleep(100);
	}
}
