/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/supervisor/exec.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"

/* For a child in the background that holds the output open. */
enum { GRACE_MS = 1000 };

/* ---- the end ---- */

static void exec_free(struct exec *exec)
{
	struct supervisor *s = exec->s;
	struct exec **link = &s->execs;

	while (*link != exec)
		link = &(*link)->next;
	*link = exec->next;
	loop_cancel_timer(&s->loop, &exec->step);
	loop_cancel_timer(&s->loop, &exec->grace);
	streams_close(&exec->streams);
	free(exec->command);
	free(exec);
}

void exec_free_all(struct supervisor *s)
{
	while (s->execs)
		exec_free(s->execs);
}

static void on_deleted(void *data, enum ttrpc_code code, const char *text,
		       const ProtobufCMessage *response)
{
	struct exec *exec = data;

	if (code != TTRPC_OK && code != TTRPC_NOT_FOUND)
		log_warning("exec %s: %s", exec->id, text);
	exec_free(exec);
}

/* Out of the task service, and out of memory. */
static void remove_exec(struct exec *exec)
{
	struct error err;

	exec->is_told = true;
	if (run_call_delete(exec->s, exec->id, on_deleted, exec, &err) < 0)
		log_warning("exec %s: %s", exec->id, err.text);
}

static void tell_failed(struct exec *exec, int exit_code, const char *text)
{
	const struct exec_user *user = exec->user;

	exec->user = NULL;
	if (user)
		user->failed(exec->data, exit_code, text);
}

static void tell_ended(struct exec *exec)
{
	const struct exec_user *user = exec->user;
	char code[16];

	(void)snprintf(code, sizeof(code), "%d", exec->exit_code);
	change_tell(exec->s, "exec_die", "exitCode", code);
	exec->user = NULL;
	if (user)
		user->ended(exec->data, exec->exit_code, exec->signal);
	remove_exec(exec);
}

/* Not from within the task service. */
static void on_step(struct loop_timer *timer)
{
	struct exec *exec = loop_owner(timer, struct exec, step);

	if (!exec->has_exited || exec->is_told)
		return;
	if (exec->is_drained)
		tell_ended(exec);
	else if (!exec->grace.set)
		loop_set_timer(&exec->s->loop, &exec->grace, GRACE_MS);
}

static void on_grace_over(struct loop_timer *timer)
{
	streams_finish(&loop_owner(timer, struct exec, grace)->streams);
}

void exec_note_exit(struct exec *exec, int exit_code, int signal)
{
	exec->has_exited = true;
	exec->exit_code = exit_code;
	exec->signal = signal;
	loop_set_timer(&exec->s->loop, &exec->step, 0);
}

/* ---- its streams ---- */

static void on_output(void *data, enum log_stream stream, const char *bytes, size_t size)
{
	struct exec *exec = data;

	if (exec->user)
		exec->user->got(exec->data, stream, bytes, size);
}

static void on_streams_ended(void *data)
{
	struct exec *exec = data;

	exec->is_drained = true;
	loop_set_timer(&exec->s->loop, &exec->step, 0);
}

/* ---- the beginning ---- */

static void on_start(void *data, enum ttrpc_code code, const char *text,
		     const ProtobufCMessage *response)
{
	struct exec *exec = data;

	if (code != TTRPC_OK) {
		tell_failed(exec, run_exit_code(text), text);
		remove_exec(exec);
		return;
	}
	exec->pid = (pid_t)((const Containerd__Task__V2__StartResponse *)response)->pid;
	change_tell(exec->s, "exec_start", "execCommand", exec->command);
	if (exec->user)
		exec->user->started(exec->data, exec->pid);
	if (exec->wanted_signal)
		exec_kill(exec, exec->wanted_signal);
}

static void on_added(void *data, enum ttrpc_code code, const char *text,
		     const ProtobufCMessage *response)
{
	struct exec *exec = data;
	struct error err;

	if (code == TTRPC_OK && run_call_start(exec->s, exec->id, on_start, exec, &err) == 0)
		return;
	tell_failed(exec, EXIT_ENGINE, code == TTRPC_OK ? err.text : text);
	if (code == TTRPC_OK)
		remove_exec(exec);
	else
		exec_free(exec);
}

static int add(struct exec *exec, const struct stream_exec *options, char *json, struct error *err)
{
	Containerd__Task__V2__ExecProcessRequest request =
		CONTAINERD__TASK__V2__EXEC_PROCESS_REQUEST__INIT;
	Google__Protobuf__Any spec = GOOGLE__PROTOBUF__ANY__INIT;

	spec.value = (ProtobufCBinaryData){ strlen(json), (uint8_t *)json };
	request.id = (char *)(uintptr_t)exec->s->id;
	request.exec_id = exec->id;
	request.terminal = options->tty;
	request.spec = &spec;
	return run_call(exec->s, "Exec", &request.base, on_added, exec, err);
}

static char *join_command(const struct stream_exec *options, struct error *err)
{
	cleanup_str struct str command = STR_EMPTY;

	for (size_t i = 0; i < options->n_args; i++)
		str_add_format(&command, "%s%s", i ? " " : "", options->args[i]);
	return str_take(&command, err);
}

static struct exec *allocate(struct supervisor *s, const struct stream_exec *options,
			     struct error *err)
{
	struct exec *exec = calloc(1, sizeof(*exec));

	if (!exec) {
		(void)error_memory(err);
		return NULL;
	}
	*exec = (struct exec){
		.s = s, .next = s->execs, .step.fire = on_step, .grace.fire = on_grace_over
	};
	s->execs = exec;
	(void)snprintf(exec->id, sizeof(exec->id), "exec-%u", ++s->n_execs);
	streams_init(&exec->streams, &s->loop, options->tty,
		     (options->interactive || options->tty) && !options->detach, !options->detach);
	exec->streams.got = on_output;
	exec->streams.ended = on_streams_ended;
	exec->streams.data = exec;
	exec->streams.size = (struct stream_size){ options->columns, options->rows };
	return exec;
}

int exec_check_container(const struct supervisor *s, struct error *err)
{
	const char *name = s->record->name;

	if (!life_is_running(s))
		return error_set(err, 0, "container %s is not running", name);
	if (s->record->state->status == RECORD_PAUSED)
		return error_set(err, 0, "container %s is paused (rustbox unpause %s)", name, name);
	return 0;
}

struct exec *exec_new(struct supervisor *s, const struct stream_exec *options,
		      const struct exec_user *user, void *data, struct error *err)
{
	cleanup_free char *json = NULL;
	struct exec *exec;

	if (exec_check_container(s, err) < 0)
		return NULL;
	json = exec_process_json(s, options, err);
	exec = json ? allocate(s, options, err) : NULL;
	if (!exec)
		return NULL;
	exec->user = user;
	exec->data = data;
	exec->command = join_command(options, err);
	if (!exec->command || add(exec, options, json, err) < 0) {
		exec_free(exec);
		return NULL;
	}
	change_tell(s, "exec_create", "execCommand", exec->command);
	return exec;
}

/* ---- for its user ---- */

struct exec *exec_find(const struct supervisor *s, const char *id)
{
	for (struct exec *exec = s->execs; exec; exec = exec->next)
		if (strcmp(exec->id, id) == 0)
			return exec;
	return NULL;
}

static void on_killed(void *data, enum ttrpc_code code, const char *text,
		      const ProtobufCMessage *response)
{
	if (code != TTRPC_OK && code != TTRPC_NOT_FOUND)
		log_warning("signal an exec: %s", text);
}

void exec_kill(struct exec *exec, int signal)
{
	struct error err;

	if (exec->has_exited)
		return;
	/* SIGKILL is more than what else may have been asked for. */
	if (!exec->pid && exec->wanted_signal != SIGKILL)
		exec->wanted_signal = signal;
	if (!exec->pid)
		return;
	if (run_call_kill(exec->s, exec->id, signal, false, on_killed, NULL, &err) < 0)
		log_warning("signal exec %s: %s", exec->id, err.text);
}

void exec_leave(struct exec *exec)
{
	exec->user = NULL;
	input_end(&exec->streams.input);
	streams_go_on(&exec->streams);
	if (exec->kills_when_left)
		exec_kill(exec, SIGKILL);
}
