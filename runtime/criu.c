/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/criu.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "proto/criu.pb-c.h"
#include "proto/unpack.h"
#include "runtime/criu_talk.h"

enum {
	PACKET_MAX = 64 * 1024, /* of what CRIU answers: a few short texts */
	LOG_TAIL = 256 * 1024
};

/* For messages. */
static const char *const action_names[] = {
	[CRIU_DUMP] = "checkpoint",
	[CRIU_PRE_DUMP] = "pre-dump",
	[CRIU_RESTORE] = "restore",
	[CRIU_FEATURES] = "feature check",
};

/* The pages are served from now on: whoever waits for that is told, once. */
static int tell_status(const struct criu_options *options, struct error *err)
{
	int fd = options->status_fd;

	if (fd < 0)
		return 0;
	if (write(fd, "", 1) != 1)
		return error_set(err, errno, "write to --status-fd %d", fd);
	(void)close(fd);
	return 0;
}

static int serve(const struct criu_call *call, const Criu__Response *response, int fd,
		 struct error *err)
{
	const Criu__Notification *given = response->notification;
	struct criu_notification notification = { .script = "", .fd = fd };

	if (given && given->script)
		notification.script = given->script;
	if (given && given->has_pid)
		notification.pid = given->pid;
	log_debug("criu: %s", notification.script);
	if (str_equal(notification.script, "status-ready") &&
	    tell_status(call->request->options, err) < 0)
		return -1;
	return call->notify ? call->notify(call->data, &notification, err) : 0;
}

static int take_results(struct criu_call *call, const Criu__Response *response, struct error *err)
{
	if (!response->success) {
		(void)error_set(err, response->has_code ? response->code : 0,
				"criu could not do it");
		return -1;
	}
	if (response->features) {
		call->has_mem_track = response->features->mem_track;
		call->has_lazy_pages = response->features->lazy_pages;
	}
	if (call->request->action != CRIU_RESTORE)
		return 0;
	if (!response->restored || response->restored->pid <= 0)
		return error_set(err, EPROTO, "criu tells no process");
	call->restored = response->restored->pid;
	return 0;
}

/* A killed CRIU leaves processes half made that have the socket, too: no end of file comes. */
static int await_packet(const struct criu_talk *talk, struct error *err)
{
	struct pollfd p[] = { { .fd = talk->socket, .events = POLLIN },
			      { .fd = talk->pidfd, .events = POLLIN } };

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return error_set(err, errno, "wait for criu");
	return p[0].revents ? 0 : error_set(err, 0, CRIU_NO_ANSWER);
}

/* Receives one packet; NULL at the end and on errors. */
static Criu__Response *receive(const struct criu_talk *talk, int *ret_fd, struct error *err)
{
	cleanup_free char *packet = malloc(PACKET_MAX);
	size_t n_fds = 1;
	ssize_t n;

	*ret_fd = -1;
	if (!packet) {
		error_memory(err);
		return NULL;
	}
	if (await_packet(talk, err) < 0)
		return NULL;
	n = fd_receive_packet(talk->socket, packet, PACKET_MAX, ret_fd, &n_fds);
	/* With requests that it has not read. */
	if (n < 0 && errno == ECONNRESET)
		n = 0;
	if (n < 0)
		(void)error_set(err, errno, "receive from criu");
	if (n == 0)
		(void)error_set(err, 0, CRIU_NO_ANSWER);
	return n <= 0 ? NULL
		      : (Criu__Response *)unpack_message(&criu__response__descriptor, (size_t)n,
							 packet, NULL, err);
}

static void free_response(Criu__Response **response)
{
	criu__response__free_unpacked(*response, NULL);
}

/* One round: 1 when CRIU goes on, 0 at its last answer, -1 when that is bad. */
static int converse_once(struct criu_call *call, const struct criu_talk *talk,
			 struct error *failure, struct error *err)
{
	cleanup_fd int fd = -1;
	Criu__Response *response __attribute__((cleanup(free_response))) = receive(talk, &fd, err);
	bool success;

	if (!response)
		return -1;
	if (response->action != CRIU__ACTION__NOTIFY)
		return take_results(call, response, err);
	success = serve(call, response, fd, err) == 0;
	/* What CRIU says later is only that we have told it to stop. */
	if (!success && !failure->text[0])
		*failure = *err;
	return criu_send_reply(talk->socket, success, err) < 0 ? -1 : 1;
}

static int converse(struct criu_call *call, struct criu_talk *talk, struct error *err)
{
	struct error failure = { 0 };
	int rc = criu_send_request(talk->socket, call->request, err);

	if (rc < 0)
		return -1;
	do
		rc = converse_once(call, talk, &failure, err);
	while (rc > 0);
	talk->failed = failure.text[0];
	if (!talk->failed)
		return rc;
	*err = failure;
	return -1;
}

/* The end of a log, however long it is; NULL when there is none. Malloc'd. */
static char *read_tail(int fd)
{
	char *tail = malloc(LOG_TAIL + 1);
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t n;

	if (!tail)
		return NULL;
	n = end < 0 ? 0 : pread(fd, tail, LOG_TAIL, end > LOG_TAIL ? end - LOG_TAIL : 0);
	tail[n < 0 ? 0 : n] = '\0';
	return tail;
}

static void add_log(const struct criu_call *call, struct error *err)
{
	const char *name = call->request->log_file;
	cleanup_fd int fd = openat(call->fds[CRIU_FD_WORK], name,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_free char *log = fd < 0 ? NULL : read_tail(fd);
	char excerpt[1024];

	if (!log)
		return;
	criu_log_excerpt(log, excerpt, sizeof(excerpt));
	if (excerpt[0])
		(void)error_hint(err, "%s of criu says: %s", name, excerpt);
}

int criu_run(struct criu_call *call, struct error *err)
{
	const char *name = action_names[call->request->action];
	struct criu_talk talk = { .socket = -1, .pidfd = -1 };
	int rc, status;
	pid_t pid = criu_start(call, &talk, err);

	if (pid < 0)
		return error_wrap(err, "criu %s", name);
	rc = converse(call, &talk, err);
	/* One whose answer we do not understand may wait for ours. */
	fd_close(&talk.socket);
	/* A killed CRIU leaves its helpers behind. Not reaped yet, it still has its group's id. */
	if (rc < 0 && call->request->action != CRIU_RESTORE &&
	    waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT) == 0)
		(void)kill(-pid, SIGKILL);
	fd_close(&talk.pidfd);
	if (process_wait(pid, &status) < 0)
		status = 0;
	if (rc == 0)
		return 0;
	if (WIFSIGNALED(status))
		(void)error_hint(err, "it was ended by signal %d", WTERMSIG(status));
	if (call->request->log_file && !talk.failed)
		add_log(call, err);
	return error_wrap(err, "criu %s", name);
}
