/* SPDX-License-Identifier: Apache-2.0 */
/* What all clients are told, or those who wait for it. */
#include <string.h>

#include "cmd/rustbox/supervisor/client.h"

/* It may close that client, and no other one. */
static void for_each(struct supervisor *s, void (*act)(struct client *c))
{
	for (struct client *c = s->clients, *next; c; c = next) {
		next = c->next;
		act(c);
	}
}

void client_pump_all(struct supervisor *s)
{
	for_each(s, client_attach_wake);
}

static void tell_started(struct client *c)
{
	if (!c->is_attached)
		return;
	c->owes_started = true;
	c->pid = c->s->pid;
	client_pump(c);
}

void client_tell_started(struct supervisor *s)
{
	for_each(s, tell_started);
}

static void tell_restarted(struct client *c)
{
	if (c->waits == CLIENT_WAITS_RESTART)
		client_answer(c, NULL);
}

void client_tell_restarted(struct supervisor *s)
{
	for_each(s, tell_restarted);
}

static void tell_healthy(struct client *c)
{
	if (c->waits == CLIENT_WAITS_HEALTH)
		client_answer(c, NULL);
}

static void tell_unhealthy(struct client *c)
{
	const char *output = c->s->health.output;

	if (c->waits == CLIENT_WAITS_HEALTH)
		client_fail(c, 1, *output ? output : "its check has failed, and said nothing");
}

void client_tell_health(struct supervisor *s, bool is_healthy)
{
	for_each(s, is_healthy ? tell_healthy : tell_unhealthy);
}

static void set_exited(struct client *c, bool will_restart)
{
	const struct record_state *state = c->s->record->state;

	c->exited = (struct stream_exited){
		.exit_code = state->exit_code,
		.signal = state->signal,
		.oom_killed = state->oom_killed,
		.will_restart = will_restart,
	};
	if (state->ended_by)
		(void)strncpy(c->exited.ended_by, state->ended_by, sizeof(c->exited.ended_by) - 1);
	c->owes_exited = true;
	/* Behind the last word no STARTED comes: the output of that run goes without it. */
	if (!will_restart)
		c->told_run = c->s->output.log.run;
	client_pump(c);
}

static void tell_will_restart(struct client *c)
{
	if (c->is_attached)
		set_exited(c, true);
}

void client_tell_will_restart(struct supervisor *s)
{
	for_each(s, tell_will_restart);
}

static void tell_over(struct client *c)
{
	const struct supervisor *s = c->s;

	if (c->is_attached || c->waits == CLIENT_WAITS_EXIT) {
		set_exited(c, false);
	} else if (c->waits == CLIENT_WAITS_END) {
		client_answer(c, NULL);
	} else if (c->waits == CLIENT_WAITS_RESTART || c->waits == CLIENT_WAITS_HEALTH) {
		client_answer(c, *s->end.failure ? s->end.failure : "the container has ended");
	} else if (!c->exec && !c->owes_exited) {
		client_close(c);
	}
}

/* What it has to say is there by now, or it has nothing to say. */
static void hear(struct client *c)
{
	if (!c->has_spoken)
		client_receive(c);
	if (!c->has_spoken)
		client_close(c);
}

void client_tell_over(struct supervisor *s)
{
	for_each(s, hear);
	for_each(s, tell_over);
}
