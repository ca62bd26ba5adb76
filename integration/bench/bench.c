/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures container runtimes side by side; integration/bench/run-bench makes
 * the bundles and calls it:
 *
 *   bench [--growth|--steps] FOLDER COUNT NAME=PROGRAM[@TREE]...
 *
 * FOLDER has bundles/plain, wait, seccomp, userns, terminal, mounts, big, limit, and
 * whole/ with those that run to their end, in other cgroups (confined.c); with
 * --growth, the bundles of its file points (growth.c). State and output go below it. Each column is
 * a runtime of runc's command line, or the program of the tools named floor; with --steps
 * (steps.c) floor+STEP,..., too. A TREE is the root of
 * another distribution release, whose /usr the program then sees instead of ours.
 *
 * Every round does each row once with each column, another column first each
 * time, so that the machine's noise hits all alike. A call is what its caller
 * sees: from spawn to the end of the program. Processes of the container that
 * outlive it come to us, since we are the subreaper.
 *
 * System calls and the runtime's peak memory are taken in a pass of their own,
 * under ptrace, and that of all together in another one. A runtime that fails where
 * /sys/fs/cgroup/unified is mounted (crun does) is run where it is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "integration/bench/bench.h"

enum { COUNTED_ROUNDS = 3 };

struct bench bench;

_Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Finds the way in which the program can run a container here. */
static void probe(struct column *column)
{
	static const bool without_unified[] = { false, true };
	struct stat st;

	column->note = "is not installed";
	column->namespace = make_namespace(column->tree, false);
	if (column->namespace < 0)
		return;
	enter(column->namespace);
	bool is_there = stat(column->program, &st) == 0;
	enter(bench.home);
	for (size_t i = 0; is_there && !column->works && i < 2; i++) {
		char id[64];

		(void)close(column->namespace);
		column->namespace = make_namespace(column->tree, without_unified[i]);
		column->note = i ? "runs without /sys/fs/cgroup/unified" : NULL;
		next_id(id, sizeof(id));
		column->works = column->namespace >= 0 && call_once(column, RUN, "plain", id, NULL);
	}
	if (is_there && !column->works)
		column->note = "cannot run a container here (see the file errors)";
}

static void add_column(char *argument)
{
	struct column *column = &bench.columns[bench.n_columns++];
	char path[PATH_MAX];
	char *program = strchr(argument, '='), *tree = program ? strchr(program, '@') : NULL;

	if (!program) {
		errno = EINVAL;
		fail(argument);
	}
	*program++ = '\0';
	if (tree)
		*tree++ = '\0';
	*column = (struct column){ .name = argument,
				   .program = program,
				   .tree = tree,
				   .is_floor = strcspn(argument, "+") == strlen("floor") &&
					       strncmp(argument, "floor", strlen("floor")) == 0,
				   .namespace = -1 };
	if (column->is_floor && argument[strlen("floor")])
		column->steps = argument + strlen("floor+");
	(void)snprintf(path, sizeof(path), "%s/state/%s", bench.folder, column->name);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		fail(path);
	probe(column);
}

/* The passes in which times are not taken. */
static void count_in(enum pass pass)
{
	for (size_t row = 0; row < ROWS; row++)
		for (size_t i = 0; i < bench.n_columns; i++)
			if (bench.columns[i].works && (pass != CONFINED || row_is_whole(row)))
				do_row(&bench.columns[i], row, pass);
}

static void measure(unsigned long count)
{
	for (unsigned long round = 0; round < count; round++)
		for (size_t row = 0; row < ROWS; row++) {
			bool is_many = row_is_many(row);

			for (size_t i = 0; i < bench.n_columns; i++) {
				struct column *column =
					&bench.columns[(i + round) % bench.n_columns];
				if (column->works && (!is_many || round % MANY_DIVISOR == 0))
					do_row(column, row, TIMED);
			}
		}
	for (unsigned long round = 0; round < COUNTED_ROUNDS && round < count; round++)
		count_in(TRACED);
	bool can_confine = begin_confinement();
	for (unsigned long round = 0; can_confine && round < COUNTED_ROUNDS && round < count;
	     round++)
		count_in(CONFINED);
	if (can_confine)
		end_confinement();
}

static int measure_all(unsigned long count)
{
	for (size_t i = 0; i < bench.n_columns; i++)
		if (bench.columns[i].works)
			begin_waiting(&bench.columns[i]);
	measure(count);
	for (size_t i = 0; i < bench.n_columns; i++)
		if (bench.columns[i].works)
			find_smallest_limit(&bench.columns[i]);
	for (size_t i = 0; i < bench.n_columns; i++)
		end_waiting(&bench.columns[i]);
	return report(count);
}

static void prepare(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail("become a subreaper with mounts of its own");
	bench.home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (bench.home < 0)
		fail("open our mount namespace");
	open_streams();
	find_cgroups("");
	bench.bundles = "bundles";
}

int main(int argc, char **argv)
{
	bool grows = argc > 1 && strcmp(argv[1], "--growth") == 0;
	bool steps = argc > 1 && strcmp(argv[1], "--steps") == 0;

	argc -= grows || steps;
	argv += grows || steps;
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	if (count == 0 || argc < 4 || argc - 3 > COLUMNS_MAX || argv[1][0] != '/') {
		(void)fprintf(
			stderr,
			"usage: bench [--growth|--steps] FOLDER COUNT NAME=PROGRAM[@TREE]...\n");
		return 2;
	}
	bench.folder = argv[1];
	prepare();
	for (int i = 3; i < argc; i++)
		add_column(argv[i]);
	return grows ? measure_growth(count) : steps ? measure_steps(count) : measure_all(count);
}
