/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/supervisor/health.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/supervisor/exec.h"
#include "cmd/rustbox/supervisor/supervisor_parts.h"

/* Docker's defaults. */
enum {
	INTERVAL_MS = 30000,
	START_INTERVAL_MS = 5000,
	TIMEOUT_MS = 30000,
	RETRIES = 3,
	NS_PER_MS = 1000000,
};

static int64_t or_default(int64_t ns, int64_t ms)
{
	return ns > 0 ? (ns + NS_PER_MS - 1) / NS_PER_MS : ms;
}

static bool is_starting_up(const struct supervisor *s)
{
	const struct image_health *health = s->record->health;

	return s->record->state->health == HEALTH_STARTING &&
	       clock_now_ms() - s->started_ms < health->start_period / NS_PER_MS;
}

static void set_next(struct supervisor *s)
{
	const struct image_health *health = s->record->health;
	int64_t wait = is_starting_up(s) ? or_default(health->start_interval, START_INTERVAL_MS)
					 : or_default(health->interval, INTERVAL_MS);

	if (s->health.is_on)
		loop_set_timer(&s->loop, &s->health.next, wait);
}

/* ---- results ---- */

static void set_health(struct supervisor *s, enum record_health value)
{
	struct record_state *state = s->record->state;

	if (state->health == (int)value)
		return;
	state->health = (int)value;
	change_tell(s, "health_status", "health", record_health_names[value]);
}

static void note_output(struct supervisor *s)
{
	struct health *health = &s->health;

	health->output[health->n_output] = '\0';
	memcpy(s->texts.health_output, health->output, health->n_output + 1);
	s->record->state->health_output = s->texts.health_output;
}

static void note_result(struct supervisor *s, bool is_healthy)
{
	const struct image_health *health = s->record->health;
	struct record_state *state = s->record->state;
	uint64_t most = health->retries > 0 ? (uint64_t)health->retries : RETRIES;

	note_output(s);
	if (is_healthy) {
		state->failing_streak = 0;
		set_health(s, HEALTH_HEALTHY);
	} else if (!is_starting_up(s)) {
		state->failing_streak++;
		if (state->failing_streak >= most)
			set_health(s, HEALTH_UNHEALTHY);
	}
	change_save(s, false);
	client_tell_health(s, is_healthy);
	set_next(s);
}

static void replace_output(struct health *health, const char *text)
{
	size_t size = strlen(text);

	health->n_output = size < HEALTH_OUTPUT_MAX ? size : HEALTH_OUTPUT_MAX;
	memcpy(health->output, text, health->n_output);
}

/* ---- a check ---- */

static void on_started(void *data, pid_t pid)
{
}

static void on_output(void *data, enum log_stream stream, const char *bytes, size_t size)
{
	struct health *health = &((struct supervisor *)data)->health;
	size_t room = HEALTH_OUTPUT_MAX - health->n_output;

	size = size < room ? size : room;
	memcpy(health->output + health->n_output, bytes, size);
	health->n_output += size;
}

static void check_over(struct supervisor *s, bool is_healthy)
{
	s->health.check = NULL;
	loop_cancel_timer(&s->loop, &s->health.timeout);
	if (s->health.is_on)
		note_result(s, is_healthy);
}

static void on_failed(void *data, int exit_code, const char *text)
{
	struct supervisor *s = data;

	replace_output(&s->health, text);
	check_over(s, false);
}

static void on_ended(void *data, int exit_code, int signal)
{
	struct supervisor *s = data;

	if (s->health.has_timed_out)
		replace_output(&s->health, "the health check took too long");
	check_over(s, exit_code == 0 && !s->health.has_timed_out);
}

static void on_timeout(struct loop_timer *timer)
{
	struct supervisor *s = loop_owner(timer, struct supervisor, health.timeout);

	s->health.has_timed_out = true;
	if (s->health.check)
		exec_kill(s->health.check, SIGKILL);
}

static const struct exec_user user = {
	.started = on_started,
	.failed = on_failed,
	.got = on_output,
	.ended = on_ended,
};

/* "CMD" and arguments, or "CMD-SHELL" and a text for the image's shell. */
static int make_command(const struct supervisor *s, struct arena *arena, struct stream_exec *ret,
			struct error *err)
{
	const struct image_health *health = s->record->health;
	const struct image_settings *settings = s->record->settings;
	static char sh[] = "/bin/sh", c[] = "-c";
	char *plain[] = { sh, c };
	size_t n = 0, n_shell = settings && settings->n_shell ? settings->n_shell : 2;
	char **shell = settings && settings->n_shell ? settings->shell : plain;
	char **args = arena_array(arena, n_shell + health->n_test + 1, sizeof(*args), err);

	if (!args)
		return -1;
	if (str_equal(health->test[0], "CMD-SHELL"))
		while (n < n_shell) {
			args[n] = shell[n];
			n++;
		}
	for (size_t i = 1; i < health->n_test; i++)
		args[n++] = health->test[i];
	*ret = (struct stream_exec){ .args = args, .n_args = n };
	return 0;
}

static int begin_check(struct supervisor *s, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct health *health = &s->health;
	struct stream_exec options;

	health->n_output = 0;
	health->has_timed_out = false;
	if (make_command(s, &arena, &options, err) < 0)
		return -1;
	health->check = exec_new(s, &options, &user, s, err);
	if (!health->check)
		return -1;
	loop_cancel_timer(&s->loop, &health->next);
	loop_set_timer(&s->loop, &health->timeout,
		       or_default(s->record->health->timeout, TIMEOUT_MS));
	return 0;
}

static void on_next(struct loop_timer *timer)
{
	struct supervisor *s = loop_owner(timer, struct supervisor, health.next);
	struct error err;

	if (!life_is_running(s))
		return;
	if (s->record->state->status == RECORD_PAUSED) {
		set_next(s);
		return;
	}
	if (begin_check(s, &err) < 0) {
		replace_output(&s->health, err.text);
		note_result(s, false);
	}
}

/* ---- for others ---- */

static bool has_check(const struct record *record)
{
	return record->health && record->health->n_test > 1 &&
	       !str_equal(record->health->test[0], "NONE");
}

int health_check_now(struct supervisor *s, struct error *err)
{
	if (!has_check(s->record))
		return error_set(err, 0, "it has no health check (run --health-cmd gives it one)");
	/* One that has begun before a pause would not end before that one, either. */
	if (exec_check_container(s, err) < 0)
		return -1;
	return s->health.check ? 0 : begin_check(s, err);
}

void health_init(struct supervisor *s)
{
	s->health.next.fire = on_next;
	s->health.timeout.fire = on_timeout;
}

void health_begin(struct supervisor *s)
{
	struct record_state *state = s->record->state;

	if (!has_check(s->record))
		return;
	s->health.is_on = true;
	state->health = HEALTH_STARTING;
	state->failing_streak = 0;
	set_next(s);
}

void health_end(struct supervisor *s)
{
	struct health *health = &s->health;

	health->is_on = false;
	loop_cancel_timer(&s->loop, &health->next);
	loop_cancel_timer(&s->loop, &health->timeout);
	if (health->check)
		exec_leave(health->check);
	health->check = NULL;
	replace_output(health, "the container has ended");
	health->output[health->n_output] = '\0';
	client_tell_health(s, false);
}
