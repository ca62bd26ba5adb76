/* SPDX-License-Identifier: Apache-2.0 */
/* The processes in a container's cgroups: moving them in, listing, signalling. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/cgroup_backend.h"

/* ---- lists of pids ------------------------------------------------------------------------ */

void cgroup_pids_done(struct cgroup_pids *pids)
{
	free(pids->pids);
	*pids = (struct cgroup_pids)CGROUP_PIDS_EMPTY;
}

int cgroup_pids_parse(const char *text, struct cgroup_pids *pids, struct error *err)
{
	for (const char *line = text; *line;) {
		const char *end = strchrnul(line, '\n');
		size_t n = (size_t)(end - line);
		char number[16];
		uint64_t pid = 0;

		if (n < sizeof(number)) {
			memcpy(number, line, n);
			number[n] = '\0';
			(void)str_to_uint(number, 10, INT32_MAX, &pid);
		}
		/* 0 is how a process shows that our pid namespace cannot see. */
		if (pid > 0) {
			if (mem_grow((void **)&pids->pids, pids->count, &pids->capacity,
				     sizeof(*pids->pids), err) < 0)
				return -1;
			pids->pids[pids->count++] = (pid_t)pid;
		}
		line = *end ? end + 1 : end;
	}
	return 0;
}

static int visit_pids(int fd, const char *path, void *data, struct error *err)
{
	const struct cgroup_dir dir = { fd, path, "" };
	cleanup_free char *text = cgroup_read_text(&dir, "cgroup.procs");

	/* A threaded cgroup does not say whose its threads are, but they have ids, too. */
	if (!text && errno == EOPNOTSUPP)
		text = cgroup_read_text(&dir, "cgroup.threads");
	if (text)
		return cgroup_pids_parse(text, data, err);
	return errno == ENOENT || errno == ENODEV
		       ? 0
		       : error_set(err, errno, "read %s/cgroup.procs", path);
}

int cgroup_pids_read(const struct cgroup_dir *dir, struct cgroup_pids *pids, struct error *err)
{
	return cgroup_walk(dir->fd, dir->path, false, visit_pids, pids, err);
}

static int compare_pids(const void *a, const void *b)
{
	pid_t first = *(const pid_t *)a, second = *(const pid_t *)b;

	return (first > second) - (first < second);
}

void cgroup_pids_sort(struct cgroup_pids *pids)
{
	size_t kept = 0;

	if (pids->count == 0)
		return;
	qsort(pids->pids, pids->count, sizeof(*pids->pids), compare_pids);
	for (size_t i = 0; i < pids->count; i++)
		if (kept == 0 || pids->pids[kept - 1] != pids->pids[i])
			pids->pids[kept++] = pids->pids[i];
	pids->count = kept;
}

static bool pids_have(const struct cgroup_pids *pids, pid_t pid)
{
	return pids->count > 0 &&
	       bsearch(&pid, pids->pids, pids->count, sizeof(pid), compare_pids) != NULL;
}

int cgroup_hint_pids(const struct cgroup_dir *dir, struct error *err)
{
	cleanup_cgroup_pids struct cgroup_pids pids = CGROUP_PIDS_EMPTY;
	cleanup_str struct str list = STR_EMPTY;
	struct error ignored;

	if (cgroup_pids_read(dir, &pids, &ignored) < 0 || pids.count == 0)
		return -1;
	cgroup_pids_sort(&pids);
	for (size_t i = 0; i < pids.count && i < 10; i++)
		str_add_format(&list, "%s%d", i ? ", " : "", (int)pids.pids[i]);
	if (pids.count > 10)
		str_add(&list, ", ...");
	return error_hint(err, "still in it: %s", list.text ? list.text : "?");
}

/* All directories of the container, each pid once. */
static int read_all(const struct cgroup *cgroup, struct cgroup_pids *pids, struct error *err)
{
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;

		if (cgroup_dir_open(&cgroup->directories[i], &dir) < 0) {
			if (errno == ENOENT || errno == ENODEV)
				continue;
			return error_set(err, errno, "open %s", cgroup->directories[i].path);
		}
		if (cgroup_pids_read(&dir, pids, err) < 0)
			return -1;
	}
	cgroup_pids_sort(pids);
	return 0;
}

int cgroup_processes(const struct cgroup *cgroup, pid_t **ret_pids, size_t *ret_count,
		     struct error *err)
{
	cleanup_cgroup_pids struct cgroup_pids pids = CGROUP_PIDS_EMPTY;

	if (read_all(cgroup, &pids, err) < 0)
		return error_wrap(err, "list the container's processes");
	*ret_count = pids.count;
	*ret_pids = move_ptr(&pids.pids);
	return 0;
}

/* ---- signals ------------------------------------------------------------------------------ */

enum { BATCH = 256 };

/*
 * Signals those of the pids that are in the container for sure: a pidfd first,
 * then a second look at the list, so that a number which went to somebody else
 * meanwhile hits nobody.
 */
static int signal_batch(const struct cgroup *cgroup, const pid_t *pids, size_t count, int signal,
			struct error *err)
{
	cleanup_cgroup_pids struct cgroup_pids again = CGROUP_PIDS_EMPTY;
	int fds[BATCH], r = 0;
	bool have_pidfd[BATCH];

	for (size_t i = 0; i < count; i++) {
		fds[i] = process_pidfd_open(pids[i]);
		have_pidfd[i] = fds[i] >= 0 || errno != ENOSYS;
		if (fds[i] < 0 && errno != ENOSYS && errno != ESRCH && errno != EINVAL && r == 0)
			r = error_set(err, errno, "open a pidfd of process %d", (int)pids[i]);
	}
	if (r == 0)
		r = read_all(cgroup, &again, err);
	for (size_t i = 0; i < count; i++) {
		if (r == 0 && pids_have(&again, pids[i]) && (fds[i] >= 0 || !have_pidfd[i])) {
			int sent = have_pidfd[i] ? process_pidfd_signal(fds[i], signal)
						 : kill(pids[i], signal);
			if (sent < 0 && errno != ESRCH)
				r = error_set(err, errno, "send signal %d to process %d", signal,
					      (int)pids[i]);
		}
		fd_close(&fds[i]);
	}
	return r;
}

/*
 * Rounds until no process is there that had not been signalled, because they
 * may fork meanwhile. Only SIGKILL goes on: for others one round is what the
 * caller asked for.
 */
static int signal_rounds(const struct cgroup *cgroup, int signal, struct error *err)
{
	cleanup_cgroup_pids struct cgroup_pids done = CGROUP_PIDS_EMPTY;
	int64_t deadline = clock_now_ms() + CGROUP_REMOVE_TIMEOUT_MS;

	for (;;) {
		cleanup_cgroup_pids struct cgroup_pids now = CGROUP_PIDS_EMPTY;
		pid_t batch[BATCH];
		size_t fresh = 0, n = 0;

		if (read_all(cgroup, &now, err) < 0)
			return -1;
		for (size_t i = 0; i < now.count; i++) {
			if (!pids_have(&done, now.pids[i])) {
				batch[n++] = now.pids[i];
				fresh++;
			}
			if (n > 0 && (n == BATCH || i + 1 == now.count)) {
				if (signal_batch(cgroup, batch, n, signal, err) < 0)
					return -1;
				n = 0;
			}
		}
		if (fresh == 0 || signal != SIGKILL)
			return 0;
		if (clock_left_ms(deadline) == 0)
			return error_set(err, ETIMEDOUT,
					 "new processes appear faster than they "
					 "can be killed");
		cgroup_pids_done(&done);
		done = now;
		now = (struct cgroup_pids)CGROUP_PIDS_EMPTY;
	}
}

/* cgroup.kill of cgroup2 (Linux 5.14). 1 when it worked, 0 when there is none. */
static int kill_unified(const struct cgroup *cgroup, struct error *err)
{
	const struct cgroup_directory *directory = cgroup_find_v2(cgroup);
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;

	if (!directory || cgroup_dir_open(directory, &dir) < 0)
		return 0;
	if (cgroup_write(&dir, "cgroup.kill", "1", err) == 0)
		return 1;
	/* EOPNOTSUPP: a threaded cgroup. */
	return err->code == ENOENT || err->code == ENODEV || err->code == EOPNOTSUPP ? 0 : -1;
}

/* A process that is frozen on v1 gets no signal, not even SIGKILL, until it is thawed. */
static void thaw_v1(const struct cgroup *cgroup)
{
	const struct cgroup_directory *directory = cgroup_find_v1(cgroup, "freezer");
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;
	struct error err;

	if (!directory || cgroup_dir_open(directory, &dir) < 0)
		return;
	if (cgroup_v1_frozen(&dir, &err) > 0 && cgroup_v1_freeze(&dir, false, 0, &err) < 0)
		log_warning("%s", err.text);
}

int cgroup_signal_all(const struct cgroup *cgroup, int signal, struct error *err)
{
	bool only_unified = cgroup->n_directories == 1 && cgroup_find_v2(cgroup);
	int r = signal == SIGKILL ? kill_unified(cgroup, err) : 0;

	/* Somebody may have left cgroup2 but not the others: they are looked at, too. */
	if (r == 0 || (r > 0 && !only_unified))
		r = signal_rounds(cgroup, signal, err);
	if (signal == SIGKILL)
		thaw_v1(cgroup);
	if (r < 0)
		return error_wrap(err, "signal the container's processes");
	return 0;
}

/* ---- joining ------------------------------------------------------------------------------ */

bool cgroup_needs_join(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->n_directories; i++)
		if (!cgroup_directory_is_v2(&cgroup->directories[i]))
			return true;
	return false;
}

/*
 * The usual way of the calling process into a v1 directory, where each system
 * call counts: without opening the directory. False where it does not work;
 * then the long way has the message.
 */
static bool join_by_path(const struct cgroup_directory *directory)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/tasks", directory->path);
	cleanup_fd int fd = -1;

	if (n < 0 || (size_t)n >= sizeof(path))
		return false;
	fd = cgroup_open(path, O_WRONLY | O_NOCTTY);
	return fd >= 0 && write(fd, "0", 1) == 1;
}

/*
 * pid 0 is the caller. Its single thread moves itself through v1's "tasks",
 * which needs no lock over all thread groups (Linux 5.4); cgroup2 has no such
 * file for a process.
 */
static int write_pid(const struct cgroup_dir *dir, pid_t pid, struct error *err)
{
	if (pid == 0 && dir->controllers[0] && cgroup_write(dir, "tasks", "0", err) == 0)
		return 0;
	return cgroup_write_format(dir, "cgroup.procs", err, "%d", (int)pid);
}

static int join_directory(const struct cgroup_directory *directory, pid_t pid, const char *sub_path,
			  struct error *err)
{
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;

	if (pid == 0 && !sub_path && !cgroup_directory_is_v2(directory) && join_by_path(directory))
		return 0;
	if (cgroup_dir_open(directory, &dir) < 0)
		return error_set(err, errno, "open %s", directory->path);
	if (sub_path) {
		int below = cgroup_dir_open_below(&dir, sub_path, O_RDONLY, err);
		if (below < 0)
			return -1;
		fd_close(&dir.fd);
		dir.fd = below;
	}
	if (write_pid(&dir, pid, err) == 0)
		return 0;
	if (err->code == EBUSY && cgroup_directory_is_v2(directory))
		error_hint(err, "controllers are enabled for cgroups below it: name one of these");
	if (err->code == EACCES && cgroup_directory_is_v2(directory))
		error_hint(err, "the caller has to be in a cgroup of the same delegated subtree: "
				"systemd-run --user --scope -p Delegate=yes COMMAND");
	if (err->code == ENOSPC)
		error_hint(err, "its cpuset has no CPUs or no memory nodes yet");
	if (err->code == EINVAL)
		error_hint(err,
			   "a real-time process cannot join a cgroup without real-time budget");
	return -1;
}

/* True when the directory is the one that is asked for; NULL asks for all, "" for cgroup2. */
static bool is_controller(const struct cgroup_directory *directory, const char *controller)
{
	return !controller || cgroup_controllers_have(directory->controllers, controller) ||
	       (!*controller && cgroup_directory_is_v2(directory));
}

static bool have_controller(const struct cgroup *cgroup, const char *controller)
{
	for (size_t i = 0; i < cgroup->n_directories; i++)
		if (is_controller(&cgroup->directories[i], controller))
			return true;
	return !controller;
}

static int join_all(const struct cgroup *cgroup, pid_t pid, bool unified_done,
		    const char *controller, const char *sub_path, struct error *err)
{
	if (!have_controller(cgroup, controller))
		return error_set(err, EINVAL,
				 "sub-cgroup: the container has no cgroup of the controller "
				 "\"%s\"",
				 controller);
	cleanup_cgroup_root bool is_held = cgroup_root_hold();
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		const struct cgroup_directory *directory = &cgroup->directories[i];
		const char *below = is_controller(directory, controller) ? sub_path : NULL;

		if (unified_done && cgroup_directory_is_v2(directory))
			continue;
		if (join_directory(directory, pid, below, err) < 0)
			return error_wrap(err, "move process %d into the container's cgroup",
					  (int)(pid ? pid : getpid()));
	}
	return 0;
}

int cgroup_join(const struct cgroup *cgroup, pid_t pid, bool unified_done, const char *controller,
		const char *sub_path, struct error *err)
{
	return pid > 0 ? join_all(cgroup, pid, unified_done, controller, sub_path, err)
		       : error_set(err, EINVAL, "join a cgroup: process %d", (int)pid);
}

int cgroup_join_self(const struct cgroup *cgroup, bool unified_done, const char *controller,
		     const char *sub_path, struct error *err)
{
	return join_all(cgroup, 0, unified_done, controller, sub_path, err);
}

/* Where in or below a directory of the container the text of /proc/PID/cgroup has the process. */
static const char *place_below(const struct cgroup_directory *directory, char *membership)
{
	char *cursor = membership, *controllers, *path;

	while (cgroup_membership_next(&cursor, &controllers, &path))
		if (str_equal(controllers, directory->controllers))
			return cgroup_path_below(directory->path, path);
	return NULL;
}

int cgroup_join_like(const struct cgroup *cgroup, pid_t pid, pid_t like, struct error *err)
{
	cleanup_free char *text = NULL;
	char file[64];

	(void)snprintf(file, sizeof(file), "%s/%d/cgroup", cgroup_machine_default.proc, (int)like);
	if (fd_read_file(AT_FDCWD, file, CGROUP_FILE_MAX, &text, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < cgroup->n_directories; i++) {
		cleanup_free char *copy = strdup(text);
		const char *below = copy ? place_below(&cgroup->directories[i], copy) : NULL;

		if (!copy)
			return error_memory(err);
		if (!below)
			return error_set(err, ENOENT, "process %d is not below %s", (int)like,
					 cgroup->directories[i].path);
		if (join_directory(&cgroup->directories[i], pid, below, err) < 0)
			return error_wrap(err, "move process %d to where process %d is", (int)pid,
					  (int)like);
	}
	return 0;
}

static int no_unified(struct error *err)
{
	return error_set(err, ENOENT, "the container has no directory in cgroup2");
}

int cgroup_open_unified_sub(const struct cgroup *cgroup, const char *sub_path, struct error *err)
{
	const struct cgroup_directory *directory = cgroup_find_v2(cgroup);
	cleanup_cgroup_dir struct cgroup_dir dir = CGROUP_DIR_CLOSED;

	if (!directory)
		return no_unified(err);
	if (cgroup_dir_open(directory, &dir) < 0)
		return error_set(err, errno, "open %s", directory->path);
	if (!sub_path)
		return move_fd(&dir.fd);
	return cgroup_dir_open_below(&dir, sub_path, O_RDONLY, err);
}

int cgroup_open_unified(const struct cgroup *cgroup, struct error *err)
{
	return cgroup_open_unified_sub(cgroup, NULL, err);
}
