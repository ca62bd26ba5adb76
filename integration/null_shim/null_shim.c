/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shim that does nothing but answer: what a `ctr run` costs without one, for
 * the benchmark of the shims. Every process that it is to start is the host's
 * /bin/true: no runtime, no root file system, no streams, no events.
 *
 *   null_shim -namespace NAME -address SOCKET -id ID start|delete
 *
 * It listens in the folder of containerd's socket. One container; its execs one
 * after the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/loop.h"
#include "proto/task.pb-c.h"
#include "proto/ttrpc_server.h"

enum { INIT, EXEC, PROCESSES };

typedef Containerd__Task__V2__Task_Service service_type;

static struct loop loop;
static bool is_ending;

static struct process {
	pid_t pid;
	bool has_ended;
	int64_t ended_at;
	Containerd__Task__V2__WaitResponse_Closure wait;
	void *wait_data; /* NULL: nobody waits */
} processes[PROCESSES];

static _Noreturn void give_up(const char *what, const struct error *err)
{
	(void)fprintf(stderr, "null_shim: %s: %s\n", what, err ? err->text : strerror(errno));
	exit(1);
}

static struct process *process_of(const char *exec_id)
{
	return &processes[*exec_id ? EXEC : INIT];
}

/* ---- the end of a process ---- */

static void answer_wait(struct process *process)
{
	Containerd__Task__V2__WaitResponse response = CONTAINERD__TASK__V2__WAIT_RESPONSE__INIT;
	Google__Protobuf__Timestamp when = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

	when.seconds = process->ended_at;
	response.exited_at = &when;
	process->wait(&response, process->wait_data);
	process->wait_data = NULL;
}

static void children_ended(struct loop_watch *watch, uint32_t events)
{
	struct signalfd_siginfo info;

	if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
		return;
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
		for (size_t i = 0; i < PROCESSES; i++) {
			if (processes[i].pid != pid)
				continue;
			processes[i].has_ended = true;
			processes[i].ended_at = time(NULL);
			if (processes[i].wait_data)
				answer_wait(&processes[i]);
		}
}

static pid_t run_true(void)
{
	static char path[] = "/bin/true";
	char *arguments[] = { path, NULL }, *environment[] = { NULL };
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;

	(void)sigemptyset(&none);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawnattr_setsigmask(&attributes, &none);
	errno = posix_spawn(&pid, path, NULL, &attributes, arguments, environment);
	(void)posix_spawnattr_destroy(&attributes);
	return errno ? -1 : pid;
}

/* ---- the task API ---- */

static void handle_create(service_type *service,
			  const Containerd__Task__V2__CreateTaskRequest *input,
			  Containerd__Task__V2__CreateTaskResponse_Closure closure,
			  void *closure_data)
{
	Containerd__Task__V2__CreateTaskResponse response =
		CONTAINERD__TASK__V2__CREATE_TASK_RESPONSE__INIT;

	response.pid = (uint32_t)getpid();
	closure(&response, closure_data);
}

static void handle_start(service_type *service, const Containerd__Task__V2__StartRequest *input,
			 Containerd__Task__V2__StartResponse_Closure closure, void *closure_data)
{
	Containerd__Task__V2__StartResponse response = CONTAINERD__TASK__V2__START_RESPONSE__INIT;
	struct process *process = process_of(input->exec_id);

	process->pid = run_true();
	if (process->pid < 0) {
		ttrpc_fail(closure_data, TTRPC_INTERNAL, "/bin/true: %s", strerror(errno));
		return;
	}
	response.pid = (uint32_t)process->pid;
	closure(&response, closure_data);
}

static void handle_exec(service_type *service,
			const Containerd__Task__V2__ExecProcessRequest *input,
			Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	Google__Protobuf__Empty response = GOOGLE__PROTOBUF__EMPTY__INIT;

	processes[EXEC] = (struct process){ 0 };
	closure(&response, closure_data);
}

static void handle_wait(service_type *service, const Containerd__Task__V2__WaitRequest *input,
			Containerd__Task__V2__WaitResponse_Closure closure, void *closure_data)
{
	struct process *process = process_of(input->exec_id);

	process->wait = closure;
	process->wait_data = closure_data;
	if (process->has_ended)
		answer_wait(process);
}

static void handle_state(service_type *service, const Containerd__Task__V2__StateRequest *input,
			 Containerd__Task__V2__StateResponse_Closure closure, void *closure_data)
{
	Containerd__Task__V2__StateResponse response = CONTAINERD__TASK__V2__STATE_RESPONSE__INIT;
	const struct process *process = process_of(input->exec_id);

	response.id = input->id;
	response.exec_id = input->exec_id;
	response.pid = (uint32_t)process->pid;
	response.status = process->has_ended ? CONTAINERD__TASK__V2__STATUS__STOPPED
			  : process->pid     ? CONTAINERD__TASK__V2__STATUS__RUNNING
					     : CONTAINERD__TASK__V2__STATUS__CREATED;
	closure(&response, closure_data);
}

static void handle_delete(service_type *service, const Containerd__Task__V2__DeleteRequest *input,
			  Containerd__Task__V2__DeleteResponse_Closure closure, void *closure_data)
{
	Containerd__Task__V2__DeleteResponse response = CONTAINERD__TASK__V2__DELETE_RESPONSE__INIT;
	Google__Protobuf__Timestamp when = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	const struct process *process = process_of(input->exec_id);

	response.pid = (uint32_t)process->pid;
	when.seconds = process->ended_at;
	response.exited_at = &when;
	closure(&response, closure_data);
}

static void handle_connect(service_type *service, const Containerd__Task__V2__ConnectRequest *input,
			   Containerd__Task__V2__ConnectResponse_Closure closure,
			   void *closure_data)
{
	Containerd__Task__V2__ConnectResponse response =
		CONTAINERD__TASK__V2__CONNECT_RESPONSE__INIT;

	response.shim_pid = (uint32_t)getpid();
	closure(&response, closure_data);
}

static void handle_shutdown(service_type *service,
			    const Containerd__Task__V2__ShutdownRequest *input,
			    Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	Google__Protobuf__Empty response = GOOGLE__PROTOBUF__EMPTY__INIT;

	is_ending = true;
	closure(&response, closure_data);
}

/* What has ended can be killed, and there is no stream to close; a client does both. */
static void handle_kill(service_type *service, const Containerd__Task__V2__KillRequest *input,
			Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	Google__Protobuf__Empty response = GOOGLE__PROTOBUF__EMPTY__INIT;

	closure(&response, closure_data);
}

static void handle_close_io(service_type *service,
			    const Containerd__Task__V2__CloseIORequest *input,
			    Google__Protobuf__Empty_Closure closure, void *closure_data)
{
	Google__Protobuf__Empty response = GOOGLE__PROTOBUF__EMPTY__INIT;

	closure(&response, closure_data);
}

#define REFUSED(method, request, response)                                                         \
	static void handle_##method(service_type *service,                                         \
				    const Containerd__Task__V2__##request *input,                  \
				    response##_Closure closure, void *closure_data)                \
	{                                                                                          \
		ttrpc_fail(closure_data, TTRPC_UNIMPLEMENTED, "null_shim has no " #method);        \
	}

REFUSED(pids, PidsRequest, Containerd__Task__V2__PidsResponse)
REFUSED(pause, PauseRequest, Google__Protobuf__Empty)
REFUSED(resume, ResumeRequest, Google__Protobuf__Empty)
REFUSED(checkpoint, CheckpointTaskRequest, Google__Protobuf__Empty)
REFUSED(resize_pty, ResizePtyRequest, Google__Protobuf__Empty)
REFUSED(update, UpdateTaskRequest, Google__Protobuf__Empty)
REFUSED(stats, StatsRequest, Containerd__Task__V2__StatsResponse)

/* ---- the program ---- */

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 16) < 0)
		give_up(path, NULL);
	return fd;
}

static void serve(int listener)
{
	static service_type service = CONTAINERD__TASK__V2__TASK__INIT(handle_);
	ProtobufCService *const services[] = { &service.base, NULL };
	struct loop_watch children = { .events = EPOLLIN, .ready = children_ended };
	struct error err;
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	children.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (children.fd < 0)
		give_up("signalfd", NULL);
	if (loop_init(&loop, &err) < 0 || loop_add(&loop, &children, &err) < 0)
		give_up("event loop", &err);
	struct ttrpc_server *server = ttrpc_server_new(&loop, listener, services, &err);
	if (!server)
		give_up("server", &err);
	while (!is_ending || !ttrpc_server_is_flushed(server))
		if (loop_run_once(&loop, -1, &err) < 0)
			give_up("event loop", &err);
}

/* containerd reads standard output to its end. */
static void become_daemon(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || setsid() < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		give_up("become a daemon", NULL);
}

static void start(const char *address)
{
	const char *slash = address ? strrchr(address, '/') : NULL;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

	if (!slash || snprintf(path, sizeof(path), "%.*s/null-%d", (int)(slash - address), address,
			       (int)getpid()) >= (int)sizeof(path)) {
		errno = EINVAL;
		give_up("-address", NULL);
	}
	int listener = listen_at(path);
	pid_t pid = fork();
	if (pid < 0)
		give_up("fork", NULL);
	if (pid > 0) {
		(void)printf("unix://%s", path);
		return;
	}
	become_daemon();
	serve(listener);
	(void)unlink(path);
}

int main(int argc, char **argv)
{
	const char *address = NULL, *action = argc > 1 ? argv[argc - 1] : "";

	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "-address") == 0)
			address = argv[i + 1];
	(void)signal(SIGPIPE, SIG_IGN);
	if (strcmp(action, "start") == 0)
		start(address);
	else if (strcmp(action, "delete") != 0) /* an empty DeleteResponse */
		(void)fputs("usage: null_shim FLAGS start|delete\n", stderr);
	return fflush(stdout) == 0 ? 0 : 1;
}
