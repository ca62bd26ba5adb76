/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/relay.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	COPY_SIZE = 4096, /* what a terminal gives at most in one read */
	SPLICE_SIZE = 1 << 20,
	RETRY_MS = 100, /* where the kernel has no room for a watch */
};

/*
 * A relay waits for one thing at a time: for bytes in `from`, or for room in
 * `to`. So one watch is enough, which moves between the two.
 */
struct relay {
	struct loop *loop;
	struct loop_watch watch;
	struct loop_timer again; /* for what epoll cannot wait for */
	int from, to;		 /* `to` is -1 once it broke */
	char *left;		 /* what was read and `to` has not taken yet */
	size_t left_begin, left_end;
	void (*ended)(void *data);
	void *data;
	bool splices, finishing, end_when_broken, warned;
};

enum step { STEP_MOVED, STEP_SOURCE_EMPTY, STEP_TARGET_FULL, STEP_ENDED };

static void close_all(struct relay *r)
{
	loop_remove(r->loop, &r->watch);
	loop_cancel_timer(r->loop, &r->again);
	fd_close(&r->from);
	fd_close(&r->to);
	free(r->left);
	r->left = NULL;
}

static void wait_for(struct relay *r, int fd, uint32_t events)
{
	struct error err;

	if (r->watch.watched && r->watch.fd == fd)
		return;
	loop_remove(r->loop, &r->watch);
	r->watch.fd = fd;
	r->watch.events = events;
	/* Files on disk are always ready, which epoll answers with EPERM. */
	if (loop_add(r->loop, &r->watch, &err) < 0)
		loop_set_timer(r->loop, &r->again, err.code == EPERM ? 0 : RETRY_MS);
}

static bool source_is_empty(const struct relay *r)
{
	int n = 0;

	return ioctl(r->from, FIONREAD, &n) == 0 && n == 0;
}

/* `to` has refused bytes for good, or for want of space. */
static enum step lose(struct relay *r, int code)
{
	bool broken = code != ENOSPC && code != EDQUOT;

	if (!r->warned && code != EPIPE)
		log_warning("bytes of a standard stream are lost: %s", strerrordesc_np(code));
	r->warned = true;
	free(r->left);
	r->left = NULL;
	if (!broken)
		return STEP_MOVED;
	if (r->watch.fd == r->to)
		loop_remove(r->loop, &r->watch);
	fd_close(&r->to);
	return r->end_when_broken ? STEP_ENDED : STEP_MOVED;
}

static enum step write_left(struct relay *r)
{
	ssize_t n = write(r->to, r->left + r->left_begin, r->left_end - r->left_begin);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? STEP_TARGET_FULL : lose(r, errno);
	r->left_begin += (size_t)n;
	if (r->left_begin < r->left_end)
		return STEP_TARGET_FULL;
	free(r->left);
	r->left = NULL;
	return STEP_MOVED;
}

static enum step write_some(struct relay *r, const char *data, size_t size)
{
	ssize_t n = r->to < 0 ? (ssize_t)size : write(r->to, data, size);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return lose(r, errno);
	if (n < 0)
		n = 0;
	size -= (size_t)n;
	if (size == 0)
		return STEP_MOVED;
	r->left = malloc(size);
	if (!r->left)
		return lose(r, ENOSPC);
	memcpy(r->left, data + n, size);
	r->left_begin = 0;
	r->left_end = size;
	return STEP_TARGET_FULL;
}

static enum step copy(struct relay *r)
{
	char buffer[COPY_SIZE];
	ssize_t n = read(r->from, buffer, sizeof(buffer));

	if (n > 0)
		return write_some(r, buffer, (size_t)n);
	if (n < 0 && errno == EINTR)
		return STEP_MOVED;
	return n < 0 && errno == EAGAIN ? STEP_SOURCE_EMPTY : STEP_ENDED;
}

static enum step splice_some(struct relay *r)
{
	ssize_t n =
		splice(r->from, NULL, r->to, NULL, SPLICE_SIZE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n >= 0)
		return n ? STEP_MOVED : STEP_ENDED;
	switch (errno) {
	case EAGAIN: /* does not say whose fault it is */
		return source_is_empty(r) ? STEP_SOURCE_EMPTY : STEP_TARGET_FULL;
	case EINTR:
		return STEP_MOVED;
	case EINVAL:
		r->splices = false;
		return copy(r);
	default:
		return lose(r, errno);
	}
}

static enum step take_step(struct relay *r)
{
	if (r->left)
		return write_left(r);
	return r->splices && r->to >= 0 ? splice_some(r) : copy(r);
}

static void end(struct relay *r)
{
	close_all(r);
	r->ended(r->data); /* may free the relay */
}

/* One step, so that everybody has a turn; what is waited for tells when there is more to do. */
static void run(struct relay *r, bool target_hung_up)
{
	enum step step = take_step(r);

	/*
	 * A terminal that nobody has open any more takes nothing once it is
	 * full, but says so by its hang-up alone.
	 */
	if (step == STEP_TARGET_FULL && target_hung_up)
		step = lose(r, EPIPE);
	if (step == STEP_ENDED || (step == STEP_SOURCE_EMPTY && r->finishing))
		end(r);
	else if (step == STEP_TARGET_FULL)
		wait_for(r, r->to, EPOLLOUT);
	else if (r->finishing)
		loop_set_timer(r->loop, &r->again, 0); /* to find it empty */
	else if (step == STEP_SOURCE_EMPTY || !r->watch.watched)
		wait_for(r, r->from, EPOLLIN);
}

static void on_ready(struct loop_watch *watch, uint32_t events)
{
	struct relay *r = loop_owner(watch, struct relay, watch);

	run(r, watch->fd == r->to && (events & (EPOLLERR | EPOLLHUP)));
}

static void on_again(struct loop_timer *timer)
{
	run(loop_owner(timer, struct relay, again), false);
}

static int set_nonblocking(int fd, struct error *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (!(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0))
		return error_set(err, errno, "make descriptor %d non-blocking", fd);
	return 0;
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

struct relay *relay_new(struct loop *loop, int take_from, int take_to, void (*ended)(void *data),
			void *data, struct error *err)
{
	cleanup_fd int from = take_from, to = take_to;
	cleanup_free struct relay *r = calloc(1, sizeof(*r));

	if (!r) {
		error_memory(err);
		return NULL;
	}
	if (set_nonblocking(from, err) < 0 || set_nonblocking(to, err) < 0)
		return NULL;
	*r = (struct relay){
		.loop = loop,
		.watch = { .fd = -1, .ready = on_ready },
		.again = { .fire = on_again },
		.from = move_fd(&from),
		.to = move_fd(&to),
		.ended = ended,
		.data = data,
	};
	r->splices = is_pipe(r->from) && is_pipe(r->to);
	wait_for(r, r->from, EPOLLIN);
	return move_ptr(&r);
}

void relay_end_when_broken(struct relay *relay)
{
	relay->end_when_broken = true;
}

void relay_replace_target(struct relay *relay, int take_to)
{
	cleanup_fd int to = take_to;
	bool waits = relay->watch.watched && relay->watch.fd == relay->to;

	if (relay->to < 0)
		return;
	if (waits)
		loop_remove(relay->loop, &relay->watch);
	fd_close(&relay->to);
	relay->to = move_fd(&to);
	if (waits)
		wait_for(relay, relay->to, EPOLLOUT);
}

void relay_finish(struct relay *relay)
{
	relay->finishing = true;
	/* One that waits for room goes on when there is some. */
	if (relay->from >= 0 && relay->watch.fd != relay->to)
		loop_set_timer(relay->loop, &relay->again, 0);
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	close_all(relay);
	free(relay);
}
