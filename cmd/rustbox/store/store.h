/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The containers on disk: finding, claiming, locking, saving, removing, and
 * putting right what a crash or a reboot has left.
 *
 *	operation lock    flock(2) of bundles/<id>: of the command that creates, starts,
 *	                  stops, changes or removes it. Held while it waits, never by a
 *	                  supervisor.
 *	supervisor lock   F_OFD_SETLK of /run/rustbox/<id>/supervisor: held by the
 *	                  supervisor as long as it lives (and by what it has forked).
 *
 * A container whose record says that it is live and whose supervisor lock is
 * free was lost: store_find() and store_list() clean up after it
 * (store->clean_up) and put its record right before they give it. A Stopped one
 * whose --stopped-timeout is over becomes Exited in the same way. A bundle that
 * nobody has locked and that has no record is half made, or the rest of a
 * removal: it is removed.
 */
#pragma once

#include "base/mem.h"
#include "cmd/rustbox/store/record.h"
#include "cmd/rustbox/store/root.h"

/* ---- making ---- */

struct store_claim {
	char id[STORE_ID_LENGTH + 1];
	int bundle; /* opened folder; holds the operation lock. -1: none */
};

/*
 * Takes a new id and the name (NULL: one is made up, into *ret_name, in the
 * arena), makes bundles/<id>, overlay/<id>, logs/<id>, /run/rustbox/<id>. A
 * name that is taken: EEXIST, and the message says by whom and what to do. On
 * failure nothing is left.
 */
int store_claim(struct store *store, const char *name, struct arena *arena, struct store_claim *ret,
		char **ret_name, struct error *err);

/* True for 12 lower-case hex digits. */
bool store_is_id(const char *text);
/* Checks a name: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 128 bytes; 12 hex digits are an id. */
int store_check_name(const char *name, struct error *err);

/* ---- saving ---- */

/*
 * Writes the record. durable: with fsync of file and folder (on creation and
 * for the final state). Records of auto_remove containers go to /run, without.
 */
int store_save(struct store *store, const struct record *record, bool durable, struct error *err);

/* ---- finding ---- */

/*
 * By id, by any unambiguous beginning of it, or by name (which wins). The
 * record is in the arena. err->code ENOENT: "no such container: x" (and what
 * `list` would show); an ambiguous one names the candidates.
 */
int store_find(struct store *store, const char *name, struct arena *arena, struct record **ret,
	       struct error *err);

/* By exact id, nothing is put right: for the supervisor. */
int store_load(const struct store *store, const char *id, struct arena *arena, struct record **ret,
	       struct error *err);

/*
 * All, the newest first. A record that cannot be read is logged as a warning
 * and left out, never removed.
 */
int store_list(struct store *store, struct arena *arena, struct record ***ret, size_t *ret_n,
	       struct error *err);

/* ---- locks ---- */

/*
 * The operation lock; waits for it. A descriptor (close it to unlock). ENOENT
 * when the container has gone meanwhile. Load the record after it, not before.
 */
int store_lock(const struct store *store, const char *id, struct error *err);

/* The supervisor lock, not waiting: EBUSY where there is one already. */
int store_lock_supervisor(const struct store *store, const char *id, struct error *err);

/* True while a supervisor lives. */
bool store_is_supervised(const struct store *store, const char *id);
/* Waits until there is none: timeout_ms -1 for ever. -1 with ETIMEDOUT. */
int store_wait_unsupervised(const struct store *store, const char *id, int timeout_ms,
			    struct error *err);

/* ---- changing ---- */

/*
 * Moves the name; the record is changed (its name is then this very text) and
 * saved. For one without a supervisor; the caller holds the operation lock.
 */
int store_rename(struct store *store, struct record *record, const char *name, struct error *err);

/*
 * Makes and drops the link of a name, for store_rename() and the supervisor,
 * which writes the record itself. EEXIST as in store_claim().
 */
int store_take_name(struct store *store, const char *name, const char *id, struct error *err);
void store_drop_name(struct store *store, const char *name, const char *id);

/*
 * Drops the container's files: upper layer, logs; keeps record and bundle
 * (Stopped -> Exited by clean-up).
 */
int store_drop_files(struct store *store, struct record *record, struct error *err);

/*
 * Removes all of it: record first (so that no crash shows half of one), then
 * name, run folder, logs, overlay, the anonymous volumes that record->mounts
 * has (n_mounts 0 keeps them) and nobody else mounts, bundle last. Any number
 * of times. The caller holds the operation lock, or is its supervisor.
 */
int store_remove(struct store *store, const struct record *record, struct error *err);
