/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's life, one step after another; each step's answer comes from
 * the loop and takes the next one. Whatever fails goes the same way out:
 * Delete, then a restart or the end.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "cmd/rustbox/bundle/bundle.h"
#include "cmd/rustbox/network/network.h"
#include "cmd/rustbox/supervisor/exec.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"
#include "shim/background.h"

enum {
	DELAY_FIRST_MS = 100,
	DELAY_MOST_MS = 60000,
	STABLE_MS = 10000, /* a run of so long starts the delays anew */
	DRAIN_MS = 10000,  /* for clients to take output that is removed then (--rm) */
};

static void prepare(struct supervisor *s);
static void end_run(struct supervisor *s);
static void delete_run(struct supervisor *s);
static void end_for_good(struct supervisor *s);

bool life_is_running(const struct supervisor *s)
{
	return s->life == LIFE_RUNNING;
}

static void set_status(struct supervisor *s, enum record_status status)
{
	struct record_state *state = s->record->state;

	state->status = (int)status;
	state->boot_id = s->store->boot_id;
	state->pid = status == RECORD_RUNNING || status == RECORD_PAUSED ? s->pid : 0;
}

/* ---- failing ---- */

static void set_failure(struct supervisor *s, int exit_code, const char *text)
{
	s->end.is_known = true;
	s->end.exit_code = exit_code;
	s->end.signal = 0;
	(void)snprintf(s->end.failure, sizeof(s->end.failure), "%s", text);
	change_set_error(s, text);
	s->record->state->exit_code = exit_code;
	s->record->state->signal = 0;
	log_error("%s", text);
}

/* ---- creating and starting ---- */

/* A restart begins anew. */
static const char *restore_from(const struct supervisor *s)
{
	return s->n_starts == 1 ? s->restore_from : NULL;
}

static void on_started(void *data, enum ttrpc_code code, const char *text,
		       const ProtobufCMessage *response)
{
	struct supervisor *s = data;
	struct record_state *state = s->record->state;

	if (code != TTRPC_OK) {
		set_failure(s, run_exit_code(text), text);
		end_run(s);
		return;
	}
	s->life = LIFE_RUNNING;
	s->pid = (pid_t)((const Containerd__Task__V2__StartResponse *)response)->pid;
	s->started_ms = clock_now_ms();
	change_set_now(s->texts.started);
	state->started = s->texts.started;
	set_status(s, RECORD_RUNNING);
	health_begin(s);
	change_save(s, false);
	change_write_pid(s);
	change_tell(s, "start", NULL, NULL);
	if (restore_from(s))
		change_tell(s, "restore", "checkpoint", strrchr(restore_from(s), '/') + 1);
	client_tell_started(s);
	client_tell_restarted(s);
	limits_begin(s);
	/* A restart that was asked for meanwhile is this very one. */
	if (s->stop.purpose == STOP_TO_RESTART)
		s->stop.purpose = STOP_NOT;
	stop_catch_up(s);
	if (s->end.is_known) /* it has come meanwhile */
		loop_set_timer(&s->loop, &s->step, 0);
}

static void start(struct supervisor *s)
{
	struct error err;

	s->life = LIFE_STARTING;
	if (run_call_start(s, "", on_started, s, &err) == 0)
		return;
	set_failure(s, EXIT_ENGINE, err.text);
	end_run(s);
}

static void on_created(void *data, enum ttrpc_code code, const char *text,
		       const ProtobufCMessage *response)
{
	struct supervisor *s = data;
	cleanup_str struct str explained = STR_EMPTY;

	if (code == TTRPC_OK) {
		start(s);
		return;
	}
	run_explain_failure(s, text, &explained);
	set_failure(s, run_exit_code(text), explained.text ? explained.text : text);
	end_run(s);
}

static int prepare_bundle(struct supervisor *s, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;

	return bundle_prepare_start(s->store, s->record, &arena, err);
}

static void create(struct supervisor *s)
{
	struct error err;

	s->life = LIFE_CREATING;
	if (prepare_bundle(s, &err) == 0 &&
	    run_call_create(s, restore_from(s), on_created, &err) == 0)
		return;
	set_failure(s, EXIT_ENGINE, err.text);
	end_run(s);
}

/* ---- the network ---- */

static void on_network_up(void *data, const char *failure)
{
	struct supervisor *s = data;

	if (!failure) {
		create(s);
		return;
	}
	set_failure(s, EXIT_ENGINE, failure);
	end_run(s);
}

static void prepare(struct supervisor *s)
{
	struct record_state *state = s->record->state;
	struct error err;

	s->end = (struct run_end){ 0 };
	state->error = state->ended_by = NULL;
	state->oom_killed = false;
	state->oom_pid = 0;
	state->oom_task = NULL;
	s->life = LIFE_PREPARING;
	if (s->n_starts++ > 0)
		output_begin(s);
	if (s->network_is_up || !network_is_needed(s->record)) {
		create(s);
		return;
	}
	if (network_ports_hold(s->record, &s->ports, &err) < 0) {
		on_network_up(s, err.text);
		return;
	}
	s->network_is_up = true; /* or in part */
	if (aside_run(s, ASIDE_NETWORK_UP, on_network_up, &err) < 0)
		on_network_up(s, err.text);
}

void life_begin(struct supervisor *s)
{
	struct record_state *state = s->record->state;

	s->status_before = record_is_live(s->record) ? RECORD_EXITED : state->status;
	state->manually_stopped = false;
	state->restart_count = 0;
	/*
	 * From now on there is something to clean up, should we be killed. The record
	 * may have been saved so, by who has made the container to be started.
	 */
	if (state->status != RECORD_RESTARTING) {
		set_status(s, RECORD_RESTARTING);
		change_save(s, false);
	}
	/*
	 * The operation lock has gone with a starter that was killed: the next
	 * command may have found the record as it was before, and waits for our end.
	 */
	if (client_has_gone(s->launcher)) {
		s->n_starts = 1;
		set_failure(s, EXIT_ENGINE, "the command that was to start it was killed");
		end_for_good(s);
		return;
	}
	prepare(s);
}

/* ---- the end of a run ---- */

void life_note_exit(struct supervisor *s, int exit_code, int signal)
{
	/* One that could not be used is killed by the task service. */
	if (s->life != LIFE_STARTING && s->life != LIFE_RUNNING)
		return;
	s->end.is_known = true;
	s->end.exit_code = exit_code;
	s->end.signal = signal;
	if (s->life == LIFE_RUNNING)
		loop_set_timer(&s->loop, &s->step, 0);
}

static bool wants_restart(const struct supervisor *s)
{
	const struct record_policy *policy = s->record->policy;
	const struct record_state *state = s->record->state;

	if (state->manually_stopped || state->ended_by || s->stop.purpose == STOP_BY_SIGNAL)
		return false;
	/* What could not be started in the first place will not start by itself. */
	if (*s->end.failure && s->n_starts == 1)
		return false;
	switch (policy->restart) {
	case RESTART_ALWAYS:
	case RESTART_UNLESS_STOPPED:
		return true;
	case RESTART_ON_FAILURE:
		return state->exit_code != 0 &&
		       (policy->restart_most == 0 || state->restart_count < policy->restart_most);
	default:
		return false;
	}
}

static void on_delay_over(struct supervisor *s)
{
	s->record->state->restart_count++;
	prepare(s);
}

static void wait_for_restart(struct supervisor *s)
{
	bool was_stable = !*s->end.failure && clock_now_ms() - s->started_ms >= STABLE_MS;

	if (s->delay_ms == 0 || was_stable)
		s->delay_ms = DELAY_FIRST_MS;
	else
		s->delay_ms = s->delay_ms < DELAY_MOST_MS / 2 ? 2 * s->delay_ms : DELAY_MOST_MS;
	if (s->stop.purpose == STOP_TO_RESTART)
		s->stop.purpose = STOP_NOT;
	s->life = LIFE_WAITING;
	set_status(s, RECORD_RESTARTING);
	change_save(s, false);
	client_tell_will_restart(s);
	loop_set_timer(&s->loop, &s->again, s->delay_ms);
}

static void restart_at_once(struct supervisor *s)
{
	s->stop.purpose = STOP_NOT;
	s->record->state->restart_count = 0;
	s->delay_ms = 0;
	set_status(s, RECORD_RESTARTING);
	change_save(s, false);
	change_tell(s, "restart", NULL, NULL);
	client_tell_will_restart(s);
	prepare(s);
}

/* Nothing of the run is left. */
static void go_on(struct supervisor *s)
{
	if (s->stop.purpose == STOP_TO_RESTART && !*s->end.failure)
		restart_at_once(s);
	else if (wants_restart(s))
		wait_for_restart(s);
	else
		end_for_good(s);
}

void life_end_waiting(struct supervisor *s)
{
	loop_cancel_timer(&s->loop, &s->again);
	s->end.failure[0] = '\0';
	go_on(s);
}

static void on_cleaned_up(void *data, const char *failure)
{
	if (failure)
		log_error("%s", failure);
	delete_run(data);
}

/* Whoever was to do it was killed, or could not. The network goes with it. */
static void clean_up(struct supervisor *s)
{
	struct error err;

	s->was_cleaned_up = true;
	s->network_is_up = false;
	network_ports_release(&s->ports);
	log_warning("the run has left something, which is cleaned up");
	if (aside_run(s, ASIDE_CLEAN_UP, on_cleaned_up, &err) < 0)
		on_cleaned_up(s, err.text);
}

static void on_deleted(void *data, enum ttrpc_code code, const char *text,
		       const ProtobufCMessage *response)
{
	struct supervisor *s = data;

	if (code != TTRPC_OK && code != TTRPC_NOT_FOUND)
		log_warning("delete the container: %s", text);
	if (!s->was_cleaned_up && aside_has_remains(s)) {
		clean_up(s);
		return;
	}
	output_end_run(s);
	go_on(s);
}

static void delete_run(struct supervisor *s)
{
	struct error err;

	if (run_call_delete(s, "", on_deleted, s, &err) < 0)
		on_deleted(s, TTRPC_INTERNAL, err.text, NULL);
}

/* What of the run is there goes: also when it was created only, or not even that. */
static void end_run(struct supervisor *s)
{
	s->life = LIFE_DELETING;
	s->was_cleaned_up = false;
	stop_run_ended(s);
	delete_run(s);
}

static void tell_exit(struct supervisor *s)
{
	struct record_state *state = s->record->state;
	char code[16];

	change_set_now(s->texts.finished);
	state->finished = s->texts.finished;
	state->exit_code = s->end.exit_code;
	state->signal = s->end.signal;
	state->pid = 0;
	s->pid = 0;
	(void)snprintf(code, sizeof(code), "%d", s->end.exit_code);
	change_tell(s, "die", "exitCode", code);
}

static void on_step(struct loop_timer *timer)
{
	struct supervisor *s = loop_owner(timer, struct supervisor, step);

	if (s->life != LIFE_RUNNING || !s->end.is_known || s->checkpoint.is_under_way ||
	    s->publish.is_under_way)
		return;
	limits_end(s);
	health_end(s);
	tell_exit(s);
	end_run(s);
}

/* ---- the end ---- */

static void set_final_status(struct supervisor *s)
{
	if (*s->end.failure && s->n_starts == 1)
		set_status(s, (enum record_status)s->status_before);
	else
		set_status(s, s->stop.purpose == STOP_FOR_GOOD ? RECORD_STOPPED : RECORD_EXITED);
}

static void remove_socket(const struct supervisor *s, const char *name)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "%s/%s", s->id, name);
	(void)unlinkat(s->store->run_fd, path, 0);
}

/* What could not be cleaned up keeps its record, by which the next command tries again. */
static void remove_container(struct supervisor *s)
{
	struct error err;

	if (aside_has_remains(s)) {
		log_error("it is not removed: something of it is left");
		return;
	}
	if (store_remove(s->store, s->record, &err) < 0)
		log_error("%s", err.text);
	change_tell(s, "destroy", NULL, NULL);
}

/* Nobody finds us any more, and somebody else may begin. */
static void let_go(struct supervisor *s)
{
	s->is_draining = false;
	loop_cancel_timer(&s->loop, &s->again);
	client_accept_all(s); /* who is at the door is answered */
	client_stop_accepting(s);
	ttrpc_server_stop_listening(s->ttrpc);
	if (s->record->auto_remove) {
		remove_container(s);
	} else {
		remove_socket(s, "stream.sock");
		remove_socket(s, "task.sock");
	}
	fd_close(&s->lock);
	s->life = LIFE_OVER;
	client_tell_over(s);
	life_check_over(s);
}

static void on_again(struct loop_timer *timer)
{
	struct supervisor *s = loop_owner(timer, struct supervisor, again);

	if (s->life == LIFE_WAITING)
		on_delay_over(s);
	else if (s->is_draining)
		let_go(s);
	else if (s->life == LIFE_OVER && !s->clients)
		loop_stop(&s->loop);
}

/* Called from anywhere: the loop does it. */
void life_check_over(struct supervisor *s)
{
	if (s->life == LIFE_NEW && !s->launcher)
		loop_stop(&s->loop); /* who has started us has nothing to say */
	if ((s->life == LIFE_OVER && !s->clients) || (s->is_draining && client_all_have_output(s)))
		loop_set_timer(&s->loop, &s->again, 0);
}

static void finish(struct supervisor *s)
{
	set_final_status(s);
	limits_report(s);
	if (s->stop.purpose == STOP_FOR_GOOD)
		change_tell(s, "stop", NULL, NULL);
	if (!s->record->auto_remove) {
		change_save(s, true);
		let_go(s);
		return;
	}
	/* Output goes with the container: clients have it first, if they take it. */
	s->is_draining = true;
	loop_set_timer(&s->loop, &s->again, DRAIN_MS);
	life_check_over(s);
}

static void on_network_down(void *data, const char *failure)
{
	struct supervisor *s = data;

	if (failure)
		log_warning("take the network down: %s", failure);
	network_ports_release(&s->ports);
	finish(s);
}

static void end_for_good(struct supervisor *s)
{
	struct error err;

	s->life = LIFE_ENDING;
	if (!s->network_is_up)
		finish(s);
	else if (aside_run(s, ASIDE_NETWORK_DOWN, on_network_down, &err) < 0)
		on_network_down(s, err.text);
}

void life_init(struct supervisor *s)
{
	s->step.fire = on_step;
	s->again.fire = on_again;
}
