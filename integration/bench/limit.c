/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest limit of memory under which a runtime brings a container to its end. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "integration/bench/bench.h"

/* In KiB; a container that has not ended by then does not. */
enum { LARGEST = 65536, STEP = 64, PATIENCE_MS = 10000, TIMES = 3 };

static char mark[] = "\"@LIMIT@\"";

/* limit.json with the limit in the mark's place. */
static bool write_config(long kib)
{
	static char text[1 << 16];
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/limit.json", bench.folder);
	FILE *from = fopen(path, "re");
	size_t n = from ? fread(text, 1, sizeof(text) - 1, from) : 0;
	if (from)
		(void)fclose(from);
	text[n] = '\0';
	char *place = strstr(text, mark);
	if (!place)
		return false;
	(void)snprintf(path, sizeof(path), "%s/bundles/limit/config.json", bench.folder);
	FILE *to = fopen(path, "we");
	if (!to)
		return false;
	(void)fprintf(to, "%.*s%ld%s", (int)(place - text), text, kib * 1024, place + strlen(mark));
	return fclose(to) == 0;
}

/* Some hang when the kernel ends what they wait for. */
static bool ends_well(const struct call *call)
{
	int status = -1;
	pid_t pid = spawn(call);
	int pidfd = pid > 0 ? pidfd_open(pid, 0) : -1;
	struct pollfd end = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0 && poll(&end, 1, PATIENCE_MS) == 0)
		(void)kill(pid, SIGKILL);
	if (pidfd >= 0)
		(void)close(pidfd);
	return pid > 0 && waitpid(pid, &status, 0) == pid && succeeded(status);
}

static bool runs_under(const struct column *column, long kib)
{
	bool ok = write_config(kib);

	for (int i = 0; i < TIMES && ok; i++) {
		struct call call;
		char id[64];

		next_id(id, sizeof(id));
		make_call(&call, column, RUN, "limit", id);
		ok = ends_well(&call);
	}
	return ok;
}

static long search(const struct column *column)
{
	long works = LARGEST, fails = 0;

	if (!runs_under(column, works))
		return 0;
	while (works - fails > STEP) {
		long middle = (works + fails) / 2;

		if (runs_under(column, middle))
			works = middle;
		else
			fails = middle;
	}
	return works;
}

void find_smallest_limit(struct column *column)
{
	char errors[PATH_MAX];
	struct stat st;

	if (column->is_floor)
		return;
	(void)snprintf(errors, sizeof(errors), "%s/errors", bench.folder);
	bool known = stat(errors, &st) == 0;
	enter(column->namespace);
	column->smallest_limit = (double)search(column);
	enter(bench.home);
	/* What they say to limits that are too small is as it should be. */
	if (known && truncate(errors, st.st_size) < 0)
		fail("truncate");
}
