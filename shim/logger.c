/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/logger.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"

enum { READY_MS = 10000, END_MS = 10000 };

struct logger {
	struct loop *loop;
	struct reaper *reaper;
	struct reaper_child child;
	struct loop_watch readiness; /* its descriptor is -1 once that is decided */
	struct loop_timer timer;     /* for its readiness, later for its end */
	void (*ready)(void *data, const char *failure);
	void (*ended)(void *data);
	void *data;
	bool has_to_tell; /* binary-v2: end of file is no sign */
	bool abandoned;	  /* lives on only to be killed and reaped */
	char path[];	  /* for messages */
};

static void forget_readiness(struct logger *logger)
{
	loop_remove(logger->loop, &logger->readiness);
	loop_cancel_timer(logger->loop, &logger->timer);
	fd_close(&logger->readiness.fd);
}

static void decide(struct logger *logger, const char *failure)
{
	forget_readiness(logger);
	logger->ready(logger->data, failure); /* may free the logger */
}

static void on_readiness(struct loop_watch *watch, uint32_t events)
{
	struct logger *logger = loop_owner(watch, struct logger, readiness);
	char byte;
	ssize_t n = read(watch->fd, &byte, 1);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	decide(logger, n <= 0 && logger->has_to_tell ? "logging binary did not call ready" : NULL);
}

static void on_not_ready(struct loop_timer *timer)
{
	struct logger *logger = loop_owner(timer, struct logger, timer);
	cleanup_str struct str failure = STR_EMPTY;

	str_add_format(&failure, "logging binary %s: not ready after %d s", logger->path,
		       READY_MS / 1000);
	decide(logger, failure.text ? failure.text : "logging binary is not ready");
}

static void on_end(struct reaper_child *child, int status, const struct timespec *when)
{
	struct logger *logger = loop_owner(child, struct logger, child);

	(void)when;
	if (logger->abandoned) {
		loop_cancel_timer(logger->loop, &logger->timer);
		free(logger);
		return;
	}
	if (status != 0)
		log_warning("logging binary %s ended with status %d", logger->path,
			    process_exit_code(status));
	/* Whether it was ready is known from its pipe, which its own children may have, too. */
	logger->ended(logger->data);
}

static void on_no_end(struct loop_timer *timer)
{
	struct logger *logger = loop_owner(timer, struct logger, timer);

	log_warning("logging binary %s: killed, as it has not ended on SIGTERM", logger->path);
	(void)kill(logger->child.pid, SIGKILL);
}

static int spawn(const struct logger_config *config, int readiness, pid_t *ret_pid,
		 struct error *err)
{
	cleanup_free char *id = str_format(err, "CONTAINER_ID=%s", config->id);
	cleanup_free char *namespace = str_format(err, "CONTAINER_NAMESPACE=%s", config->namespace);
	char *env[] = { id, namespace, NULL };
	const int fds[] = { -1, -1, -1, config->out, config->err, readiness };
	const struct process_spawn program = {
		.path = config->uri->path,
		.args = config->uri->args,
		.env = env,
		.fds = fds,
		.n_fds = sizeof(fds) / sizeof(fds[0]),
	};

	if (!id || !namespace)
		return -1;
	*ret_pid = process_spawn(&program, err);
	return *ret_pid < 0 ? error_wrap(err, "logging binary") : 0;
}

static struct logger *allocate(const struct logger_config *config, struct error *err)
{
	size_t size = strlen(config->uri->path) + 1;
	struct logger *logger = calloc(1, sizeof(*logger) + size);

	if (!logger) {
		error_memory(err);
		return NULL;
	}
	logger->child.ended = on_end;
	logger->timer.fire = on_not_ready;
	logger->readiness =
		(struct loop_watch){ .fd = -1, .events = EPOLLIN, .ready = on_readiness };
	logger->ready = config->ready;
	logger->ended = config->ended;
	logger->data = config->data;
	logger->has_to_tell = config->uri->scheme == STDIO_BINARY_V2;
	memcpy(logger->path, config->uri->path, size);
	return logger;
}

struct logger *logger_new(struct loop *loop, struct reaper *reaper,
			  const struct logger_config *config, struct error *err)
{
	cleanup_free struct logger *logger = allocate(config, err);
	int ends[2];
	pid_t pid;

	if (!logger)
		return NULL;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		error_set(err, errno, "make a pipe for the logging binary");
		return NULL;
	}
	cleanup_fd int ours = ends[0], theirs = ends[1];
	(void)fcntl(ours, F_SETFL, O_NONBLOCK);
	logger->loop = loop;
	logger->reaper = reaper;
	logger->readiness.fd = ours;
	if (loop_add(loop, &logger->readiness, err) < 0)
		return NULL;
	if (spawn(config, theirs, &pid, err) < 0) {
		loop_remove(loop, &logger->readiness);
		return NULL;
	}
	(void)move_fd(&ours);
	reaper_watch(reaper, &logger->child, pid);
	loop_set_timer(loop, &logger->timer, READY_MS);
	return move_ptr(&logger);
}

bool logger_is_running(const struct logger *logger)
{
	return logger->child.pid != 0;
}

void logger_free(struct logger *logger)
{
	if (!logger)
		return;
	forget_readiness(logger);
	if (!logger_is_running(logger)) {
		free(logger);
		return;
	}
	logger->abandoned = true;
	logger->timer.fire = on_no_end;
	loop_set_timer(logger->loop, &logger->timer, END_MS);
	(void)kill(logger->child.pid, SIGTERM);
}
