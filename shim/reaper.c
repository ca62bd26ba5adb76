/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/reaper.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	BUCKETS = 64, /* a pod may have thousands of processes that end all at once */
	ROUND = 256,  /* ends taken before the loop may look after others again */
	/*
	 * Holds that overlap may go on for long. When there are so many, the older
	 * half is given up; nobody asks for them any more.
	 */
	KEPT_MAX = 4096,
};

struct kept_end {
	pid_t pid;
	int status;
	struct timespec when;
};

struct reaper {
	struct loop *loop;
	struct loop_watch signals;
	struct reaper_child *buckets[BUCKETS];
	unsigned int holds;
	struct kept_end *kept;
	size_t n_kept, kept_capacity;
};

static struct reaper_child **bucket_of(struct reaper *reaper, pid_t pid)
{
	return &reaper->buckets[(unsigned int)pid % BUCKETS];
}

/* Takes the first child of this pid (or this very child) out of its bucket. */
static struct reaper_child *take_child(struct reaper *reaper, pid_t pid,
				       const struct reaper_child *only)
{
	for (struct reaper_child **at = bucket_of(reaper, pid); *at; at = &(*at)->next) {
		struct reaper_child *child = *at;
		if (only ? child != only : child->pid != pid)
			continue;
		*at = child->next;
		child->next = NULL;
		child->pid = 0;
		return child;
	}
	return NULL;
}

/* Takes the newest kept end of this pid. */
static bool take_kept(struct reaper *reaper, pid_t pid, struct kept_end *ret)
{
	for (size_t i = reaper->n_kept; i-- > 0;)
		if (reaper->kept[i].pid == pid) {
			*ret = reaper->kept[i];
			memmove(&reaper->kept[i], &reaper->kept[i + 1],
				(--reaper->n_kept - i) * sizeof(*reaper->kept));
			return true;
		}
	return false;
}

static void keep_end(struct reaper *reaper, const struct kept_end *end)
{
	struct error err;

	if (reaper->n_kept == KEPT_MAX) {
		reaper->n_kept = KEPT_MAX / 2;
		memmove(reaper->kept, reaper->kept + KEPT_MAX / 2,
			KEPT_MAX / 2 * sizeof(*reaper->kept));
	}
	if (mem_grow((void **)&reaper->kept, reaper->n_kept, &reaper->kept_capacity,
		     sizeof(*reaper->kept), &err) < 0) {
		log_warning("the end of process %d is lost: %s", end->pid, err.text);
		return;
	}
	reaper->kept[reaper->n_kept++] = *end;
}

static void hand_over(struct reaper *reaper, const struct kept_end *end)
{
	struct reaper_child *child = take_child(reaper, end->pid, NULL);

	if (child)
		child->ended(child, end->status, &end->when);
	else if (reaper->holds)
		keep_end(reaper, end);
}

static void reap(struct loop_watch *watch, uint32_t events)
{
	struct reaper *reaper = loop_owner(watch, struct reaper, signals);
	struct signalfd_siginfo info;
	struct kept_end end;

	(void)events;
	/* Before the ends are looked for: one that comes later is told again. */
	(void)!read(watch->fd, &info, sizeof(info));
	for (int i = 0; i < ROUND; i++) {
		end.pid = waitpid(-1, &end.status, WNOHANG | __WALL);
		if (end.pid <= 0)
			return;
		(void)clock_gettime(CLOCK_REALTIME, &end.when);
		hand_over(reaper, &end);
	}
	(void)raise(SIGCHLD); /* there may be more: the next round of the loop */
}

/* Blocked before it is read, and not ignored, which would reap without us. */
static int open_signals(struct error *err)
{
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || sigprocmask(SIG_BLOCK, &child, NULL) < 0)
		return error_set(err, errno, "block SIGCHLD");
	int fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_set(err, errno, "signalfd for SIGCHLD");
	return fd;
}

struct reaper *reaper_new(struct loop *loop, struct error *err)
{
	cleanup_free struct reaper *reaper = calloc(1, sizeof(*reaper));
	cleanup_fd int fd = -1;

	if (!reaper) {
		error_memory(err);
		return NULL;
	}
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		error_set(err, errno, "become a subreaper");
		return NULL;
	}
	fd = open_signals(err);
	if (fd < 0)
		return NULL;
	reaper->loop = loop;
	reaper->signals = (struct loop_watch){ .fd = fd, .events = EPOLLIN, .ready = reap };
	if (loop_add(loop, &reaper->signals, err) < 0)
		return NULL;
	(void)move_fd(&fd);
	return move_ptr(&reaper);
}

void reaper_free(struct reaper *reaper)
{
	if (!reaper)
		return;
	loop_remove(reaper->loop, &reaper->signals);
	fd_close(&reaper->signals.fd);
	free(reaper->kept);
	free(reaper);
}

bool reaper_is_child(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

void reaper_watch(struct reaper *reaper, struct reaper_child *child, pid_t pid)
{
	/* How a process ended whose end nobody knows: never as if all was well. */
	struct kept_end end = { .pid = pid, .status = SIGKILL };
	bool was_kept = take_kept(reaper, pid, &end);

	/* What was kept, if anything, is of an earlier process of this number then. */
	if (reaper_is_child(pid)) {
		struct reaper_child **bucket = bucket_of(reaper, pid);
		child->pid = pid;
		child->next = *bucket;
		*bucket = child;
		return;
	}
	if (!was_kept) {
		log_warning("process %d is none of our children: it counts as killed", pid);
		(void)clock_gettime(CLOCK_REALTIME, &end.when);
	}
	child->pid = 0;
	child->ended(child, end.status, &end.when);
}

void reaper_forget(struct reaper *reaper, struct reaper_child *child)
{
	if (child->pid)
		(void)take_child(reaper, child->pid, child);
}

void reaper_hold(struct reaper *reaper)
{
	reaper->holds++;
}

void reaper_release(struct reaper *reaper)
{
	if (--reaper->holds)
		return;
	free(reaper->kept);
	reaper->kept = NULL;
	reaper->n_kept = reaper->kept_capacity = 0;
}
