/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/publisher_program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"

struct publisher_program {
	struct loop *loop;
	struct reaper *reaper;
	const char *path, *address, *namespace;
	struct reaper_child child;
	struct loop_timer timeout;
	void (*done)(void *data, enum ttrpc_sent result, const char *text);
	void *data;
};

static void on_ended(struct reaper_child *child, int status, const struct timespec *when)
{
	struct publisher_program *program = loop_owner(child, struct publisher_program, child);
	char text[64];

	(void)when;
	loop_cancel_timer(program->loop, &program->timeout);
	(void)snprintf(text, sizeof(text), "containerd's publish ended with exit code %d",
		       process_exit_code(status));
	program->done(program->data, status == 0 ? TTRPC_SENT : TTRPC_LOST, text);
}

/* Its end comes from the reaper, as any other. */
static void on_timeout(struct loop_timer *timer)
{
	struct publisher_program *program = loop_owner(timer, struct publisher_program, timeout);

	(void)kill(program->child.pid, SIGKILL);
}

struct publisher_program *publisher_program_new(struct loop *loop, struct reaper *reaper,
						const char *path, const char *address,
						const char *namespace, struct error *err)
{
	struct publisher_program *program = calloc(1, sizeof(*program));

	if (!program) {
		error_memory(err);
		return NULL;
	}
	*program = (struct publisher_program){
		.loop = loop,
		.reaper = reaper,
		.path = path,
		.address = address,
		.namespace = namespace,
		.child.ended = on_ended,
		.timeout.fire = on_timeout,
	};
	return program;
}

/* The message as a file, at its beginning. */
static int open_message(const Google__Protobuf__Any *event, struct error *err)
{
	size_t size = google__protobuf__any__get_packed_size(event);
	cleanup_free uint8_t *bytes = malloc(size + 1);
	cleanup_fd int fd = memfd_create("event", MFD_CLOEXEC);

	if (!bytes)
		return error_memory(err);
	if (fd < 0)
		return error_set(err, errno, "make a file for an event");
	(void)google__protobuf__any__pack(event, bytes);
	if (fd_write_all(fd, "event", bytes, size, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_set(err, errno, "go to the beginning of an event's file");
	return move_fd(&fd);
}

static pid_t start(const struct publisher_program *program, const char *topic, int input,
		   struct error *err)
{
	const char *args[10];
	size_t n = 0;

	args[n++] = program->path;
	if (program->address && *program->address) {
		args[n++] = "--address";
		args[n++] = program->address;
	}
	args[n++] = "publish";
	args[n++] = "--topic";
	args[n++] = topic;
	args[n++] = "--namespace";
	args[n++] = program->namespace;
	args[n] = NULL;
	const int fds[] = { input, -1, -1 };
	const struct process_spawn spawn = {
		.path = program->path,
		.args = (char *const *)(uintptr_t)args, /* not changed */
		.fds = fds,
		.n_fds = sizeof(fds) / sizeof(fds[0]),
	};
	return process_spawn(&spawn, err);
}

void publisher_program_run(struct publisher_program *program, const char *topic,
			   const Google__Protobuf__Any *event, int timeout_ms,
			   void (*done)(void *data, enum ttrpc_sent result, const char *text),
			   void *data)
{
	struct error err;
	cleanup_fd int input = open_message(event, &err);
	pid_t pid = input < 0 ? -1 : start(program, topic, input, &err);

	program->done = done;
	program->data = data;
	if (pid < 0) {
		done(data, TTRPC_LOST, err.text);
		return;
	}
	loop_set_timer(program->loop, &program->timeout, timeout_ms);
	reaper_watch(program->reaper, &program->child, pid);
}

void publisher_program_free(struct publisher_program *program)
{
	if (!program)
		return;
	loop_cancel_timer(program->loop, &program->timeout);
	if (program->child.pid > 0) {
		(void)kill(program->child.pid, SIGKILL);
		reaper_forget(program->reaper, &program->child);
	}
	free(program);
}
