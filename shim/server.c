/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/privilege.h"
#include "proto/ttrpc_server.h"
#include "shim/engine.h"
#include "shim/publisher.h"
#include "shim/reaper.h"
#include "shim/socket_address.h"
#include "shim/task.h"
#include "shim/task_service.h"

enum {
	LISTENER_FD = 3,
	FLUSH_MS = 3000, /* for events and answers, at the end */
	IDLE_MS = 60000, /* a server that nobody wants: no container, no connection */
	RETIRE_MS = 20,
	PATIENCE_MS = 10000, /* from a `start` to its Create */
};

struct server {
	struct task_service tasks;
	struct loop loop;
	struct loop_watch signals;
	struct loop_timer idle, retire, flush;
	struct ttrpc_server *ttrpc;
	int listener; /* the ttrpc server's */
	char socket[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	int patience; /* rounds of waiting for a Create that was promised */
	bool is_ending;
};

/* ---- the end ---- */

static void check_flushed(struct loop_timer *timer)
{
	loop_stop(&loop_owner(timer, struct server, flush)->loop);
}

/* The last answer is written by the loop, after its handler has returned. */
static void events_are_out(void *data)
{
	struct server *server = data;

	loop_set_timer(&server->loop, &server->flush,
		       ttrpc_server_is_flushed(server->ttrpc) ? 0 : FLUSH_MS);
}

/* Nobody finds us any more: what is left is to tell what happened. */
static void end(struct server *server)
{
	server->is_ending = true;
	ttrpc_server_stop_listening(server->ttrpc);
	publisher_when_empty(server->tasks.publisher, FLUSH_MS, events_are_out, server);
}

/*
 * A `start` of another container of the group has found us, which shows as a
 * connection without a request, and its Create has not come yet. (The first
 * container's start has not asked: it made us.)
 */
static bool is_promised(const struct server *server)
{
	return ttrpc_server_silent(server->ttrpc) + 1 > server->tasks.n_creates &&
	       server->tasks.n_creates > 0;
}

/* Ends when there is no task, and nobody who was told to find us here. */
static void try_end(struct loop_timer *timer)
{
	struct server *server = loop_owner(timer, struct server, retire);
	struct error err;
	int retired;

	if (server->is_ending || server->tasks.tasks)
		return;
	if (is_promised(server) && server->patience > 0) {
		server->patience--;
		loop_set_timer(&server->loop, &server->retire, RETIRE_MS);
		return;
	}
	retired = socket_address_retire(server->listener, &err);
	if (retired < 0) {
		log_warning("remove the socket: %s", err.text);
		(void)unlink(server->socket);
	}
	if (retired == 0)
		loop_set_timer(&server->loop, &server->retire, RETIRE_MS);
	else
		end(server);
}

static void begin_end(struct server *server)
{
	server->patience = PATIENCE_MS / RETIRE_MS;
	try_end(&server->retire);
}

static void shutdown_asked(struct task_service *tasks)
{
	begin_end(loop_owner(tasks, struct server, tasks));
}

/* No supervisor stays without a task: not when its client died before Create, or before Shutdown.
 */
static void tasks_emptied(struct task_service *tasks)
{
	struct server *server = loop_owner(tasks, struct server, tasks);

	loop_set_timer(&server->loop, &server->idle, IDLE_MS);
}

static void idle_passed(struct loop_timer *timer)
{
	struct server *server = loop_owner(timer, struct server, idle);

	if (server->tasks.tasks)
		return;
	if (ttrpc_server_connections(server->ttrpc) > 0)
		loop_set_timer(&server->loop, &server->idle, IDLE_MS);
	else
		begin_end(server);
}

static void signal_came(struct loop_watch *watch, uint32_t events)
{
	struct server *server = loop_owner(watch, struct server, signals);
	struct signalfd_siginfo info;

	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	log_info("ends by signal %u", info.ssi_signo);
	if (server->is_ending)
		return;
	/* Whatever is running goes on; containerd's `delete` takes care of it. */
	if (*server->socket)
		(void)unlink(server->socket);
	end(server);
}

/* ---- the beginning ---- */

/* containerd reads the FIFO. Without it, or while containerd is away, lines are lost. */
static int open_log(const struct shim_flags *flags, struct error *err)
{
	const struct log_options options = { .level = flags->debug ? LOG_DEBUG : LOG_INFO };
	cleanup_fd int fd = open("log", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && dup2(fd, STDERR_FILENO) < 0)
		return error_set(err, errno, "make the log standard error");
	return log_open(&options, err);
}

static int take_listener(struct server *server, struct error *err)
{
	cleanup_fd int fd = LISTENER_FD;
	struct sockaddr_un address = { 0 };
	socklen_t size = sizeof(address);
	int listening = 0;
	socklen_t option_size = sizeof(listening);

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &option_size) < 0 || !listening ||
	    address.sun_family != AF_UNIX)
		return error_set(err, 0,
				 "descriptor %d is not a listening unix socket (containerd starts "
				 "this program, by its action `start`)",
				 LISTENER_FD);
	if (size > offsetof(struct sockaddr_un, sun_path) && address.sun_path[0])
		memcpy(server->socket, address.sun_path,
		       size - offsetof(struct sockaddr_un, sun_path));
	if (fd_set_cloexec(fd, 1, err) < 0)
		return -1;
	return move_fd(&fd);
}

static int watch_signals(struct server *server, struct error *err)
{
	server->signals.ready = signal_came;
	return loop_add_termination(&server->loop, &server->signals, err);
}

static int open_server(struct server *server, const struct shim_flags *flags, struct error *err)
{
	struct task_service *tasks = &server->tasks;
	const struct publisher_config publisher = {
		.namespace = flags->namespace,
		.ttrpc_address = getenv("TTRPC_ADDRESS"),
		.publish_binary = flags->publish_binary,
		.grpc_address = flags->address,
	};
	int listener = take_listener(server, err);

	if (listener < 0)
		return -1;
	server->listener = listener;
	tasks->loop = &server->loop;
	tasks->namespace = flags->namespace;
	tasks->shutdown = shutdown_asked;
	tasks->emptied = tasks_emptied;
	server->ttrpc = ttrpc_server_new(&server->loop, listener, task_service_list(tasks), err);
	if (!server->ttrpc || watch_signals(server, err) < 0)
		return -1;
	tasks->reaper = reaper_new(&server->loop, err);
	if (!tasks->reaper)
		return -1;
	tasks->engine = engine_new(tasks->reaper, err);
	if (!tasks->engine)
		return -1;
	tasks->publisher = publisher_new(&server->loop, tasks->reaper, &publisher, err);
	return tasks->publisher ? 0 : -1;
}

static void close_server(struct server *server)
{
	struct task_service *tasks = &server->tasks;

	/* Calls without an answer are cancelled first: their waiters are the tasks'. */
	if (server->ttrpc)
		ttrpc_server_free(server->ttrpc);
	if (tasks->publisher)
		publisher_free(tasks->publisher);
	if (tasks->engine)
		engine_free(tasks->engine);
	if (tasks->reaper)
		reaper_free(tasks->reaper);
	fd_close(&server->signals.fd);
	loop_done(&server->loop);
}

int server_run(const struct shim_flags *flags, struct error *err)
{
	struct server server = { .signals.fd = -1 };
	int result;

	if (!flags->namespace || !*flags->namespace)
		return error_set(err, 0, "a namespace is needed (-namespace)");
	if (open_log(flags, err) < 0 || privilege_lower(err) < 0 ||
	    loop_init(&server.loop, err) < 0)
		return -1;
	server.idle.fire = idle_passed;
	server.retire.fire = try_end;
	server.flush.fire = check_flushed;
	result = open_server(&server, flags, err);
	if (result == 0) {
		tasks_emptied(&server.tasks);
		result = loop_run(&server.loop, err);
	}
	close_server(&server);
	return result;
}
