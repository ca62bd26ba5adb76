/* SPDX-License-Identifier: Apache-2.0 */
/* Ends that somebody wants: stop, kill, restart, a limit. */
#include <signal.h>

#include "base/log.h"
#include "cmd/rustbox/format/format.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"

enum { TIMEOUT_S = 10, TRIES = 3 };

static int stop_signal(const struct supervisor *s)
{
	const char *name = s->record->policy->stop_signal;
	struct error err;
	int signal;

	if (!name)
		return SIGTERM;
	if (format_read_signal(name, &signal, &err) == 0)
		return signal;
	log_warning("%s; SIGTERM is sent", err.text);
	return SIGTERM;
}

static int timeout_of_record(const struct supervisor *s)
{
	const struct json_int *seconds = &s->record->policy->stop_timeout;

	if (!seconds->set)
		return TIMEOUT_S * 1000;
	if (seconds->value < 0)
		return -1;
	return seconds->value > INT32_MAX / 1000 ? INT32_MAX : (int)seconds->value * 1000;
}

static void try_signal(struct supervisor *s);

/* Whoever was to send it may have been killed: nobody else would end the container. */
static void on_sent(void *data, enum ttrpc_code code, const char *text,
		    const ProtobufCMessage *response)
{
	struct supervisor *s = data;

	if (code == TTRPC_OK || code == TTRPC_NOT_FOUND)
		return;
	log_warning("signal the container: %s", text);
	if (life_is_running(s) && !s->end.is_known && ++s->stop.tries < TRIES)
		try_signal(s);
}

static void try_signal(struct supervisor *s)
{
	struct error err;

	if (run_call_kill(s, "", s->stop.sent, s->stop.sent_to_all, on_sent, s, &err) < 0)
		log_warning("signal the container: %s", err.text);
}

static void send_signal(struct supervisor *s, int signal, bool all)
{
	s->stop.sent = signal;
	s->stop.sent_to_all = all;
	s->stop.tries = 0;
	try_signal(s);
}

static void on_patience_over(struct loop_timer *timer)
{
	struct supervisor *s = loop_owner(timer, struct supervisor, stop.patience);

	log_info("has not stopped in time: SIGKILL");
	send_signal(s, SIGKILL, false);
}

static void on_resumed(void *data, enum ttrpc_code code, const char *text,
		       const ProtobufCMessage *response)
{
	struct supervisor *s = data;

	if (code != TTRPC_OK)
		log_warning("resume the container: %s", text);
	if (life_is_running(s))
		send_signal(s, s->stop.signal, false);
}

/* One that is frozen gets no chance to end by itself otherwise. */
static void resume_and_send(struct supervisor *s)
{
	Containerd__Task__V2__ResumeRequest request = CONTAINERD__TASK__V2__RESUME_REQUEST__INIT;
	struct error err;

	request.id = (char *)(uintptr_t)s->id;
	if (run_call(s, "Resume", &request.base, on_resumed, s, &err) == 0)
		return;
	log_warning("resume the container: %s", err.text);
	send_signal(s, s->stop.signal, false);
}

static void carry_out(struct supervisor *s)
{
	struct stop *stop = &s->stop;

	if (stop->timeout_ms == 0)
		stop->signal = SIGKILL;
	if (stop->timeout_ms > 0)
		loop_set_timer(&s->loop, &stop->patience, stop->timeout_ms);
	if (s->record->state->status == RECORD_PAUSED && stop->signal != SIGKILL)
		resume_and_send(s);
	else
		send_signal(s, stop->signal, false);
}

/* What was asked for before stays in force, where it is more. */
static void set_purpose(struct supervisor *s, enum stop_purpose purpose)
{
	if (purpose > s->stop.purpose)
		s->stop.purpose = purpose;
	if (purpose >= STOP_BY_KILL)
		s->record->state->manually_stopped = true;
}

void stop_ask(struct supervisor *s, enum stop_purpose purpose, int timeout_ms, int signal)
{
	struct stop *stop = &s->stop;

	set_purpose(s, purpose);
	stop->timeout_ms =
		timeout_ms == STREAM_TIMEOUT_OF_RECORD ? timeout_of_record(s) : timeout_ms;
	stop->signal = signal ? signal : stop_signal(s);
	if (purpose >= STOP_BY_KILL && s->life < LIFE_ENDING)
		change_save(s, false);
	if (s->life == LIFE_WAITING)
		life_end_waiting(s);
	/* The signal of a kill was sent, or is about to be, by who asks for it. */
	else if (life_is_running(s) && purpose != STOP_BY_KILL)
		carry_out(s);
}

void stop_catch_up(struct supervisor *s)
{
	if (s->stop.purpose == STOP_BY_KILL)
		send_signal(s, s->stop.signal, false);
	else if (s->stop.purpose != STOP_NOT)
		carry_out(s);
}

void stop_run_ended(struct supervisor *s)
{
	loop_cancel_timer(&s->loop, &s->stop.patience);
}

void stop_note_checkpoint(struct supervisor *s)
{
	set_purpose(s, STOP_FOR_GOOD);
}

void stop_at_limit(struct supervisor *s, const char *ended_by)
{
	struct record_state *state = s->record->state;

	if (state->ended_by || s->end.is_known)
		return;
	state->ended_by = (char *)(uintptr_t)ended_by;
	log_info("has reached its limit: %s", ended_by);
	send_signal(s, SIGKILL, true);
}

bool stop_is_final(const struct supervisor *s, int signal)
{
	return signal == SIGKILL || signal == SIGTERM || signal == stop_signal(s);
}

void stop_init(struct supervisor *s)
{
	s->stop.patience.fire = on_patience_over;
}
