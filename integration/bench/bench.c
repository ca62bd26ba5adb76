/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures container runtimes side by side; integration/bench/run-bench makes
 * the bundles and calls it:
 *
 *   bench FOLDER COUNT NAME=PROGRAM[@TREE]...
 *
 * FOLDER has bundles/plain, wait, seccomp, userns, mounts, big; state and
 * output go below it. Each column is a runtime of runc's command line, or
 * the program of the tools named floor. A TREE is the root of another
 * distribution release, whose /usr the program then sees instead of ours.
 *
 * Every round does each row once with each column, another column first each
 * time, so that the machine's noise hits all alike. A call is what its caller
 * sees: from spawn to the end of the program. Processes of the container that
 * outlive it come to us, since we are the subreaper.
 *
 * System calls and the runtime's peak memory are taken in a pass of their own,
 * under ptrace. A runtime that fails where /sys/fs/cgroup/unified is mounted
 * (crun does) is run where it is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

enum { COLUMNS_MAX = 8, ARGS_MAX = 24, AT_ONCE = 50, IN_SEQUENCE = 100, TRACED_ROUNDS = 3 };

/* Rows with the multiple calls are done this much less often. */
enum { MANY_DIVISOR = 10 };

enum verb { RUN, CREATE, START, DELETE, EXEC, PARALLEL, SEQUENCE };

/* CREATE, START and DELETE follow one another: a container's life is the three of them. */
static const struct row {
	const char *title;
	enum verb verb;
	const char *bundle;
} rows[] = {
	{ "`run true`", RUN, "plain" },
	{ "`create`", CREATE, "plain" },
	{ "`start`", START, "plain" },
	{ "`delete`", DELETE, "plain" },
	{ "`exec true`", EXEC, "wait" },
	{ "50 at once", PARALLEL, "plain" },
	{ "100 in sequence", SEQUENCE, "plain" },
	{ "default seccomp profile", RUN, "seccomp" },
	{ "user namespace", RUN, "userns" },
	{ "200 mounts", RUN, "mounts" },
	{ "config.json of 1 MB", RUN, "big" },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

enum measure { TIME, USER, SYSTEM, FAULTS, CALLS, MEMORY, MEASURES };

struct samples {
	double *values;
	size_t count, room;
};

static struct column {
	const char *name, *program, *tree;
	bool is_floor, works;
	int namespace; /* the mount namespace to call it in */
	const char *note;
	pid_t waiting; /* init of the container that exec enters */
	unsigned int failures;
	struct samples samples[ROWS][MEASURES];
} columns[COLUMNS_MAX];
static size_t n_columns;

static const char *folder;
static char cgroups[2048];
static int home; /* our own mount namespace */
static unsigned int serial;

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void add_sample(struct samples *samples, double value)
{
	if (samples->count == samples->room) {
		samples->room = samples->room ? samples->room * 2 : 64;
		samples->values = realloc(samples->values, samples->room * sizeof(double));
		if (!samples->values)
			fail("memory");
	}
	samples->values[samples->count++] = value;
}

/* ---- where programs run -------------------------------------------------------------------- */

static void enter(int namespace)
{
	if (setns(namespace, CLONE_NEWNS) < 0)
		fail("setns");
}

/* A mount namespace like ours with the tree's /usr, and without cgroup2; -1 if that cannot be. */
static int make_namespace(const char *tree, bool without_unified)
{
	char usr[PATH_MAX];
	int fd = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail("unshare");
	(void)snprintf(usr, sizeof(usr), "%s/usr", tree ? tree : "");
	if ((!tree || mount(usr, "/usr", NULL, MS_BIND | MS_REC, NULL) == 0) &&
	    (!without_unified || umount2("/sys/fs/cgroup/unified", MNT_DETACH) == 0))
		fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	enter(home);
	return fd;
}

/* The hierarchies that a runtime here uses, for the floor: "A:B:...". */
static void find_cgroups(void)
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
		(void)snprintf(cgroups + used, sizeof(cgroups) - used, "%s%s%s", used ? ":" : "",
			       root, usual[i]);
		used = strlen(cgroups);
		if (i == 0) /* cgroup2 alone */
			break;
	}
}

/* ---- command lines ------------------------------------------------------------------------- */

struct call {
	char *args[ARGS_MAX];
	size_t n;
	char text[4096]; /* what the arguments are made in */
	size_t used;
};

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
	static const char *const verbs[] = { "run", "create", "start", "delete", "exec" };
	bool makes = verb == RUN || verb == CREATE;

	add(call, "--cgroups");
	add(call, "%s", cgroups);
	add(call, "--state");
	add(call, "%s/state/%s", folder, column->name);
	add(call, "--pid-file");
	add(call, "%s/pid", folder);
	if (strcmp(bundle, "mounts") == 0)
		add(call, "--mounts=200");
	if (strcmp(bundle, "userns") == 0)
		add(call, "--userns=100000");
	add(call, "%s", verbs[verb]);
	if (makes)
		add(call, "%s/bundles/%s/rootfs", folder, bundle);
	if (verb == EXEC)
		add(call, "%d", (int)column->waiting);
	add(call, "%s", id);
	if (makes && strcmp(bundle, "wait") == 0) {
		add(call, "/bin/sleep");
		add(call, "100000");
	} else if (makes || verb == EXEC) {
		add(call, "/bin/true");
	}
}

static void make_call(struct call *call, const struct column *column, enum verb verb,
		      const char *bundle, const char *id)
{
	*call = (struct call){ .n = 0 };
	add(call, "%s", column->program);
	if (column->is_floor) {
		floor_call(call, column, verb, bundle, id);
		return;
	}
	add(call, "--root");
	add(call, "%s/state/%s", folder, column->name);
	switch (verb) {
	case CREATE:
		add(call, "create");
		add(call, "--pid-file");
		add(call, "%s/pid", folder);
		add(call, "--bundle");
		add(call, "%s/bundles/%s", folder, bundle);
		add(call, "%s", id);
		break;
	case START:
	case DELETE:
		add(call, "%s", verb == START ? "start" : "delete");
		add(call, "%s", id);
		break;
	case EXEC:
		add(call, "exec");
		add(call, "%s", id);
		add(call, "/bin/true");
		break;
	default:
		add(call, "run");
		add(call, "--bundle");
		add(call, "%s/bundles/%s", folder, bundle);
		add(call, "%s", id);
		break;
	}
}

/* ---- a call, timed ------------------------------------------------------------------------- */

struct cost {
	double measures[MEASURES];
};

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Not /dev/null: some runtimes give the standard streams to the container's user (chown). */
static posix_spawn_file_actions_t streams;
static char output[PATH_MAX];

/* In the column's namespace already. */
static pid_t spawn(const struct call *call)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = { path, NULL };
	pid_t pid;

	errno = posix_spawn(&pid, call->args[0], &streams, NULL, call->args, environment);
	return errno ? -1 : pid;
}

static double milliseconds(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static bool succeeded(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void add_usage(struct cost *cost, const struct rusage *usage)
{
	cost->measures[USER] += milliseconds(usage->ru_utime);
	cost->measures[SYSTEM] += milliseconds(usage->ru_stime);
	cost->measures[FAULTS] += (double)(usage->ru_minflt + usage->ru_majflt);
}

static bool timed(const struct call *call, struct cost *cost)
{
	struct rusage usage;
	int status = -1;

	*cost = (struct cost){ { 0 } };
	double started = now();
	pid_t pid = spawn(call);
	bool ok = pid > 0 && wait4(pid, &status, 0, &usage) == pid && succeeded(status);

	cost->measures[TIME] = now() - started;
	if (ok)
		add_usage(cost, &usage);
	return ok;
}

/* Each a run of its own, all started before the first is waited for; or one after another. */
static bool timed_many(const struct column *column, const char *bundle, bool at_once,
		       struct cost *cost)
{
	static struct call calls[IN_SEQUENCE];
	size_t n = at_once ? AT_ONCE : IN_SEQUENCE, running = 0;
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		char id[64];

		(void)snprintf(id, sizeof(id), "%s-%u", strrchr(folder, '/') + 1, serial++);
		make_call(&calls[i], column, RUN, bundle, id);
	}
	*cost = (struct cost){ { 0 } };
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

/* ---- a call, traced ------------------------------------------------------------------------ */

static double peak_kib(pid_t pid)
{
	char path[64], line[256];
	double kib = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtod(line + 6, NULL);
	if (file)
		(void)fclose(file);
	return kib;
}

/*
 * Counts the system calls of the program and of all processes that come of it
 * while it lives. What outlives it (init after create) goes on untraced when
 * this process ends.
 */
static void trace(pid_t program, struct cost *cost, int *ret_status)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC;
	int status;

	(void)waitpid(program, &status, 0);
	(void)ptrace(PTRACE_SETOPTIONS, program, NULL, (void *)(intptr_t)options);
	(void)ptrace(PTRACE_SYSCALL, program, NULL, NULL);
	for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0;) {
		struct ptrace_syscall_info info = { 0 };
		int number = WSTOPSIG(status), event = status >> 16;

		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			*ret_status = status;
			if (pid == program)
				return;
			continue;
		}
		if (number == (SIGTRAP | 0x80) &&
		    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0 &&
		    info.op == PTRACE_SYSCALL_INFO_ENTRY)
			cost->measures[CALLS]++;
		if (event == PTRACE_EVENT_EXIT && pid == program)
			cost->measures[MEMORY] = peak_kib(pid);
		if (event || number == SIGTRAP || number == (SIGTRAP | 0x80) || number == SIGSTOP)
			number = 0;
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)number);
	}
}

static _Noreturn void be_traced(const struct call *call)
{
	int fd = open(output, O_RDWR);

	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	(void)execv(call->args[0], call->args);
	_exit(127);
}

/* A tracer of its own: when it ends, the kernel lets go of all that it traced. */
static bool traced(const struct call *call, struct cost *cost)
{
	int ends[2], status = -1;

	*cost = (struct cost){ { 0 } };
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("pipe");
	pid_t tracer = fork();
	if (tracer < 0)
		fail("fork");
	if (tracer == 0) {
		pid_t program = fork();

		if (program == 0)
			be_traced(call);
		trace(program, cost, &status);
		if (write(ends[1], cost, sizeof(*cost)) != (ssize_t)sizeof(*cost))
			_exit(1);
		_exit(succeeded(status) ? 0 : 1);
	}
	(void)close(ends[1]);
	bool ok = read(ends[0], cost, sizeof(*cost)) == (ssize_t)sizeof(*cost);
	(void)close(ends[0]);
	return waitpid(tracer, &status, 0) == tracer && succeeded(status) && ok;
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* Of the container that exec enters; other ids are numbered. */
static void waiting_id(const struct column *column, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%s-%zu-wait", strrchr(folder, '/') + 1,
		       (size_t)(column - columns));
}

/* Of the last create. */
static pid_t read_pid(void)
{
	char path[PATH_MAX], text[32] = "";

	(void)snprintf(path, sizeof(path), "%s/pid", folder);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		(void)close(fd);
	return (pid_t)strtol(text, NULL, 10);
}

static void keep(struct column *column, size_t row, const struct cost *cost, bool is_traced)
{
	for (int m = 0; m < MEASURES; m++)
		if ((m == CALLS || m == MEMORY) == is_traced)
			add_sample(&column->samples[row][m], cost->measures[m]);
}

static bool do_call(struct column *column, size_t row, const char *id, bool is_traced)
{
	struct call call;
	struct cost cost;

	make_call(&call, column, rows[row].verb, rows[row].bundle, id);
	enter(column->namespace);
	bool ok = is_traced ? traced(&call, &cost) : timed(&call, &cost);
	enter(home);
	if (ok)
		keep(column, row, &cost, is_traced);
	else
		column->failures++;
	return ok;
}

static void do_many(struct column *column, size_t row)
{
	struct cost cost;

	enter(column->namespace);
	bool ok = timed_many(column, rows[row].bundle, rows[row].verb == PARALLEL, &cost);
	enter(home);
	if (ok)
		keep(column, row, &cost, false);
	else
		column->failures++;
}

/* The three rows of a container's life; delete finds it stopped and reaped. */
static void do_life(struct column *column, size_t row, const char *id, bool is_traced)
{
	if (!do_call(column, row, id, is_traced))
		return;
	pid_t init = read_pid();
	bool started = do_call(column, row + 1, id, is_traced);
	if (!started && init > 0)
		(void)kill(init, SIGKILL);
	if (init > 0)
		(void)waitpid(init, NULL, __WALL);
	(void)do_call(column, row + 2, id, is_traced);
}

static void do_row(struct column *column, size_t row, bool is_traced)
{
	char id[64];

	(void)snprintf(id, sizeof(id), "%s-%u", strrchr(folder, '/') + 1, serial++);
	switch (rows[row].verb) {
	case CREATE:
		do_life(column, row, id, is_traced);
		break;
	case START:
	case DELETE: /* done with create */
		break;
	case EXEC:
		waiting_id(column, id, sizeof(id));
		if (column->waiting > 0)
			(void)do_call(column, row, id, is_traced);
		break;
	case PARALLEL:
	case SEQUENCE:
		if (!is_traced)
			do_many(column, row);
		break;
	default:
		(void)do_call(column, row, id, is_traced);
		break;
	}
}

/* Calls a verb that no row has. */
static bool call_once(struct column *column, enum verb verb, const char *bundle, const char *id)
{
	struct call call;
	struct cost cost;

	make_call(&call, column, verb, bundle, id);
	enter(column->namespace);
	bool ok = timed(&call, &cost);
	enter(home);
	return ok;
}

/* The container that exec enters, for as long as all is measured. */
static void begin_waiting(struct column *column)
{
	char id[64];

	waiting_id(column, id, sizeof(id));
	if (!call_once(column, CREATE, "wait", id))
		return;
	column->waiting = read_pid();
	if (!call_once(column, START, "wait", id))
		column->failures++;
}

static void end_waiting(struct column *column)
{
	char id[64];

	if (column->waiting <= 0)
		return;
	waiting_id(column, id, sizeof(id));
	(void)kill(column->waiting, SIGKILL);
	(void)waitpid(column->waiting, NULL, __WALL);
	if (!call_once(column, DELETE, "wait", id))
		column->failures++;
}

static void measure(unsigned long count)
{
	for (unsigned long round = 0; round < count; round++)
		for (size_t row = 0; row < ROWS; row++) {
			bool is_many = rows[row].verb == PARALLEL || rows[row].verb == SEQUENCE;

			for (size_t i = 0; i < n_columns; i++) {
				struct column *column = &columns[(i + round) % n_columns];
				if (column->works && (!is_many || round % MANY_DIVISOR == 0))
					do_row(column, row, false);
			}
		}
	for (unsigned long round = 0; round < TRACED_ROUNDS && round < count; round++)
		for (size_t row = 0; row < ROWS; row++)
			for (size_t i = 0; i < n_columns; i++)
				if (columns[i].works)
					do_row(&columns[i], row, true);
}

/* ---- columns ------------------------------------------------------------------------------- */

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
	enter(home);
	for (size_t i = 0; is_there && !column->works && i < 2; i++) {
		char id[64];

		(void)close(column->namespace);
		column->namespace = make_namespace(column->tree, without_unified[i]);
		column->note = i ? "runs without /sys/fs/cgroup/unified" : NULL;
		(void)snprintf(id, sizeof(id), "%s-%u", strrchr(folder, '/') + 1, serial++);
		column->works = column->namespace >= 0 && call_once(column, RUN, "plain", id);
	}
	if (is_there && !column->works)
		column->note = "cannot run a container here (see the file errors)";
}

static void add_column(char *argument)
{
	struct column *column = &columns[n_columns++];
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
				   .is_floor = strcmp(argument, "floor") == 0,
				   .namespace = -1 };
	(void)snprintf(path, sizeof(path), "%s/state/%s", folder, column->name);
	if (mkdir(path, 0700) < 0)
		fail(path);
	probe(column);
	if (column->works)
		begin_waiting(column);
}

/* ---- the report ---------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* 0.5 is the median. */
static double quantile(struct samples *samples, double q)
{
	if (samples->count == 0)
		return 0;
	qsort(samples->values, samples->count, sizeof(double), compare);
	size_t i = (size_t)(q * (double)samples->count);
	return samples->values[i < samples->count ? i : samples->count - 1];
}

static double median(const struct column *column, size_t row, enum measure measure)
{
	struct samples samples = column->samples[row][measure];

	return quantile(&samples, 0.5);
}

typedef bool cell_function(const struct column *column, size_t row);

static bool time_cell(const struct column *column, size_t row)
{
	struct samples samples = column->samples[row][TIME];

	if (samples.count == 0)
		return false;
	(void)printf("%.2f (%.2f)", quantile(&samples, 0.5), quantile(&samples, 0.99));
	return true;
}

/* The first column that is not the floor is what the others are compared with. */
static bool ratio_cell(const struct column *column, size_t row)
{
	size_t first = 0;

	while (first < n_columns && columns[first].is_floor)
		first++;
	double theirs = median(column, row, TIME);
	double ours = first < n_columns ? median(&columns[first], row, TIME) : 0;
	if (theirs <= 0 || ours <= 0)
		return false;
	(void)printf("%.2f", ours / theirs);
	return true;
}

static bool cpu_cell(const struct column *column, size_t row)
{
	if (column->samples[row][USER].count == 0)
		return false;
	(void)printf("%.2f + %.2f", median(column, row, USER), median(column, row, SYSTEM));
	return true;
}

static bool plain_cell(const struct column *column, size_t row, enum measure measure)
{
	if (column->samples[row][measure].count == 0)
		return false;
	(void)printf("%.0f", median(column, row, measure));
	return true;
}

static bool faults_cell(const struct column *column, size_t row)
{
	return plain_cell(column, row, FAULTS);
}

static bool calls_cell(const struct column *column, size_t row)
{
	return plain_cell(column, row, CALLS);
}

static bool memory_cell(const struct column *column, size_t row)
{
	return plain_cell(column, row, MEMORY);
}

static const struct table {
	const char *title, *text;
	cell_function *cell;
} tables[] = {
	{ "Time", "Milliseconds as the caller sees them: median (99th percentile).", time_cell },
	{ "Ratio", "Time of the first runtime divided by that of each.", ratio_cell },
	{ "CPU",
	  "Milliseconds, user + system, of the program and what it has waited for (a container's\n"
	  "init that outlives `create` is not in it).",
	  cpu_cell },
	{ "Page faults", "Of the same processes.", faults_cell },
	{ "System calls", "Of all processes of a call while the program lives, the payload's too.",
	  calls_cell },
	{ "Peak memory", "KiB resident of the runtime's own process.", memory_cell },
};

static void print_table(const struct table *table)
{
	(void)printf("\n### %s\n\n%s\n\n| |", table->title, table->text);
	for (size_t i = 0; i < n_columns; i++)
		(void)printf(" %s |", columns[i].name);
	(void)printf("\n|---|");
	for (size_t i = 0; i < n_columns; i++)
		(void)printf("---:|");
	(void)printf("\n");
	for (size_t row = 0; row < ROWS; row++) {
		bool is_many = rows[row].verb == PARALLEL || rows[row].verb == SEQUENCE;

		if (is_many && (table->cell == calls_cell || table->cell == memory_cell))
			continue;
		(void)printf("| %s |", rows[row].title);
		for (size_t i = 0; i < n_columns; i++) {
			(void)printf(" ");
			if (!table->cell(&columns[i], row))
				(void)printf("–");
			(void)printf(" |");
		}
		(void)printf("\n");
	}
}

static int report(unsigned long count)
{
	int result = 0;

	(void)printf("%lu rounds; %d for \"50 at once\" and \"100 in sequence\".\n", count,
		     (int)((count + MANY_DIVISOR - 1) / MANY_DIVISOR));
	for (size_t i = 0; i < n_columns; i++) {
		if (columns[i].note)
			(void)printf("%s %s.\n", columns[i].name, columns[i].note);
		if (columns[i].failures)
			(void)printf("%s: %u calls failed.\n", columns[i].name,
				     columns[i].failures);
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		print_table(&tables[i]);
	/* Peers may do as they can; ours and the floor have to work. */
	for (size_t i = 0; i < n_columns && i < 2; i++)
		if (!columns[i].works || columns[i].failures)
			result = 1;
	return result;
}

/* ---- */

static void prepare(void)
{
	char errors[PATH_MAX];

	(void)snprintf(errors, sizeof(errors), "%s/errors", folder);
	(void)snprintf(output, sizeof(output), "%s/output", folder);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail("become a subreaper with mounts of its own");
	home = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		fail("open our mount namespace");
	errno = posix_spawn_file_actions_init(&streams);
	if (errno ||
	    (errno = posix_spawn_file_actions_addopen(&streams, 0, output, O_CREAT | O_RDONLY,
						      0600)) ||
	    (errno = posix_spawn_file_actions_addopen(&streams, 1, output, O_WRONLY | O_TRUNC,
						      0)) ||
	    (errno = posix_spawn_file_actions_addopen(&streams, 2, errors,
						      O_CREAT | O_WRONLY | O_APPEND, 0600)))
		fail("streams");
	find_cgroups();
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (count == 0 || argc < 4 || argc - 3 > COLUMNS_MAX || argv[1][0] != '/') {
		(void)fprintf(stderr, "usage: bench FOLDER COUNT NAME=PROGRAM[@TREE]...\n");
		return 2;
	}
	folder = argv[1];
	prepare();
	for (int i = 3; i < argc; i++)
		add_column(argv[i]);
	measure(count);
	for (size_t i = 0; i < n_columns; i++)
		end_waiting(&columns[i]);
	return report(count);
}
