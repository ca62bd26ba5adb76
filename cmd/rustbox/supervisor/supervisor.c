/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/supervisor/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/privilege.h"
#include "cmd/rustbox/supervisor/client.h"
#include "proto/events.pb-c.h"
#include "shim/task_service.h"

enum { FD_CLIENT = 3, FD_LOCK = 4, BACKLOG = 128 };

/* ---- what the task service tells ---- */

static void on_exit_event(struct supervisor *s, const Containerd__Events__TaskExit *event)
{
	const struct task *task = task_find(&s->tasks, s->id);
	const struct process *process;
	struct exec *exec;

	if (!task)
		return;
	if (strcmp(event->id, s->id) == 0) {
		life_note_exit(s, task->init.exit_status, task->init.signal);
		return;
	}
	exec = exec_find(s, event->id);
	process = exec ? task_find_exec(task, exec->id) : NULL;
	if (process)
		exec_note_exit(exec, process->exit_status, process->signal);
}

static void on_oom(struct supervisor *s)
{
	struct record_state *state = s->record->state;
	struct oom_victim victim;

	if (state->oom_killed)
		return;
	state->oom_killed = true;
	if (oom_victim_find(s->id, s->limits.begun_ns, &victim)) {
		memcpy(s->texts.oom_task, victim.task, sizeof(s->texts.oom_task));
		state->oom_task = s->texts.oom_task;
		state->oom_pid = victim.pid;
	}
	change_save(s, false);
	change_tell(s, "oom", NULL, NULL);
}

static void set_paused(struct supervisor *s, bool paused)
{
	s->record->state->status = paused ? RECORD_PAUSED : RECORD_RUNNING;
	change_save(s, false);
	change_tell(s, paused ? "pause" : "unpause", NULL, NULL);
}

/* From within a handler of the task service: nothing is called back there. */
static void on_event(void *data, const char *topic, const ProtobufCMessage *event)
{
	struct supervisor *s = data;

	if (event->descriptor == &containerd__events__task_exit__descriptor)
		on_exit_event(s, (const Containerd__Events__TaskExit *)event);
	else if (event->descriptor == &containerd__events__task_oom__descriptor)
		on_oom(s);
	else if (event->descriptor == &containerd__events__task_paused__descriptor)
		set_paused(s, true);
	else if (event->descriptor == &containerd__events__task_resumed__descriptor)
		set_paused(s, false);
}

/* Execs that somebody adds through task.sock have streams by name. */
static const struct stdio_local *local_streams(struct task_service *tasks, const char *exec_id)
{
	struct supervisor *s = loop_owner(tasks, struct supervisor, tasks);
	struct exec *exec = exec_id ? exec_find(s, exec_id) : NULL;

	if (!exec_id)
		return &s->output.streams.local;
	return exec ? &exec->streams.local : NULL;
}

/* We end with the container, whatever clients of the task API want. */
static void ignore(struct task_service *tasks)
{
}

/* ---- sockets ---- */

static int bind_socket(struct supervisor *s, int type, const char *name, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_set(err, errno, "make %s/%s/%s", s->store->run, s->id, name);
	/* The folder's own path may be too long for an address. */
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", s->folder,
		       name);
	(void)unlinkat(s->folder, name, 0); /* of a supervisor that was killed */
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    fchmodat(s->folder, name, 0600, 0) < 0 || listen(fd, BACKLOG) < 0)
		return error_set(err, errno, "bind %s/%s/%s", s->store->run, s->id, name);
	return move_fd(&fd);
}

static void on_client(struct loop_watch *watch, uint32_t events)
{
	client_accept_all(loop_owner(watch, struct supervisor, listener));
}

static int open_sockets(struct supervisor *s, struct error *err)
{
	int task = bind_socket(s, SOCK_STREAM, "task.sock", err);

	if (task < 0)
		return -1;
	s->ttrpc = ttrpc_server_new(&s->loop, task, task_service_list(&s->tasks), err);
	if (!s->ttrpc)
		return -1;
	s->listener.fd = bind_socket(s, SOCK_SEQPACKET, "stream.sock", err);
	s->listener.events = EPOLLIN;
	s->listener.ready = on_client;
	return s->listener.fd < 0 ? -1 : loop_add(&s->loop, &s->listener, err);
}

/* ---- signals ---- */

static void on_signal(struct loop_watch *watch, uint32_t events)
{
	struct supervisor *s = loop_owner(watch, struct supervisor, signals);
	struct signalfd_siginfo info;

	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	log_info("signal %u: stops the container", info.ssi_signo);
	stop_ask(s, STOP_BY_SIGNAL, STREAM_TIMEOUT_OF_RECORD, 0);
}

static int watch_signals(struct supervisor *s, struct error *err)
{
	s->signals.ready = on_signal;
	return loop_add_termination(&s->loop, &s->signals, err);
}

/* ---- the process ---- */

/*
 * Who has started us may still be making the container: until he speaks there
 * is nothing to look at but the run folder. False where he has ended instead.
 */
static bool is_wanted(int client)
{
	struct pollfd p = { .fd = client, .events = POLLIN };
	int rc;

	do
		rc = poll(&p, 1, -1);
	while (rc < 0 && errno == EINTR);
	return rc > 0 && recv(client, &(char){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static int open_log(const struct supervisor *s, struct error *err)
{
	cleanup_free char *path = store_run_path(s->store, s->id, "log", err);
	const struct log_options options = { .path = path,
					     .level = log_enabled(LOG_DEBUG) ? LOG_DEBUG
									     : LOG_INFO };

	return path ? log_open(&options, err) : -1;
}

static int take_inherited(struct supervisor *s, int *ret_client, struct error *err)
{
	int type = 0, flags;
	socklen_t size = sizeof(type);

	if (getsockopt(FD_CLIENT, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
	    type != SOCK_SEQPACKET || fcntl(FD_LOCK, F_GETFD) < 0)
		return error_set(err, 0,
				 "descriptors %d and %d are missing (rustbox starts this "
				 "command by itself)",
				 FD_CLIENT, FD_LOCK);
	flags = fcntl(FD_CLIENT, F_GETFL);
	if (flags < 0 || fcntl(FD_CLIENT, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fd_set_cloexec(FD_CLIENT, 1, err) < 0 || fd_set_cloexec(FD_LOCK, 1, err) < 0)
		return error_set(err, errno, "take over descriptors");
	*ret_client = FD_CLIENT;
	s->lock = FD_LOCK;
	return 0;
}

static int open_folder(struct supervisor *s, struct error *err)
{
	cleanup_free char *root = store_run_path(s->store, s->id, NULL, err);

	if (!root)
		return -1;
	if (strlen(root) >= sizeof(s->runtime_root))
		return error_set(err, ENAMETOOLONG, "%s", root);
	memcpy(s->runtime_root, root, strlen(root) + 1);
	s->folder =
		openat(s->store->run_fd, s->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return s->folder < 0 ? error_set(err, errno, "open %s", root) : 0;
}

static int open_services(struct supervisor *s, struct error *err)
{
	const struct publisher_config publisher = { .namespace = SUPERVISOR_NAMESPACE,
						    .sink = on_event,
						    .sink_data = s };
	struct task_service *tasks = &s->tasks;

	tasks->loop = &s->loop;
	tasks->namespace = SUPERVISOR_NAMESPACE;
	tasks->lock = &s->lock;
	tasks->files = &s->folder;
	tasks->local_streams = local_streams;
	tasks->deletes_itself = true;
	tasks->shutdown = tasks->emptied = ignore;
	tasks->reaper = reaper_new(&s->loop, err);
	if (!tasks->reaper)
		return -1;
	tasks->engine = engine_new(tasks->reaper, err);
	if (!tasks->engine)
		return -1;
	tasks->publisher = publisher_new(&s->loop, tasks->reaper, &publisher, err);
	return tasks->publisher ? 0 : -1;
}

/* What can be done while the container is still being made. */
static int get_ready(struct supervisor *s, struct error *err)
{
	if (open_log(s, err) < 0 || loop_init(&s->loop, err) < 0)
		return -1;
	if (open_folder(s, err) < 0 || watch_signals(s, err) < 0 || open_services(s, err) < 0 ||
	    open_sockets(s, err) < 0)
		return -1;
	engine_prepare(s->tasks.engine);
	return 0;
}

static int load(struct supervisor *s, struct error *err)
{
	if (store_load(s->store, s->id, &s->arena, &s->record, err) < 0 || output_init(s, err) < 0)
		return -1;
	/* Such a root is volatile; but one with ids of its own takes a child to be mounted. */
	s->tasks.mounts_itself = s->record->auto_remove && !s->record->isolate_user;
	output_begin(s);
	return 0;
}

static void close_all(struct supervisor *s)
{
	client_stop_accepting(s);
	client_free_all(s);
	/* Calls without an answer are cancelled first: their waiters are the tasks'. */
	if (s->ttrpc)
		ttrpc_server_free(s->ttrpc);
	exec_free_all(s);
	if (s->record) /* else there is none yet */
		output_done(s);
	if (s->tasks.publisher)
		publisher_free(s->tasks.publisher);
	if (s->tasks.engine)
		engine_free(s->tasks.engine);
	if (s->tasks.reaper)
		reaper_free(s->tasks.reaper);
	fd_close(&s->signals.fd);
	loop_done(&s->loop);
	change_done(s);
	arena_free(&s->arena);
	fd_close(&s->folder);
	fd_close(&s->lock);
	tree_rest_release(&s->rest);
}

/*
 * What keeps us from beginning is for who waits for it. 1 where nobody wants
 * us any more.
 */
static int begin(struct supervisor *s, int client, struct error *err)
{
	cleanup_fd int fd = client;
	int result = get_ready(s, err);

	if (!is_wanted(fd))
		return 1;
	if (result == 0)
		result = load(s, err);
	if (result == 0) {
		s->launcher = client_new(s, fcntl(fd, F_DUPFD_CLOEXEC, 0), err);
		result = s->launcher ? 0 : -1;
	}
	if (result < 0)
		(void)stream_send_failed(fd, EXIT_ENGINE, err->text);
	return result;
}

int supervisor_run(const struct store *store, const char *id, const char *checkpoint,
		   struct error *err)
{
	static struct supervisor s; /* zeroed; too large for a stack */
	int client, result;

	s = (struct supervisor){ .store = (struct store *)(uintptr_t)store,
				 .id = id,
				 .restore_from = checkpoint,
				 .loop.epoll = -1,
				 .folder = -1,
				 .signals.fd = -1,
				 .listener.fd = -1,
				 .output.directory = -1 };
	s.store->rest = &s.rest;
	if (take_inherited(&s, &client, err) < 0 || privilege_lower(err) < 0)
		return -1;
	if (chdir("/") < 0)
		return error_set(err, errno, "chdir /");
	life_init(&s);
	client_init(&s);
	stop_init(&s);
	health_init(&s);
	limits_init(&s);
	result = begin(&s, client, err);
	if (result == 0)
		result = loop_run(&s.loop, err);
	if (result < 0)
		log_error("%s", err->text);
	close_all(&s);
	return result < 0 ? -1 : 0;
}
