/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: those of runc, and those of the floor. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "integration/bench/bench.h"

void next_id(char *ret, size_t size)
{
	static unsigned int serial;

	(void)snprintf(ret, size, "%s-%u", strrchr(bench.folder, '/') + 1, serial++);
}

/* "A:B:...", for the floor. */
static char cgroups[2048];

void find_cgroups(const char *below)
{
	static const char *const usual[] = { "",	 "/systemd", "/pids",	"/blkio",
					     "/freezer", "/devices", "/memory", "/cpuset",
					     "/cpuacct", "/cpu",     "/unified" };
	static const char root[] = "/sys/fs/cgroup";
	size_t used = 0;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		char path[128];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s%s/cgroup.procs", root, usual[i]);
		if (stat(path, &st) < 0)
			continue;
		bool counts_memory = i == 0 || strcmp(usual[i], "/memory") == 0;
		(void)snprintf(cgroups + used, sizeof(cgroups) - used, "%s%s%s%s", used ? ":" : "",
			       root, usual[i], counts_memory ? below : "");
		used = strlen(cgroups);
		if (i == 0) /* cgroup2 alone */
			break;
	}
}

static void add(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct call *call, const char *format, ...)
{
	char *start = call->text + call->used;
	va_list list;

	va_start(list, format);
	int n = vsnprintf(start, sizeof(call->text) - call->used, format, list);
	va_end(list);
	if (n < 0 || (size_t)n >= sizeof(call->text) - call->used || call->n + 1 >= ARGS_MAX) {
		errno = E2BIG;
		fail("arguments");
	}
	call->used += (size_t)n + 1;
	call->args[call->n++] = start;
	call->args[call->n] = NULL;
}

static void floor_call(struct call *call, const struct column *column, enum verb verb,
		       const char *bundle, const char *id)
{
	static const char *const verbs[] = { "run", "create", "start", "kill", "delete", "exec" };
	bool makes = verb == RUN || verb == CREATE;

	add(call, "--cgroups");
	add(call, "%s", cgroups);
	add(call, "--state");
	add(call, "%s/state/%s", bench.folder, column->name);
	add(call, "--pid-file");
	add(call, "%s/pid", bench.folder);
	if (strcmp(bundle, "mounts") == 0)
		add(call, "--mounts=200");
	if (strcmp(bundle, "userns") == 0)
		add(call, "--userns=100000");
	if (column->steps)
		add(call, "--with=%s", column->steps);
	add(call, "%s", verbs[verb <= EXEC ? verb : RUN]);
	if (makes)
		add(call, "%s/%s/%s/rootfs", bench.folder, bench.bundles, bundle);
	if (verb == EXEC || verb == KILL)
		add(call, "%d", (int)(verb == EXEC ? column->waiting : column->init));
	add(call, "%s", id);
	if (makes && strcmp(bundle, "wait") == 0) {
		add(call, "/bin/sleep");
		add(call, "100000");
	} else if (makes || verb == EXEC) {
		add(call, "/bin/true");
	}
}

void make_call(struct call *call, const struct column *column, enum verb verb, const char *bundle,
	       const char *id)
{
	*call = (struct call){ .has_terminal = verb == TERMINAL };
	add(call, "%s", column->program);
	if (column->is_floor) {
		floor_call(call, column, verb, bundle, id);
		return;
	}
	add(call, "--root");
	add(call, "%s/state/%s", bench.folder, column->name);
	switch (verb) {
	case CREATE:
		add(call, "create");
		add(call, "--pid-file");
		add(call, "%s/pid", bench.folder);
		add(call, "--bundle");
		add(call, "%s/%s/%s", bench.folder, bench.bundles, bundle);
		add(call, "%s", id);
		break;
	case START:
	case DELETE:
		add(call, "%s", verb == START ? "start" : "delete");
		add(call, "%s", id);
		break;
	case KILL:
		add(call, "kill");
		add(call, "%s", id);
		add(call, "KILL");
		break;
	case LIST:
		add(call, "list");
		break;
	case EXEC:
		add(call, "exec");
		add(call, "%s", id);
		add(call, "/bin/true");
		break;
	default:
		add(call, "run");
		add(call, "--bundle");
		add(call, "%s/%s/%s", bench.folder, bench.bundles, bundle);
		add(call, "%s", id);
		break;
	}
}
