/* SPDX-License-Identifier: Apache-2.0 */
/* What a crash, a reboot or the time has made of a container. */
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cmd/rustbox/store/event.h"
#include "cmd/rustbox/store/store_parts.h"

static bool is_lost(const struct store *store, const struct record *record)
{
	return record_is_live(record) && !store_is_supervised(store, record->id);
}

/* --stopped-timeout */
static bool is_over(const struct record *record)
{
	const struct json_uint *timeout = &record->policy->stopped_timeout;
	int64_t since = record_seconds(record->state->finished), now = time(NULL);

	return record->state->status == RECORD_STOPPED && timeout->set && since > 0 &&
	       now >= since && (uint64_t)(now - since) >= timeout->value;
}

/* The end that nobody has seen. */
static int set_ended(const struct store *store, struct record *record, struct arena *arena,
		     struct error *err)
{
	struct record_state *state = record->state;
	bool same_boot = str_equal(state->boot_id, store->boot_id);

	state->status = RECORD_EXITED;
	state->pid = 0;
	state->exit_code = same_boot ? 128 + SIGKILL : 255;
	state->signal = same_boot ? SIGKILL : 0;
	state->health = HEALTH_NONE;
	state->finished = clock_date_text(arena, err);
	state->error = arena_strdup(
		arena, same_boot ? "its supervisor was killed" : "the machine was restarted", err);
	return state->finished && state->error ? 0 : -1;
}

static int set_failed(struct record *record, const struct error *problem, struct arena *arena,
		      struct error *err)
{
	log_warning("clean up after container %s: %s", record->id, problem->text);
	record->state->error = arena_format(arena, err, "%s; cleaning up after it failed: %s",
					    record->state->error, problem->text);
	return record->state->error ? 0 : -1;
}

/*
 * Under the operation lock. Where cleaning up fails the container is shown as
 * ended, and the record stays as it is, so that the next command tries again.
 */
static int recover(struct store *store, struct record *record, struct arena *arena,
		   struct error *err)
{
	struct error problem;

	if (set_ended(store, record, arena, err) < 0)
		return -1;
	if ((store->clean_up && store->clean_up(store, record, &problem) < 0) ||
	    (record->auto_remove ? store_remove(store, record, &problem)
				 : store_save(store, record, true, &problem)) < 0)
		return set_failed(record, &problem, arena, err);
	event_of_container(store, record, "die", "exitCode", record->state->signal ? "137" : "255");
	if (!record->auto_remove)
		return 0;
	event_of_container(store, record, "destroy", NULL, NULL);
	return error_plain(err, ENOENT, "no such container: %s (%s, and it was to be removed then)",
			   record->id, record->state->error);
}

static int expire(struct store *store, struct record *record)
{
	struct error problem;

	if (store_drop_files(store, record, &problem) < 0)
		log_warning("--stopped-timeout: %s", problem.text);
	return 0;
}

int store_settle(struct store *store, bool waits, struct arena *arena, struct record **record,
		 struct error *err)
{
	if (!is_lost(store, *record) && !is_over(*record))
		return 0;
	cleanup_fd int lock = waits ? store_lock(store, (*record)->id, err)
				    : store_try_lock(store, (*record)->id, err);
	/* Somebody is at it: what he makes of it is not known yet, but that it has ended is. */
	if (lock < 0 && err->code == EBUSY)
		return is_lost(store, *record) ? set_ended(store, *record, arena, err) : 0;
	if (lock < 0 && err->code != ENOENT)
		return -1;
	if (store_load(store, (*record)->id, arena, record, err) < 0)
		return -1;
	if (is_lost(store, *record))
		return recover(store, *record, arena, err);
	return is_over(*record) ? expire(store, *record) : 0;
}
